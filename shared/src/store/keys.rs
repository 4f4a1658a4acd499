//! Partition and sort keys of the categories table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{CategoryId, Owner, Revision};

pub const PARTITION_KEY: &str = "pk";
pub const SORT_KEY: &str = "sk";
pub const HISTORY: &str = "HISTORY#";

const CATEGORY: &str = "CATEGORY#";
pub const IDEMPOTENCY: &str = "IDEMPOTENCY#";
const NAME: &str = "NAME#";

/// Where an organisation's policy lies.
pub const POLICY: &str = "POLICY";

/// The attribute by which DynamoDB's TTL finds what has expired.
pub const EXPIRES: &str = "expires";

/// Where everything about an owner lies.
pub fn partition(owner: &impl Owner) -> String {
    owner.to_string()
}

/// Offset so that it has no sign, and of fixed width: text order is numeric order.
pub fn category(id: CategoryId) -> String {
    format!("{CATEGORY}{:010}", i64::from(id.get()) - i64::from(i32::MIN))
}

pub fn history(revision: Revision) -> String {
    format!("{HISTORY}{revision}")
}

/// Where a change under an `Idempotency-Key` is remembered, by the SHA-256 of caller and key.
pub fn idempotency(id: &str) -> String {
    format!("{IDEMPOTENCY}{id}")
}

/// Where the claim of a folded name lies.
pub fn name(folded: &str) -> String {
    format!("{NAME}{folded}")
}

/// The category whose sort key this is.
pub fn category_of(sort_key: &str) -> Option<CategoryId> {
    let offset: i64 = sort_key.strip_prefix(CATEGORY)?.parse().ok()?;
    i32::try_from(offset + i64::from(i32::MIN)).ok().map(CategoryId::new)
}

/// The revision whose history entry has this sort key.
pub fn revision_of(sort_key: &str) -> Option<Revision> {
    Revision::parse(sort_key.strip_prefix(HISTORY)?)
}

/// The sort keys of the categories behind `after`, or of all; `None` where there can be none.
pub fn categories(after: Option<CategoryId>) -> Option<(String, String)> {
    let first = match after {
        None => i32::MIN,
        Some(id) => id.get().checked_add(1)?,
    };
    Some((category(CategoryId::new(first)), category(CategoryId::new(i32::MAX))))
}

pub fn item(owner: &impl Owner, sort_key: String) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (PARTITION_KEY.to_owned(), AttributeValue::S(partition(owner))),
        (SORT_KEY.to_owned(), AttributeValue::S(sort_key)),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Customer, CustomerId, OrgId};

    fn customer() -> impl Strategy<Value = Customer> {
        ("[A-Za-z0-9._-]{1,64}", any::<u128>())
            .prop_filter("dot segments", |(org, _)| OrgId::parse(org).is_ok())
            .prop_map(|(org, id)| Customer {
                org: OrgId::parse(&org).unwrap(),
                id: CustomerId::parse(&uuid::Uuid::from_u128(id).to_string()).unwrap(),
            })
    }

    proptest! {
        #[test]
        fn sort_keys_are_in_the_order_of_ids(a: i32, b: i32) {
            let (a, b) = (CategoryId::new(a), CategoryId::new(b));
            prop_assert_eq!(category(a).cmp(&category(b)), a.cmp(&b));
            prop_assert_eq!(category_of(&category(a)), Some(a));
        }

        #[test]
        fn no_two_customers_share_a_partition(a in customer(), b in customer()) {
            prop_assert_eq!(partition(&a) == partition(&b), a == b);
        }
    }

    #[test]
    fn sort_keys_at_the_extremes() {
        assert_eq!(category(CategoryId::new(i32::MIN)), "CATEGORY#0000000000");
        assert_eq!(category(CategoryId::new(0)), "CATEGORY#2147483648");
        assert_eq!(category(CategoryId::new(i32::MAX)), "CATEGORY#4294967295");
        assert_eq!(categories(Some(CategoryId::new(i32::MAX))), None);
    }
}
