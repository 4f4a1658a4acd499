//! Partition and sort keys of the categories table.

use aws_sdk_dynamodb::types::AttributeValue;

use super::items::Item;
use crate::domain::{
    Assignment, CarrierFilter, CarrierKey, CarrierPosition, CategoryId, Customer, CustomerId, DefinitionPath,
    OrgId, Owner, Revision, Shard, ValueHash,
};

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

/// The index of carriers, and the attributes that it is by. What customers carry has them, and nothing else has.
pub const CARRIERS: &str = "carriers";
pub const CARRIERS_PARTITION_KEY: &str = "carriers_pk";
pub const CARRIERS_SORT_KEY: &str = "carriers_sk";

/// What the index has beside keys.
pub const CARRIERS_ATTRIBUTES: [&str; 2] = ["value", "created"];

/// What a sort key of the index begins with where the category is carried with a value, and where without one.
const VALUE: &str = "VALUE#";
const NULL: &str = "NULL#";

/// What the partition of every customer has, and no organisation's.
pub const OF_CUSTOMER: &str = "#";

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
    org.map_or_else(|| OF_CUSTOMER.to_owned(), |org| format!("{org}{OF_CUSTOMER}"))
}

/// The customer in whose partition an item lies.
pub fn customer_of(item: &Item) -> Option<Customer> {
    customer_in(partition_key(item)?)
}

/// The customer whose partition this is.
pub fn customer_in(partition: &str) -> Option<Customer> {
    let (org, id) = partition.split_once(OF_CUSTOMER)?;
    Some(Customer { org: OrgId::parse(org).ok()?, id: CustomerId::parse(id).ok()? })
}

/// The attributes that give what a customer carries its place in the index of carriers.
pub fn carrier(Assignment { customer, id, value }: &Assignment<'_>) -> [(String, AttributeValue); 2] {
    let partition = carriers(&customer.org, *id, Shard::of(customer.id));
    let key = CarrierKey { value: value.map(ValueHash::of), customer: customer.id };
    [
        (CARRIERS_PARTITION_KEY.to_owned(), AttributeValue::S(partition)),
        (CARRIERS_SORT_KEY.to_owned(), AttributeValue::S(carrier_key(key))),
    ]
}

/// The index's partition of those in a shard who carry a category.
pub fn carriers(org: &OrgId, id: CategoryId, shard: Shard) -> String {
    format!("{org}#{id}#{shard}")
}

fn carrier_key(CarrierKey { value, customer }: CarrierKey) -> String {
    match value {
        Some(hash) => format!("{VALUE}{hash}#{customer}"),
        None => format!("{NULL}{customer}"),
    }
}

/// What has this sort key in the index.
pub fn carrier_of(sort_key: &str) -> Option<CarrierKey> {
    let (value, customer) = match sort_key.strip_prefix(VALUE) {
        Some(rest) => {
            let (hash, customer) = rest.split_once('#')?;
            (Some(ValueHash::parse(hash)?), customer)
        }
        None => (None, sort_key.strip_prefix(NULL)?),
    };
    Some(CarrierKey { value, customer: CustomerId::parse(customer).ok()? })
}

/// What the sort keys of the carriers that are asked for begin with; `None` where all are.
pub fn carriers_with(filter: &CarrierFilter) -> Option<String> {
    match filter {
        CarrierFilter::All => None,
        CarrierFilter::Value(value) => Some(format!("{VALUE}{}#", ValueHash::of(value))),
        CarrierFilter::AnyValue => Some(VALUE.to_owned()),
        CarrierFilter::NoValue => Some(NULL.to_owned()),
    }
}

/// The key that a Query of the index goes on behind: of the item in the index, and of that in the table.
pub fn carriers_after(path: &DefinitionPath, position: CarrierPosition) -> Option<Item> {
    let key = position.after?;
    let customer = Customer { org: path.owner.clone(), id: key.customer };
    let mut start = item(&customer, category(path.id));
    start.extend([
        (
            CARRIERS_PARTITION_KEY.to_owned(),
            AttributeValue::S(carriers(&path.owner, path.id, position.shard)),
        ),
        (CARRIERS_SORT_KEY.to_owned(), AttributeValue::S(carrier_key(key))),
    ]);
    Some(start)
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

/// Partition and sort key of an item, if it has them.
pub fn both(item: &Item) -> Option<(String, String)> {
    let partition = item.get(PARTITION_KEY)?.as_s().ok()?;
    Some((partition.clone(), sort_key(item)?.to_owned()))
}

pub fn is_fence(item: &Item) -> bool {
    sort_key(item).is_some_and(|key| FENCES.contains(&key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Text;

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
    fn a_carriers_place_tells_who_carries_which_value() {
        let customer = customer_in("telco#123e4567-e89b-12d3-a456-556642440000").unwrap();
        let value = Text::parse("gold".to_owned()).unwrap();
        let prefix = |filter| carriers_with(&filter).unwrap();
        for (value, begins) in [
            (None, [CarrierFilter::NoValue].as_slice()),
            (Some(&value), &[CarrierFilter::AnyValue, CarrierFilter::Value(value.clone())]),
        ] {
            let [(_, partition), (_, sort_key)] =
                carrier(&Assignment { customer: &customer, id: CategoryId::new(-7), value });
            assert_eq!(partition.as_s().unwrap(), "telco#-7#7");
            let sort_key = sort_key.as_s().unwrap();
            let key = CarrierKey { value: value.map(ValueHash::of), customer: customer.id };
            assert_eq!(carrier_of(sort_key), Some(key));
            for filter in begins {
                assert!(sort_key.starts_with(&prefix(filter.clone())) && filter.admits(&key), "{sort_key}");
            }
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
