//! What the deployed functions link.

use std::process::Command;

use shared::http::Operation;

#[test]
fn what_the_local_server_is_made_of_is_in_no_function() {
    for function in Operation::ALL.iter().map(|operation| operation.function()).chain(["not-found"]) {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", function])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        assert!(tree.contains("aws-sdk-dynamodb"), "{tree}");
        for unwanted in
            ["dynoxide-rs", "rusqlite", "aws-lc-rs", "clap", "axum", "swagger-ui-dist", "indicatif"]
        {
            assert!(!tree.contains(unwanted), "{function} links {unwanted}");
        }
    }
}
