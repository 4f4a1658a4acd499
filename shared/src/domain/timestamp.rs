use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{
    OffsetDateTime, UtcOffset,
    format_description::{StaticFormatDescription, well_known::Rfc3339},
    macros::format_description,
};

const MILLISECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The last millisecond that RFC 3339 can write, 9999-12-31T23:59:59.999Z.
const LAST: u64 = 253_402_300_799_999;

/// A moment in whole milliseconds since 1970-01-01T00:00:00Z, at most the year 9999; written as
/// RFC 3339 in UTC with three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment this many milliseconds after 1970; later than the year 9999 counts as its end.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        Self(millis.min(LAST))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment right behind it; the last one stays.
    #[must_use]
    pub fn next_millisecond(self) -> Self {
        Self::from_millis(self.0.saturating_add(1))
    }

    /// The moment `duration` later, unless that is past the year 9999.
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let millis = self.0.checked_add(u64::try_from(duration.as_millis()).ok()?)?;
        (millis <= LAST).then_some(Self(millis))
    }

    /// Reads RFC 3339; a finer fraction than milliseconds is cut off. Nothing has happened before
    /// 1970, so earlier moments count as 1970.
    ///
    /// # Errors
    /// The problem, where the text is not RFC 3339.
    pub fn parse_floor(text: &str) -> Result<Self, String> {
        Ok(Self::from_nanos(nanoseconds(text)?))
    }

    /// As [`Self::parse_floor`], but a finer fraction counts up to the next millisecond. That is
    /// what a bound needs that is compared with moments in whole milliseconds.
    ///
    /// # Errors
    /// As [`Self::parse_floor`].
    pub fn parse_ceil(text: &str) -> Result<Self, String> {
        Ok(Self::from_nanos(nanoseconds(text)?.saturating_add(999_999)))
    }

    fn from_nanos(nanos: i128) -> Self {
        Self::from_millis(u64::try_from(nanos.max(0) / 1_000_000).unwrap_or(LAST))
    }
}

fn nanoseconds(text: &str) -> Result<i128, String> {
    // The parser takes any byte between date and time.
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| separated);
    parsed.map(OffsetDateTime::unix_timestamp_nanos).ok_or_else(|| {
        let hint = match text.as_bytes() {
            [.., b'+' | b'-', a, b, c, d] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()) => {
                " (its offset is written with a colon, such as +00:00)"
            }
            _ if text.get(11..).is_some_and(|time| time.contains(' ')) => {
                " (in a query, `+` is written `%2B`)"
            }
            _ => "",
        };
        format!("must be an RFC 3339 time such as 2026-11-23T06:46:00.123Z{hint}")
    })
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .map_err(|_| fmt::Error)?
            .to_offset(UtcOffset::UTC)
            .format(&MILLISECONDS)
            .map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse_floor(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_cut_or_counted_up() {
        let text = "2026-11-23T07:46:00.1231+01:00";
        assert_eq!(Timestamp::parse_floor(text).unwrap().to_string(), "2026-11-23T06:46:00.123Z");
        assert_eq!(Timestamp::parse_ceil(text).unwrap().to_string(), "2026-11-23T06:46:00.124Z");
    }

    #[test]
    fn nothing_but_t_stands_between_date_and_time() {
        for separator in ["T", "t"] {
            assert!(Timestamp::parse_floor(&format!("2026-11-23{separator}07:46:00Z")).is_ok());
        }
        for separator in [" ", "_", "0", "\n", "\0", "", "TT", "é"] {
            assert!(
                Timestamp::parse_floor(&format!("2026-11-23{separator}07:46:00Z")).is_err(),
                "{separator:?}"
            );
        }
    }

    #[test]
    fn an_offset_without_its_colon_is_refused_with_a_hint() {
        let problem = Timestamp::parse_floor("2026-11-23T07:46:00+0100").unwrap_err();
        assert!(problem.ends_with("(its offset is written with a colon, such as +00:00)"), "{problem}");
        let problem = Timestamp::parse_floor("2026-11-23T07:46:00 01:00").unwrap_err();
        assert!(problem.ends_with("(in a query, `+` is written `%2B`)"), "{problem}");
        // Neither is what is wrong with these.
        for other in ["2026-11-23", "2026-11-23T25:46:00Z", "2026-11-23T07:46:00-zone"] {
            let problem = Timestamp::parse_floor(other).unwrap_err();
            assert_eq!(problem, "must be an RFC 3339 time such as 2026-11-23T06:46:00.123Z", "{other}");
        }
    }

    #[test]
    fn extremes_stay_writable() {
        assert_eq!(Timestamp::from_millis(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        let early = Timestamp::parse_floor("0001-01-01T00:00:00Z").unwrap();
        assert_eq!(early.to_string(), "1970-01-01T00:00:00.000Z");
    }
}
