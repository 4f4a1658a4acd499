//! What the deployed functions link, and which way the imports of the domain crate point.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use shared::http::Operation;

/// The modules of `shared`, each of which may import those behind it alone.
const ORDER: [&str; 9] = ["lambda", "http", "app", "store", "log", "config", "clock", "domain", "error"];

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

/// The files of a folder and of those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The modules that a source text names after `crate::`, alone or in a group in braces.
fn imports(text: &str) -> BTreeSet<&str> {
    let name = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(&rest[..name(rest)]);
            continue;
        };
        let mut depth = 0;
        let mut starts_a_name = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts_a_name = true,
                c if depth == 0 && starts_a_name && c.is_alphabetic() => {
                    found.insert(&group[at..at + name(&group[at..])]);
                    starts_a_name = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// The module that a name at the crate's root belongs to.
fn module(name: &str) -> &str {
    match name {
        "App" => "app",
        "Error" | "Result" => "error",
        name => name,
    }
}

#[test]
fn imports_of_the_domain_crate_point_one_way() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/src"));
    let rank = |name: &str| ORDER.iter().position(|module| *module == name);
    let mut seen = 0;
    for file in files(&root).iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs")) {
        let inside = file.strip_prefix(&root).unwrap().with_extension("");
        let own = inside.iter().next().unwrap().to_str().unwrap();
        if own == "lib" {
            continue;
        }
        let own_rank = rank(own).unwrap_or_else(|| panic!("{own} has no place in the order"));
        let text = fs::read_to_string(file).unwrap();
        for imported in imports(&text).into_iter().map(module) {
            let place = rank(imported).unwrap_or_else(|| panic!("{imported} has no place in the order"));
            assert!(place >= own_rank, "{} imports {imported}, which is above it", file.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} imports found");
}

#[test]
fn imports_are_found_alone_and_in_groups() {
    let text = "use crate::{\n    App, Error,\n    domain::{Author, history::Change},\n    log,\n};\nuse crate::clock::Clock;";
    assert_eq!(imports(text), BTreeSet::from(["App", "Error", "clock", "domain", "log"]));
}
