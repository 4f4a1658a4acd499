//! Partition and sort keys of the categories table.

use aws_sdk_dynamodb::types::AttributeValue;

use super::items::Item;
use crate::domain::{CategoryId, OrgId, Owner, Revision};

pub const PARTITION_KEY: &str = "pk";
pub const SORT_KEY: &str = "sk";
pub const HISTORY: &str = "HISTORY#";

pub const CATEGORY: &str = "CATEGORY#";
pub const IDEMPOTENCY: &str = "IDEMPOTENCY#";
const NAME: &str = "NAME#";

/// Where an organisation's policy lies.
pub const POLICY: &str = "POLICY";

/// The fence of an erasure: right before the categories, and right behind the history. `!` is before `#`, and `~`
/// behind it.
pub const FRONT_FENCE: &str = "CATEGORY!ERASURE";
pub const BACK_FENCE: &str = "HISTORY~ERASURE";

/// What creations look at: whether an erasure is under way, or when the last one ended. It is in no range that is read.
pub const GATE: &str = "ERASURE";

/// The sort key of the note that a customer was erased.
const ERASED: &str = "ERASED";

pub const FENCES: [&str; 3] = [FRONT_FENCE, BACK_FENCE, GATE];

/// The attribute that only a fence has: which erasure put it up.
pub const ERASURE: &str = "erasure";

/// From when on a gate lets creations through, in Unix milliseconds.
pub const ENDED: &str = "ended";

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

/// The sort keys of the categories behind `after`, or of the fence before them and all; `None` where there can
/// be none.
pub fn categories(after: Option<CategoryId>) -> Option<(String, String)> {
    let first = match after {
        None => FRONT_FENCE.to_owned(),
        Some(id) => category(CategoryId::new(id.get().checked_add(1)?)),
    };
    Some((first, category(CategoryId::new(i32::MAX))))
}

/// What the partition of every customer of an organisation begins with, and no other customer's; or, without an
/// organisation, what that of every customer contains. No organisation's name has a `#`.
pub fn partitions_of_customers(org: Option<&OrgId>) -> String {
    org.map_or_else(|| "#".to_owned(), |org| format!("{org}#"))
}

pub fn item(owner: &impl Owner, sort_key: String) -> Item {
    key(partition(owner), sort_key)
}

/// Where it is noted that a customer was erased. Only who knows the customer can tell whose note it is. It has a
/// partition of its own, because an import looks for one with every line, and in the organisation's they would be
/// in each other's way.
pub fn erased(owner: &impl Owner) -> Item {
    erased_by_digest(owner.org(), &owner.digest())
}

/// The same, of a customer of whom nothing but the digest is known.
pub fn erased_by_digest(org: &OrgId, digest: &str) -> Item {
    key(format!("{org}#{digest}"), ERASED.to_owned())
}

/// The digest in the partition key of such a note.
pub fn digest_of(item: &Item) -> Option<&str> {
    let (_, digest) = partition_key(item)?.split_once('#')?;
    (sort_key(item) == Some(ERASED)).then_some(digest)
}

/// Where the version of the data's form lies. No organisation, and no customer, has this partition.
pub fn format() -> Item {
    key("#".to_owned(), "FORMAT".to_owned())
}

fn key(partition_key: String, sort_key: String) -> Item {
    Item::from([
        (PARTITION_KEY.to_owned(), AttributeValue::S(partition_key)),
        (SORT_KEY.to_owned(), AttributeValue::S(sort_key)),
    ])
}

/// The partition key of an item, if it has one.
pub fn partition_key(item: &Item) -> Option<&str> {
    item.get(PARTITION_KEY)?.as_s().ok().map(String::as_str)
}

/// The sort key of an item, if it has one.
pub fn sort_key(item: &Item) -> Option<&str> {
    item.get(SORT_KEY)?.as_s().ok().map(String::as_str)
}

pub fn is_fence(item: &Item) -> bool {
    sort_key(item).is_some_and(|key| FENCES.contains(&key))
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
        fn partitions_begin_with_their_own_organisation_alone(a in customer(), b in customer()) {
            let begins = partition(&a).starts_with(&partitions_of_customers(Some(&b.org)));
            prop_assert_eq!(begins, a.org == b.org);
            prop_assert!(!partition(&a.org).starts_with(&partitions_of_customers(Some(&b.org))));
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

    #[test]
    fn the_fence_is_met_from_either_end() {
        assert!(FRONT_FENCE < category(CategoryId::new(i32::MIN)).as_str());
        let last = format!("{HISTORY}{}", uuid::Uuid::max());
        assert!(last.as_str() < BACK_FENCE && BACK_FENCE < IDEMPOTENCY);
    }
}
