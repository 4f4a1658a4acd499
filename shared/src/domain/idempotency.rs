use serde::{Deserialize, Serialize};

use super::{Author, Outcome, Precondition, Revision, digest::sha256_hex};

/// What a caller sends to make a change safe to repeat: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A change that may be repeated, as it is told from others: by who makes it under which key, and by what
/// it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// SHA-256, in hex, over the caller's name and the key. Keys of different callers never meet.
    pub id: String,
    /// SHA-256, in hex, over what is asked for: a repetition has the same.
    pub request: String,
}

/// Who wants a change, on which condition, and how its repetition is told.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Who makes the change.
    pub author: Author,
    /// The states that the change may be made to.
    pub expected: Precondition,
    /// Present where the change may be repeated under an `Idempotency-Key`.
    pub idempotency: Option<Idempotency>,
}

/// What is remembered of a change that was committed under an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// As in [`Idempotency::request`].
    pub request: String,
    /// The change that was made; of several, the first.
    pub revision: Revision,
    /// What the request came to: one for each record that it was about. Empty where it was remembered before this
    /// was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
}

impl Remembered {
    /// What the request came to.
    #[must_use]
    pub fn outcomes(self) -> Vec<Outcome> {
        // What is told of a single change from then is its revision.
        if self.outcomes.is_empty() { vec![Outcome::Updated(self.revision)] } else { self.outcomes }
    }
}

impl IdempotencyKey {
    /// # Errors
    /// The problem, where the text is not such a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 255 visible ASCII characters".into())
        }
    }

    /// Marks what `author` asks for with this key. `asked` is its text in a form that has to stay the same
    /// from version to version for 24 hours.
    #[must_use]
    pub fn mark(&self, author: &Author, asked: &str) -> Idempotency {
        // Neither a name nor a key can contain NUL.
        Idempotency { id: sha256_hex(format!("{author}\0{}", self.0)), request: sha256_hex(asked) }
    }
}
