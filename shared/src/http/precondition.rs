//! Conditional requests: the entity tags of `If-Match` and `If-None-Match`.

use lambda_http::http::Method;

use super::{Request, request::header};
use crate::{
    Error, Result,
    domain::{Alteration, Precondition, Revision, Revisions},
};

/// The states that a change may be made to, by `If-Match`, whose comparison is strong, so that weak tags match
/// nothing, and by a PUT's `If-None-Match`, which must be `*`.
///
/// # Errors
/// [`crate::Error::Invalid`] for either header, and for both at once.
pub fn precondition(request: &Request) -> Result<Precondition> {
    let is_put = request.method() == Method::PUT;
    let if_match = header(request, "If-Match", |text| revisions(text, Comparison::Strong))?;
    let absent = is_put.then(|| header(request, "If-None-Match", nothing)).transpose()?.flatten();
    match (if_match, absent) {
        (Some(_), Some(())) => {
            Err(Error::invalid("If-None-Match", "must not be sent together with `If-Match`"))
        }
        (None, Some(())) => Ok(Precondition::Absent),
        // Other changes than a PUT need a record anyway.
        (Some(Revisions::Any), None) if !is_put => Ok(Precondition::None),
        (Some(revisions), None) => Ok(Precondition::Revisions(revisions)),
        (None, None) => Ok(Precondition::None),
    }
}

fn nothing(text: &str) -> Result<(), String> {
    if text.trim() == "*" {
        Ok(())
    } else {
        Err("must be `*`; to replace what you know, send `If-Match`".to_owned())
    }
}

/// The revisions that the caller has already, by `If-None-Match`. Comparison is weak.
///
/// # Errors
/// [`crate::Error::Invalid`].
pub fn if_none_match(request: &Request) -> Result<Option<Revisions>> {
    header(request, "If-None-Match", |text| revisions(text, Comparison::Weak))
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Strong,
    Weak,
}

/// Reads `*` or a list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3). Tags that are no
/// revisions match nothing.
fn revisions(text: &str, comparison: Comparison) -> Result<Revisions, String> {
    if text.trim() == "*" {
        return Ok(Revisions::Any);
    }
    let (mut listed, mut altered) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(Revisions::OneOf { listed, altered });
        }
        let (weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let (tag, after) = tag
            .strip_prefix('"')
            .and_then(|tag| tag.split_once('"'))
            .filter(|(tag, after)| {
                !tag.contains([' ', '\t']) && (after.is_empty() || after.trim_start().starts_with(','))
            })
            .ok_or("must be `*` or a list of entity tags in double quotes")?;
        match Revision::parse(tag) {
            Some(revision) if weak && comparison == Comparison::Strong => {
                altered.push((revision, Alteration::Weakened));
            }
            Some(revision) => listed.push(revision),
            None => altered.extend(
                tag.get(..Revision::TEXT_BYTES)
                    .and_then(Revision::parse)
                    .map(|revision| (revision, Alteration::Suffixed)),
            ),
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVISION: &str = "019ab0c8-1234-7abc-8def-0123456789ab";

    #[test]
    fn entity_tags_as_rfc_9110_writes_them() {
        let ours = Revision::parse(REVISION).unwrap();
        let matches = |text: &str, comparison| revisions(text, comparison).map(|listed| listed.contain(ours));
        let strong = |text: &str| matches(text, Comparison::Strong);
        let tag = format!("\"{REVISION}\"");

        assert_eq!(strong("*"), Ok(true));
        assert_eq!(strong(&tag), Ok(true));
        assert_eq!(strong(&format!("\"a,b\" ,, {tag}")), Ok(true));
        assert_eq!(strong(&format!("W/{tag}")), Ok(false));
        assert_eq!(matches(&format!("W/{tag}"), Comparison::Weak), Ok(true));
        assert_eq!(strong("\"xyzzy\""), Ok(false));
        for malformed in [REVISION, "\"open", "\"a\"\"b\"", "*, \"a\"", "w/\"a\"", "\"a b\""] {
            assert!(strong(malformed).is_err(), "{malformed}");
        }
    }
}
