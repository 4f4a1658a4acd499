//! What the customers of an organisation carry, found by reading the whole table. No function calls any of this.

use super::{
    ScanPosition, Scanned, Store,
    items::{self, CarriedItem},
    keys,
    scan::Wanted,
};
use crate::{
    Result,
    domain::{CategoryId, OrgId, Value},
};

/// A category that a customer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The category.
    pub id: CategoryId,
    /// The value that it is carried with, if any.
    pub value: Option<Value>,
}

impl Store {
    /// What customers of an organisation carry, from the table's start or from where a Scan has ended. What is
    /// deleted, or is left of a customer who is being erased, is not carried. It reads eventually consistent.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn carried(&self, org: &OrgId, from: Option<&ScanPosition>) -> Result<Scanned<Carried>> {
        let wanted = Wanted {
            filter: "begins_with(#sk, :category) AND attribute_exists(#created)",
            projection: "#pk, #sk, #id, #value",
            names: &[("#created", "created"), ("#id", "id"), ("#value", "value")],
            values: vec![(":category", keys::CATEGORY.to_owned())],
            consistent: false,
        };
        self.scan_customers(Some(org), wanted, from, |item| {
            let CarriedItem { id, value } = items::read(item)?;
            Ok(Some(Carried { id, value }))
        })
        .await
    }
}
