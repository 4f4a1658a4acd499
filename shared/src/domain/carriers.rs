//! Who carries a category, and in which order they are found.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{CustomerId, Revision, Timestamp, Value, digest::sha256};

/// A customer who carries a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Who it is.
    pub customer: CustomerId,
    /// The value that the category is carried with, if any.
    pub value: Option<Value>,
    /// The change that gave the customer the category.
    pub created: Revision,
}

/// Which carriers of a category are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CarrierFilter {
    /// All of them.
    #[default]
    All,
    /// Those who carry it with exactly this value.
    Value(Value),
    /// Those who carry it with some value.
    AnyValue,
    /// Those who carry it without one.
    NoValue,
}

/// A part of a category's carriers: those whose ids' SHA-256 begins alike. There are eight, because DynamoDB serves
/// a partition of an index 1,000 write units a second, and an import gives one category to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard(u8);

/// The first 128 bits of the SHA-256 of a value. A value has up to 1,020 bytes, and a sort key up to 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueHash([u8; 16]);

/// What the carriers in a shard are in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierKey {
    /// Of the value; `None` where the category is carried without one.
    pub value: Option<ValueHash>,
    /// Who carries it.
    pub customer: CustomerId,
}

/// A place among the carriers of a category, who come shard by shard. It stays where it is, whoever comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierPosition {
    /// The shard.
    pub shard: Shard,
    /// The carrier in the shard that the place is right behind; `None` for the shard's start.
    pub after: Option<CarrierKey>,
}

/// How many carry a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierCount {
    /// Those that were counted.
    pub count: u64,
    /// Whether these are all.
    pub precision: Precision,
    /// When the counting began.
    pub counted_at: Timestamp,
}

/// What a count says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// There are as many.
    Exact,
    /// There are as many or more: the time was up.
    AtLeast,
}

impl Carrier {
    /// Since when the customer has carried it.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.created.timestamp()
    }

    /// Where the carrier is in the shard's order.
    #[must_use]
    pub fn key(&self) -> CarrierKey {
        CarrierKey { value: self.value.as_ref().map(ValueHash::of), customer: self.customer }
    }
}

impl Shard {
    /// Every shard, in order.
    pub const ALL: [Self; 8] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6), Self(7)];

    /// The shard that a customer's categories are in, the same in every version.
    #[must_use]
    pub fn of(customer: CustomerId) -> Self {
        let [first, ..] = sha256(customer.as_bytes());
        Self(first % 8)
    }

    /// The number of the shard.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The shard with this number, if there is one.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The shards that come behind it.
    #[must_use]
    pub fn following(self) -> &'static [Self] {
        Self::ALL.get(usize::from(self.0) + 1..).unwrap_or_default()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ValueHash {
    /// The hash of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let mut hash = [0; 16];
        hash.iter_mut().zip(sha256(value.as_str())).for_each(|(byte, of_digest)| *byte = of_digest);
        Self(hash)
    }

    /// The hash of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// 22 characters of base64url.
impl fmt::Display for ValueHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl CarrierFilter {
    /// Whether a carrier at this place of the order is asked for.
    #[must_use]
    pub fn admits(&self, key: &CarrierKey) -> bool {
        match self {
            Self::All => true,
            Self::Value(value) => key.value == Some(ValueHash::of(value)),
            Self::AnyValue => key.value.is_some(),
            Self::NoValue => key.value.is_none(),
        }
    }
}

impl CarrierPosition {
    /// Before all carriers.
    pub const START: Self = Self { shard: Shard(0), after: None };

    /// The start of a shard.
    #[must_use]
    pub const fn start_of(shard: Shard) -> Self {
        Self { shard, after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Text;

    fn customer(number: u128) -> CustomerId {
        CustomerId::from_bytes(number.to_be_bytes())
    }

    /// Whoever is in another shard than before is not found any more.
    #[test]
    fn shards_and_hashes_stay_the_same_from_version_to_version() {
        let id = CustomerId::parse("123e4567-e89b-12d3-a456-556642440000").unwrap();
        assert_eq!(Shard::of(id).number(), 7);
        let hash = ValueHash::of(&Text::parse("gold".into()).unwrap());
        assert_eq!(hash.to_string(), "JNfwPY3Dw2Zpaeb6W7H6xA");
        assert_eq!(ValueHash::parse(&hash.to_string()), Some(hash));
    }

    #[test]
    fn shards_are_alike_in_size() {
        let mut sizes = [0_u32; 8];
        for number in 0..8000 {
            sizes[usize::from(Shard::of(customer(number)).number())] += 1;
        }
        assert!(sizes.iter().all(|size| (850..1150).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_shard_is_followed_by_those_behind_it() {
        assert_eq!(CarrierPosition::START.shard.following(), &Shard::ALL[1..]);
        assert_eq!(Shard::ALL[7].following(), &[]);
        assert_eq!(Shard::numbered(8), None);
    }
}
