use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::{Builder, NoContext, Uuid, Variant};

use super::{Timestamp, digest::sha256};

/// Bits of a UUIDv7 below its 48 bits of Unix milliseconds (RFC 9562, section 5.7).
const BITS_BELOW_TIME: u32 = 80;

/// Names one change for good: a UUIDv7, whose time is the time of the change. A category's
/// revisions ascend strictly, as numbers, as UUIDs and as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Revision(Uuid);

impl Revision {
    /// Bytes of a revision's text.
    pub const TEXT_BYTES: usize = uuid::fmt::Hyphenated::LENGTH;

    /// A new revision for a change at `now`, strictly later than `after` even if the clock is
    /// behind it.
    #[must_use]
    pub fn mint(now: Timestamp, after: Option<Self>) -> Self {
        let fresh = Self::at(now);
        match after {
            Some(after) if fresh <= after => {
                Self::at(Timestamp::from_millis(after.timestamp().as_millis() + 1))
            }
            _ => fresh,
        }
    }

    /// The revision of a change at `time` whose other 74 bits are of the SHA-256 of what the change says. So
    /// the same change has the same revision whoever makes it, and different changes have different ones.
    #[must_use]
    pub fn derived(time: Timestamp, change: &str) -> Self {
        let mut below_time = [0; 10];
        below_time.iter_mut().zip(sha256(change)).for_each(|(byte, of_digest)| *byte = of_digest);
        Self(Builder::from_unix_timestamp_millis(time.as_millis(), &below_time).into_uuid())
    }

    fn at(time: Timestamp) -> Self {
        let millis = time.as_millis();
        let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1000, nanos)))
    }

    /// Reads a revision in its one canonical form: a UUIDv7, lower case, hyphenated.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        let canonical = uuid.get_version_num() == 7
            && uuid.get_variant() == Variant::RFC4122
            && uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        canonical.then_some(Self(uuid))
    }

    /// The UUID of these 16 bytes, whatever its version.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The UUID's 16 bytes, the most significant first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// When the change was made.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        let millis = self.0.as_u128() >> BITS_BELOW_TIME;
        Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a UUIDv7 in lower case"))
    }
}

/// An inclusive range of revisions. It lets times bound a query on the sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionRange {
    first: u128,
    /// `None`: nothing lies before the first revision.
    last: Option<u128>,
}

impl RevisionRange {
    /// Every revision.
    pub const ALL: Self = Self { first: 0, last: Some(u128::MAX) };

    /// From `time` on, `time` included.
    #[must_use]
    pub fn from(self, time: Timestamp) -> Self {
        Self { first: self.first.max(lowest_at(time)), ..self }
    }

    /// After `time`, `time` excluded.
    #[must_use]
    pub fn after(self, time: Timestamp) -> Self {
        self.from(Timestamp::from_millis(time.as_millis().saturating_add(1)))
    }

    /// Before `time`, `time` excluded.
    #[must_use]
    pub fn before(self, time: Timestamp) -> Self {
        self.up_to(lowest_at(time).checked_sub(1))
    }

    /// Up to `time`, `time` included.
    #[must_use]
    pub fn until(self, time: Timestamp) -> Self {
        self.before(Timestamp::from_millis(time.as_millis() + 1))
    }

    /// Only what is older than `revision`.
    #[must_use]
    pub fn older_than(self, revision: Revision) -> Self {
        self.up_to(revision.0.as_u128().checked_sub(1))
    }

    fn up_to(self, last: Option<u128>) -> Self {
        Self { last: self.last.min(last), ..self }
    }

    /// Whether no revision is too late for it.
    #[must_use]
    pub fn reaches_newest(self) -> bool {
        self.last == Self::ALL.last
    }

    /// The ends of the range as texts in the order of revisions, or `None` where it is empty.
    #[must_use]
    pub fn bounds(self) -> Option<(String, String)> {
        let last = self.last.filter(|last| self.first <= *last)?;
        Some((Uuid::from_u128(self.first).to_string(), Uuid::from_u128(last).to_string()))
    }
}

fn lowest_at(time: Timestamp) -> u128 {
    u128::from(time.as_millis()) << BITS_BELOW_TIME
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_minted_revision_is_later_whatever_the_clock_says(before in 0u64..1 << 47, now in 0u64..1 << 47) {
            let before = Revision::mint(Timestamp::from_millis(before), None);
            let now = Timestamp::from_millis(now);
            let next = Revision::mint(now, Some(before));
            prop_assert!(next > before);
            prop_assert!(next.to_string() > before.to_string());
            prop_assert!(next.timestamp() >= now);
        }

        #[test]
        fn time_bounds_select_by_time(at in 0u64..1 << 47, bound in 0u64..1 << 47) {
            let (at, bound) = (Timestamp::from_millis(at), Timestamp::from_millis(bound));
            let text = Revision::mint(at, None).to_string();
            let holds = |range: RevisionRange| {
                range.bounds().is_some_and(|(first, last)| first <= text && text <= last)
            };
            prop_assert_eq!(holds(RevisionRange::ALL.from(bound)), at >= bound);
            prop_assert_eq!(holds(RevisionRange::ALL.after(bound)), at > bound);
            prop_assert_eq!(holds(RevisionRange::ALL.before(bound)), at < bound);
            prop_assert_eq!(holds(RevisionRange::ALL.until(bound)), at <= bound);
        }
    }

    #[test]
    fn a_derived_revision_stays_the_same_from_version_to_version() {
        let time = Timestamp::from_millis(1_764_000_000_123);
        let revision = Revision::derived(time, "a change");
        assert_eq!(revision.to_string(), "019ab697-e87b-7eb3-83f2-4373a3b607ca");
        assert_eq!(Revision::parse(&revision.to_string()), Some(revision));
        assert_eq!(revision.timestamp(), time);
        assert_ne!(Revision::derived(time, "another change"), revision);
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let revision = Revision::mint(Timestamp::from_millis(1_764_000_000_000), None).to_string();
        assert!(Revision::parse(&revision).is_some());
        assert!(Revision::parse(&revision.to_uppercase()).is_none());
        assert!(Revision::parse(&revision.replace('-', "")).is_none());
        assert!(Revision::parse("123e4567-e89b-12d3-a456-556642440000").is_none());
    }
}
