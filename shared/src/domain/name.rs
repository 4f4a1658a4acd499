use caseless::Caseless;
use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Bytes of a folded name at most: it is part of a sort key, and those have 1,024.
const MAX_FOLDED_BYTES: usize = 1000;

/// What a category is called: 1 to 100 characters, one of them visible, none of them a control character. It is
/// kept as it was sent; two names count as the same where they are equal once folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// # Errors
    /// The problem, where the text is no such name.
    pub fn parse(text: String) -> Result<Self, String> {
        let characters = text.chars().count();
        if characters > 100 {
            return Err(format!("must have at most 100 characters, but has {characters}"));
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".into());
        }
        let name = Self(text);
        match name.folded().len() {
            0 => Err("must have a character that can be seen".into()),
            1..=MAX_FOLDED_BYTES => Ok(name),
            _ => Err(format!("must have at most {MAX_FOLDED_BYTES} bytes once folded")),
        }
    }

    /// The name as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are told apart: without characters that can't be seen, white space at the ends
    /// removed and elsewhere made one space, case folded, in Unicode's form NFC.
    #[must_use]
    pub fn folded(&self) -> String {
        let visible: String = self.0.chars().filter(|&c| !is_ignorable(c)).collect();
        let words: Vec<&str> = visible.split_whitespace().collect();
        words.join(" ").nfd().default_case_fold().nfc().collect()
    }
}

/// Stored names were parsed when they were sent, and functions that only read them do without the tables of
/// [`Name::parse`].
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Characters that show nothing, or only turn the direction of the text around them.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(name: &str) -> String {
        Name::parse(name.to_owned()).unwrap().folded()
    }

    #[test]
    fn names_are_the_same_where_they_look_the_same() {
        for name in ["Gold", " gold ", "GOLD", "g\u{200b}old", "\u{202e}gold", "gold\u{3000}"] {
            assert_eq!(folded(name), "gold", "{name:?}");
        }
        assert_eq!(folded("churn \t risk".replace('\t', "\u{a0}").as_str()), "churn risk");
        assert_eq!(folded("Stra\u{df}e"), folded("STRASSE"));
        assert_eq!(folded("Cafe\u{301}"), folded("CAF\u{c9}"));
        assert_ne!(folded("gold"), folded("g old"));
        assert_eq!(Name::parse("\u{202e}gold".into()).unwrap().as_str(), "\u{202e}gold");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let longest = "\u{1d160}".repeat(84);
        for wrong in ["", " ", "\u{3000}", "\u{200b}", "a\nb", "a\u{85}b", &"a".repeat(101), &longest] {
            Name::parse(wrong.to_owned()).unwrap_err();
        }
        Name::parse("\u{fb03}".repeat(100)).unwrap();
    }
}
