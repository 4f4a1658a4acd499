use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Attributes, CategoryAttributes, DefinitionAttributes, digest::sha256_hex};

/// An organisation's name: 1 to 64 of `A-Z a-z 0-9 . _ -`, but neither `.` nor `..`, which URLs
/// drop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrgId(String);

impl OrgId {
    /// # Errors
    /// The problem, where the text is not such a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) && !matches!(text, "." | "..") {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 64 letters, digits, dots, underscores or hyphens (not `.` or `..`)".into())
        }
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for OrgId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A customer's UUID, written in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CustomerId(Uuid);

impl CustomerId {
    /// Reads the text form of RFC 9562 (hyphenated), in either case.
    ///
    /// # Errors
    /// The problem, where the text is no such UUID.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(Self(uuid)),
            _ => Err("must be a UUID such as 123e4567-e89b-12d3-a456-556642440000".into()),
        }
    }

    /// The customer with the UUID of these 16 bytes, the most significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The UUID's 16 bytes, the most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a category, to which the organisation gives meaning. Any `int32`; written only in
/// canonical decimal form (no `+`, no leading zeros, no `-0`, no `1.0` or `1e3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CategoryId(i32);

impl CategoryId {
    /// The category with this number.
    #[must_use]
    pub const fn new(id: i32) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// # Errors
    /// The problem, where the text is not an `int32` in canonical form.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<i32>() {
            Ok(id) if id.to_string() == text => Ok(Self(id)),
            _ => Err("must be an integer from -2147483648 to 2147483647".into()),
        }
    }
}

impl fmt::Display for CategoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose records there are: a customer, who carries categories, or an organisation, whose catalogue defines
/// them. As text it names one owner and no other, in the same form in every version.
pub trait Owner: Clone + fmt::Debug + fmt::Display + Eq + Send + Sync + 'static {
    /// What its records say.
    type Attributes: Attributes<Owner = Self>;

    /// Whether all that is held on it can be erased, as it can on a person.
    const CAN_BE_ERASED: bool;

    /// The organisation that it is, or belongs to.
    fn org(&self) -> &OrgId;

    /// SHA-256 of its text, in lower-case hex. It tells who a customer is to those alone who know the id already.
    #[must_use]
    fn digest(&self) -> String {
        sha256_hex(self.to_string())
    }
}

/// A customer of an organisation: what categories and history belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Customer {
    /// The organisation.
    pub org: OrgId,
    /// The customer's UUID.
    pub id: CustomerId,
}

impl Owner for Customer {
    type Attributes = CategoryAttributes;

    const CAN_BE_ERASED: bool = true;

    fn org(&self) -> &OrgId {
        &self.org
    }
}

impl Owner for OrgId {
    type Attributes = DefinitionAttributes;

    const CAN_BE_ERASED: bool = false;

    fn org(&self) -> &OrgId {
        self
    }
}

/// Neither part can contain `#`.
impl fmt::Display for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.org, self.id)
    }
}

/// One record of one owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordPath<O> {
    /// Whose record it is.
    pub owner: O,
    /// The record's number.
    pub id: CategoryId,
}

/// One category of one customer.
pub type CategoryPath = RecordPath<Customer>;

/// One definition of one organisation's catalogue.
pub type DefinitionPath = RecordPath<OrgId>;
