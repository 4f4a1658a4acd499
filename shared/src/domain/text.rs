use serde::{Deserialize, Deserializer, Serialize};

/// Text of at most `MAX` characters (Unicode scalar values) without NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// Whether a terminal might act on a character rather than show it, or show what follows otherwise than it is:
/// control characters, Unicode's `Bidi_Control`, line and paragraph separators.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A category's value.
pub type Value = Text<255>;
/// What a category's value means.
pub type Description = Text<1000>;
/// Why a category was changed.
pub type Reason = Text<1000>;

impl<const MAX: usize> Text<MAX> {
    /// # Errors
    /// The problem, where the text is too long or has a NUL in it.
    pub fn parse(text: String) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("must not contain NUL (U+0000)".into());
        }
        match text.chars().count() {
            length if length > MAX => Err(format!("must have at most {MAX} characters, but has {length}")),
            _ => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
