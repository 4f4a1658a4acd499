use std::collections::HashMap;

use aws_sdk_dynamodb::{error::SdkError, operation::put_item::PutItemError, types::AttributeValue};

use super::{
    Store, failure,
    items::{self, Item},
};
use crate::{
    Result,
    domain::{ApiKey, KeyHash, Timestamp},
};

pub const PARTITION_KEY: &str = "hash";

impl Store {
    /// The API key with this hash.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn api_key(&self, hash: &KeyHash) -> Result<Option<ApiKey>> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.keys)
            .set_key(Some(item(hash)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure::error("GetItem", error))?;
        answer.item.map(items::read).transpose()
    }

    /// Stores an API key, in place of the one with the same hash if there is one, unless that has been revoked: a
    /// revocation is for good. Returns whether it has been stored.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn put_api_key(&self, key: &ApiKey) -> Result<bool> {
        let request = self
            .client
            .put_item()
            .table_name(&self.tables.keys)
            .set_item(Some(items::write(key)?))
            .condition_expression("attribute_not_exists(#revoked_at)")
            .expression_attribute_names("#revoked_at", "revoked_at");
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(failure::error("PutItem", error)),
        }
    }

    /// Revokes the API key with this hash at `now`, unless it has been revoked before.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn revoke_api_key(&self, hash: &KeyHash, now: Timestamp) -> Result<()> {
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.keys)
            .set_key(Some(item(hash)))
            .condition_expression("attribute_exists(#hash)")
            .update_expression("SET #revoked_at = if_not_exists(#revoked_at, :now)")
            .expression_attribute_names("#hash", PARTITION_KEY)
            .expression_attribute_names("#revoked_at", "revoked_at")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        request.send().await.map(drop).map_err(|error| failure::error("UpdateItem", error))
    }

    /// Every API key, in no particular order.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        let mut pages =
            self.client.scan().table_name(&self.tables.keys).consistent_read(true).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure::error("Scan", error))?;
            for item in page.items.unwrap_or_default() {
                keys.push(items::read(item)?);
            }
        }
        Ok(keys)
    }
}

/// Where the API key with this hash is stored.
pub fn item(hash: &KeyHash) -> Item {
    HashMap::from([(PARTITION_KEY.to_owned(), AttributeValue::S(hash.as_str().to_owned()))])
}

/// Whether the item is not as the condition has it.
fn is_refused<R>(error: &SdkError<PutItemError, R>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}
