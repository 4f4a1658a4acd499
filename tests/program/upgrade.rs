//! Data of another version.

use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::server;
use shared::store::FORMAT;

use crate::{
    place::{CUSTOMER, Done, Place, fails, lines, on_aws},
    running::Running,
};

/// Has the data of a server say that it has this version.
async fn set_format(server: &Running, version: &str) {
    let put = server::client(server.dynamodb_url.clone()).put_item().table_name("customers-categories");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = put.item("pk", text("#")).item("sk", text("FORMAT"));
    put.item("version", AttributeValue::N(version.to_owned())).send().await.unwrap();
}

async fn format(server: &Running) -> Option<String> {
    let get = server::client(server.dynamodb_url.clone()).get_item().table_name("customers-categories");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = get.key("pk", text("#")).key("sk", text("FORMAT")).send().await.unwrap().item?;
    item["version"].as_n().ok().cloned()
}

#[tokio::test]
async fn data_of_a_later_version_is_refused_wherever_it_is() {
    let place = Place::new();
    assert_eq!(place.import(lines(0..2)).code, 0);
    let server = place.serve();
    assert_eq!(format(&server).await, Some(FORMAT.to_string()));
    set_format(&server, &(FORMAT + 1).to_string()).await;
    let problem =
        format!("the data has format {}, and this version of the program knows {FORMAT}", FORMAT + 1);
    let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
    let on_table = [&export[..], &["--table", "customers-categories"]].concat();
    for mut command in [place.command(&export), place.command(&on_table)] {
        let done = Done::from(on_aws(&mut command, &server).output().unwrap());
        assert_eq!((done.code, done.output.as_str()), (1, ""));
        assert!(done.remarks.contains(&problem), "{}", done.remarks);
    }
    server.signal("-TERM");
    let done = place.run(&export);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(done.remarks.contains(&problem), "{}", done.remarks);
    let said = fails(&["--data", place.path("data.db").to_str().unwrap()]);
    assert!(said.contains(&problem), "{said}");
}

/// What was written before there were versions is of the first.
#[tokio::test]
async fn data_without_a_version_is_taken_and_gets_one() {
    let place = Place::new();
    let server = place.serve();
    let database = server::client(server.dynamodb_url.clone());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = database.delete_item().table_name("customers-categories");
    delete.key("pk", text("#")).key("sk", text("FORMAT")).send().await.unwrap();
    assert_eq!(format(&server).await, None);
    assert_eq!(place.import(lines(0..2)).code, 0);
    assert_eq!(format(&server).await, Some(FORMAT.to_string()));
    // It is nobody's: neither counted nor exported.
    assert!(place.run(&["stats"]).output.starts_with("1 customers, 2 categories, 2 changes"));
}
