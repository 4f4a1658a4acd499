use std::{collections::BTreeSet, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Author, OrgId, Timestamp, digest::sha256_hex, is_unprintable};

/// What a key allows its holder to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// `categories:read`: the operations that only read.
    #[serde(rename = "categories:read")]
    Read,
    /// `categories:write`: the operations that change what customers carry.
    #[serde(rename = "categories:write")]
    Write,
    /// `categories:search`: the operations that tell who carries a category, which disclose in bulk.
    #[serde(rename = "categories:search")]
    Search,
    /// `catalogue:write`: the operations that change what categories mean.
    #[serde(rename = "catalogue:write")]
    Define,
}

/// The organisations a key is for. Stored as a list of names; `*` alone stands for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orgs {
    /// Every organisation, those to come included.
    All,
    /// These organisations alone.
    Named(BTreeSet<OrgId>),
}

/// The names that the local server has as keys. They pass for keys where the database is a local one, and nowhere else.
pub const LOCAL_KEYS: [&str; 2] = ["API_KEY", "READ_ONLY"];

const PREFIX: &str = "mcus_";

/// 32 bytes in base64url.
const RANDOM_CHARACTERS: usize = 43;

/// An API key as its holder has it: `mcus_`, 32 random bytes in base64url, and the CRC-32 of all that in 6 digits
/// of base 62. Keys from before there was a checksum have none. It shows itself in neither `Debug` nor `Display`.
pub struct Secret(String);

/// SHA-256 of an API key, in lower-case hex. Keys have 256 random bits, so nothing slower is needed
/// to keep them from being guessed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

/// Who an API key was given to: 1 to 100 characters, all of them printable, no space at either end. Names from
/// before may have characters that are not printable, but no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KeyName(String);

/// What is stored of an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// SHA-256 of the key; the table's partition key.
    pub hash: KeyHash,
    /// Who the key was given to.
    pub name: KeyName,
    /// The organisations that it is for.
    pub orgs: Orgs,
    /// What it allows.
    pub roles: BTreeSet<Permission>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Since when it opens nothing, whatever its expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl Permission {
    /// Every permission that there is.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Search, Self::Define];

    /// The role's name, as it is stored and as operators write it.
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::Read => "categories:read",
            Self::Write => "categories:write",
            Self::Search => "categories:search",
            Self::Define => "catalogue:write",
        }
    }

    /// # Errors
    /// The problem, where there is no such role.
    pub fn parse(role: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|permission| permission.role() == role).ok_or_else(|| {
            format!("is `{role}`, but must be one of {}", Self::ALL.map(Self::role).join(", "))
        })
    }
}

impl Orgs {
    const ANY: &str = "*";

    /// Reads names, or `*` alone.
    ///
    /// # Errors
    /// The problem, where one of them is no organisation's name.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str> + Clone) -> Result<Self, String> {
        if names.clone().into_iter().eq([Self::ANY]) {
            return Ok(Self::All);
        }
        names.into_iter().map(OrgId::parse).collect::<Result<_, _>>().map(Self::Named)
    }

    /// Whether the key is for this organisation.
    #[must_use]
    pub fn contain(&self, org: &OrgId) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(org),
        }
    }

    /// The names, or `*`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::All => vec![Self::ANY.to_owned()],
            Self::Named(names) => names.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Serialize for Orgs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Orgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Self::parse(names.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

impl Secret {
    /// A new key of these random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let key = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        Self(format!("{key}{}", checksum(key.as_bytes())))
    }

    /// Whether what came in a header can be a key. What can't is refused without a look-up. The checksum is no
    /// secret, so a key can be made up that passes; it opens nothing.
    #[must_use]
    pub fn is_well_formed(sent: &[u8]) -> bool {
        let key_length = PREFIX.len() + RANDOM_CHARACTERS;
        let Some((key, check)) = sent.split_at_checked(key_length) else { return false };
        let random = key.strip_prefix(PREFIX.as_bytes());
        random.is_some_and(|random| BASE64_URL_SAFE_NO_PAD.decode(random).is_ok())
            && (check.is_empty() || check == checksum(key).as_bytes())
    }

    /// The key itself, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// CRC-32 in base 62, in the six digits that the greatest one takes.
fn checksum(key: &[u8]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(key);
    let mut digits = [char::default(); 6];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS[(rest % 62) as usize]);
        rest /= 62;
    }
    digits.iter().collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl KeyName {
    /// A new name.
    ///
    /// # Errors
    /// The problem, where the text is not such a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::without(is_unprintable, text).ok_or_else(|| {
            "must be 1 to 100 characters without control characters, line separators, characters that change the \
             direction of text, or spaces at the ends"
                .into()
        })
    }

    fn without(refused: fn(char) -> bool, text: &str) -> Option<Self> {
        let length = text.chars().count();
        let is_name = (1..=100).contains(&length) && text.trim() == text && !text.contains(refused);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::without(char::is_control, &text).ok_or_else(|| serde::de::Error::custom("no name of a key"))
    }
}

impl KeyHash {
    /// The hash of a key as it came in a header.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(sha256_hex(key))
    }

    /// The hash in hex, 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ApiKey {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }

    pub(crate) fn author(&self) -> Author {
        Author::from(self.name.clone())
    }
}
