//! What the catalogue says of giving a category, as it was looked up lately.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{
    Store, Tables, api_keys, failure,
    items::{self, Item},
    keys,
};
use crate::{
    Error, Result,
    clock::Moment,
    domain::{ApiKey, Assignment, CategoryId, KeyHash, OrgId, Policy, Record, Rule},
};

/// How long what was read counts, so that a definition holds after as long.
const RULE_TTL: Duration = Duration::from_secs(30);

/// A category that a request is to give.
#[derive(Debug)]
pub struct Given {
    /// Whose catalogue it is in.
    pub org: OrgId,
    /// Which category.
    pub id: CategoryId,
}

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
        let rule = self.rules(org, [id]).await?.remove(&id);
        rule.ok_or_else(|| Error::unexpected("a rule was not looked up"))
    }

    /// As [`Self::rule`], of each of these categories. What is not at hand is looked up together.
    pub(super) async fn rules(
        &self,
        org: &OrgId,
        ids: impl IntoIterator<Item = CategoryId>,
    ) -> Result<HashMap<CategoryId, Arc<Rule>>> {
        let now = self.clock.now();
        let (mut rules, mut wanted) = (HashMap::new(), BTreeSet::new());
        for id in ids {
            match self.rules.fresh(&(org.clone(), id), now) {
                Some(rule) => drop(rules.insert(id, rule)),
                None => drop(wanted.insert(id)),
            }
        }
        if !wanted.is_empty() {
            let items = self.items(rule_keys(org, &wanted)).await?;
            rules.extend(self.keep_rules(org, wanted, items, now)?);
        }
        Ok(rules)
    }

    /// The API key with this hash. What the catalogue says of a category is looked up in the same call, if it is not at
    /// hand, and kept.
    ///
    /// # Errors
    /// The database's failure.
    pub(super) async fn api_key_and_rule(&self, hash: &KeyHash, given: Given) -> Result<Option<ApiKey>> {
        let now = self.clock.now();
        let key = (given.org, given.id);
        if self.rules.fresh(&key, now).is_some() {
            return self.api_key(hash).await;
        }
        let (org, ids) = (&key.0, BTreeSet::from([key.1]));
        let Tables { categories, keys } = &self.tables;
        let wanted = HashMap::from([
            (keys.clone(), vec![api_keys::item(hash)]),
            (categories.clone(), rule_keys(org, &ids)),
        ]);
        let mut found = self.items_of_call(wanted).await?;
        self.keep_rules(org, ids, found.remove(categories).unwrap_or_default(), now)?;
        found.remove(keys).and_then(|mut keys| keys.pop()).map(items::read).transpose()
    }

    /// Keeps what was read of these categories at `read`, in place of what was kept of them.
    fn keep_rules(
        &self,
        org: &OrgId,
        ids: BTreeSet<CategoryId>,
        items: Vec<Item>,
        read: Moment,
    ) -> Result<HashMap<CategoryId, Arc<Rule>>> {
        let rules = into_rules(ids, items)?.into_iter().map(|(id, rule)| {
            let is_defined = matches!(rule, Rule::Defined(_));
            let rule = Arc::new(rule);
            self.rules.insert((org.clone(), id), rule.clone(), is_defined, read, RULE_TTL);
            (id, rule)
        });
        Ok(rules.collect())
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
}

/// Where it stands what the catalogue says of categories: their definitions, and the policy.
fn rule_keys(org: &OrgId, ids: &BTreeSet<CategoryId>) -> Vec<Item> {
    let sort_keys = ids.iter().map(|id| keys::category(*id)).chain([keys::POLICY.to_owned()]);
    sort_keys.map(|sort_key| keys::item(org, sort_key)).collect()
}

fn into_rules(ids: BTreeSet<CategoryId>, items: Vec<Item>) -> Result<HashMap<CategoryId, Rule>> {
    let (mut defined, mut policy) = (HashMap::new(), Policy::default());
    for item in items {
        if keys::sort_key(&item) == Some(keys::POLICY) {
            policy = items::into_policy(item)?;
        } else if let Record::Live(record) = items::into_record(item)? {
            defined.insert(record.id, Rule::Defined(Box::new(record.attributes)));
        }
    }
    let rule = |id| (id, defined.remove(&id).unwrap_or(Rule::Undefined(policy)));
    Ok(ids.into_iter().map(rule).collect())
}
