//! What the catalogue says of giving a category, as it was looked up lately.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::{Store, failure, items, keys};
use crate::{
    Error, Result,
    domain::{Assignment, CategoryId, OrgId, Policy, Record, Rule},
    error::Fault,
};

/// How long what was read counts, so that a definition holds after as long.
const RULE_TTL: Duration = Duration::from_secs(30);

impl Store {
    /// Whether the catalogue allows the assignment.
    ///
    /// # Errors
    /// As [`Rule::admit`]; or the database's failure.
    pub(super) async fn admit(&self, assignment: Option<Assignment<'_>>) -> Result<()> {
        let Some(Assignment { customer, id, value }) = assignment else { return Ok(()) };
        self.rule(&customer.org, id).await?.admit(id, value)
    }

    /// What the catalogue says of a category, as it was read at most 30 s ago. A look-up that failed is not
    /// remembered.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn rule(&self, org: &OrgId, id: CategoryId) -> Result<Arc<Rule>> {
        let now = self.clock.now();
        let key = (org.clone(), id);
        if let Some(rule) = self.rules.fresh(&key, now) {
            return Ok(rule);
        }
        let rule = Arc::new(self.read_rule(org, id).await?);
        let is_defined = matches!(*rule, Rule::Defined(_));
        self.rules.insert(key, rule.clone(), is_defined, now, RULE_TTL);
        Ok(rule)
    }

    /// What the organisation does with categories that its catalogue does not define.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn policy(&self, org: &OrgId) -> Result<Policy> {
        let item = self.item(keys::item(org, keys::POLICY.to_owned())).await?;
        item.map_or(Ok(Policy::default()), items::into_policy)
    }

    /// Sets what the organisation does with categories that its catalogue does not define. It holds 30 s later
    /// at the latest.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn set_policy(&self, org: &OrgId, unknown: Policy) -> Result<()> {
        self.client
            .put_item()
            .table_name(&self.tables.categories)
            .set_item(Some(items::from_policy(org, unknown)?))
            .send()
            .await
            .map_err(|error| failure::error("PutItem", error))?;
        Ok(())
    }

    /// Definition and policy, in one call.
    async fn read_rule(&self, org: &OrgId, id: CategoryId) -> Result<Rule> {
        let definition = keys::category(id);
        let wanted = KeysAndAttributes::builder()
            .keys(keys::item(org, definition.clone()))
            .keys(keys::item(org, keys::POLICY.to_owned()))
            .consistent_read(true)
            .build()
            .map_err(Error::unexpected)?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.tables.categories, wanted)
            .send()
            .await
            .map_err(|error| failure::error("BatchGetItem", error))?;
        if answer.unprocessed_keys.is_some_and(|unprocessed| !unprocessed.is_empty()) {
            return Err(Error::Unavailable(Fault::new("BatchGetItem: keys were left unprocessed")));
        }
        let mut rule = Rule::Undefined(Policy::default());
        for item in answer
            .responses
            .into_iter()
            .filter_map(|mut found| found.remove(&self.tables.categories))
            .flatten()
        {
            let sort_key = item.get(keys::SORT_KEY).and_then(|key| key.as_s().ok());
            if sort_key == Some(&definition) {
                if let Record::Live(record) = items::into_record(item)? {
                    return Ok(Rule::Defined(Box::new(record.attributes)));
                }
            } else {
                rule = Rule::Undefined(items::into_policy(item)?);
            }
        }
        Ok(rule)
    }
}
