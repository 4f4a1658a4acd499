//! Many customers who carry a category.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    domain::{CustomerId, Revision, Shard, Text, ValueHash},
    store::Store,
};
use uuid::Uuid;

use crate::support::api::{Answer, Api, carriers, send};

/// The id of a customer by number.
pub fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// The path of a customer's categories, by the customer's number.
pub fn categories(number: u128) -> String {
    format!("/v4/orgs/telco/customers/{}/categories", id(number))
}

pub fn shard(number: u128) -> Shard {
    Shard::of(CustomerId::parse(&id(number)).unwrap())
}

/// Who an answer lists.
pub fn listed(page: &Value) -> Vec<&str> {
    let customers = page["customers"].as_array().unwrap().iter();
    customers.map(|carrier| carrier["customer_id"].as_str().unwrap()).collect()
}

impl Api {
    /// Gives a customer category 7.
    pub async fn give(&self, number: u128, value: Option<&str>) -> Answer {
        let body = json!({ "id": 7, "value": value });
        let answer = send(self.request(Method::POST, &categories(number)).json(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    /// Everybody who carries category 7, page by page, each once.
    pub async fn everybody(&self, limit: usize, filter: &str) -> BTreeSet<String> {
        let pages = self.pages(&format!("{}?limit={limit}{filter}", carriers(7)), "customers").await;
        let found: Vec<String> = pages
            .concat()
            .iter()
            .map(|carrier| carrier["customer_id"].as_str().unwrap().to_owned())
            .collect();
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(distinct.len(), found.len(), "somebody appears twice");
        distinct
    }

    /// Puts items of customers who carry category 7, as the service writes them.
    pub async fn put_carriers(&self, numbers: impl IntoIterator<Item = u128>, value: &str) {
        let hash = ValueHash::of(&Text::parse(value.to_owned()).unwrap());
        let revision = Revision::mint(self.clock.timestamp(), None).to_string();
        let put = |number: u128| {
            let id = id(number);
            let item = [
                ("pk", format!("telco#{id}")),
                ("sk", "CATEGORY#2147483655".to_owned()),
                ("value", value.to_owned()),
                ("created", revision.clone()),
                ("revision", revision.clone()),
                ("carriers_pk", format!("telco#7#{}", shard(number))),
                ("carriers_sk", format!("VALUE#{hash}#{id}")),
            ];
            let item = item.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
            let number = ("id".to_owned(), AttributeValue::N("7".to_owned()));
            let item: HashMap<_, _> = item.into_iter().chain([number]).collect();
            let put = PutRequest::builder().set_item(Some(item));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        };
        self.write(&self.tables.categories, numbers.into_iter().map(put).collect()).await;
    }

    /// Another table with what this one holds now, as its index may still be for a moment; returns its name.
    pub async fn earlier_moment(&self) -> String {
        let mut tables = self.tables.clone();
        tables.categories = format!("earlier-{}", Uuid::new_v4());
        let store = Store::new(self.client.clone(), tables.clone(), self.clock.clone());
        store.create_tables().await.unwrap();
        let put = |item| {
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        self.write(&tables.categories, self.items().await.into_iter().map(put).collect()).await;
        tables.categories
    }

    async fn write(&self, table: &str, requests: Vec<WriteRequest>) {
        for some in requests.chunks(25) {
            self.client.batch_write_item().request_items(table, some.to_vec()).send().await.unwrap();
        }
    }
}
