//! `reindex`: what was carried before there was an index of carriers.

use aws_sdk_dynamodb::{
    Client,
    types::{DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate},
};
use customers_categories::{
    Data, Engine,
    server::{self, engine::ANY_LOCAL_PORT},
};
use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Place, lines, on_aws},
    running::{CATEGORIES, Running},
};

const TABLE: &str = "customers-categories";

const CARRIERS: &str = "/v4/orgs/telco/categories/7/customers";

/// Has the table hold what it would if there had not been an index when it was written.
async fn forget_places(client: &Client) {
    let items = client.scan().table_name(TABLE).into_paginator().items().send();
    for mut item in items.collect::<Result<Vec<_>, _>>().await.unwrap() {
        if item.remove("carriers_pk").is_some() && item.remove("carriers_sk").is_some() {
            client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
    }
}

/// A data file from before, with nine categories.
async fn from_before() -> Place {
    let place = Place::new();
    assert_eq!(place.import(lines(0..9)).code, 0);
    let engine = Engine::start(&Data::File(place.path("data.db")), ANY_LOCAL_PORT, &[]).unwrap();
    let client = engine.client();
    forget_places(&client).await;
    let delete = DeleteGlobalSecondaryIndexAction::builder().index_name("carriers").build().unwrap();
    let update = GlobalSecondaryIndexUpdate::builder().delete(delete).build();
    client.update_table().table_name(TABLE).global_secondary_index_updates(update).send().await.unwrap();
    place
}

async fn found(server: &Running) -> Value {
    let (status, page) = server.request("GET", CARRIERS, None).await;
    assert_eq!(status, 200, "{page}");
    page["customers"].as_array().unwrap().iter().map(|carrier| carrier["customer_id"].clone()).collect()
}

#[tokio::test]
async fn a_data_file_from_before_has_its_carriers_once_it_is_opened() {
    let place = from_before().await;
    let server = place.serve();
    assert_eq!(found(&server).await, json!([CUSTOMER]));
    let (_, history) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;
    assert_eq!(history["history"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn a_command_brings_a_data_file_from_before_up_to_date_too() {
    let place = from_before().await;
    let done = place.run(&["reindex"]);
    let said = "all that is carried has its place in the index of carriers\n";
    assert_eq!((done.code, done.output.as_str()), (0, said), "{}", done.remarks);
    assert_eq!(found(&place.serve()).await, json!([CUSTOMER]));
}

#[tokio::test]
async fn a_table_gets_its_places_and_nothing_is_done_twice() {
    let place = Place::new();
    let server = place.serve();
    assert_eq!(place.import(lines(0..9)).code, 0);
    forget_places(&server::client(server.dynamodb_url.clone())).await;
    assert_eq!(server.request("GET", CARRIERS, None).await.0, 404);
    let reindex = || on_aws(&mut place.command(&["reindex", "--table", TABLE]), &server).output().unwrap();
    for said in [
        "9 categories have been given their place in the index of carriers\n",
        "all that is carried has its place in the index of carriers\n",
    ] {
        let done = reindex();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(String::from_utf8(done.stdout).unwrap(), said);
        assert_eq!(found(&server).await, json!([CUSTOMER]));
    }
}
