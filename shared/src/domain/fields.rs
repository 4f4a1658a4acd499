//! Reads named texts (an object's members, a query's parameters) one by one, so that every problem
//! is found and named.

use std::{borrow::Cow, collections::HashMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{error::Category as ErrorKind, value::RawValue};

use super::{Patch, Text};
use crate::{Error, Result, error::Violation};

const BODY: &str = "body";
const NO_OBJECT: &str = "must be a JSON object";
const REPEATED: &str = "appears more than once";

/// The fields that have not been taken yet, and the violations found so far.
#[derive(Debug)]
pub struct Fields<'a> {
    left: Vec<(String, Cow<'a, str>)>,
    violations: Vec<Violation>,
    /// Whether an optional field that is `null` counts as absent.
    null_is_absent: bool,
}

impl<'a> Fields<'a> {
    /// Names and texts, none of them taken yet.
    #[must_use]
    pub fn new(fields: Vec<(String, Cow<'a, str>)>) -> Self {
        Self::with_violations(fields, Vec::new())
    }

    /// As [`Self::new`], where something is wrong already.
    #[must_use]
    pub fn with_violations(fields: Vec<(String, Cow<'a, str>)>, violations: Vec<Violation>) -> Self {
        Self { left: fields, violations, null_is_absent: false }
    }

    /// The members of a JSON object, each as the JSON text it was sent as.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `body`, where it is not one JSON object in UTF-8.
    pub fn of_json(body: &'a [u8]) -> Result<Self> {
        Self::of_json_line(body, 1)
    }

    /// As [`Self::of_json`], for a line of a file; problems name its number, from 1 on.
    ///
    /// # Errors
    /// As [`Self::of_json`].
    pub fn of_json_line(body: &'a [u8], number: u64) -> Result<Self> {
        let text = std::str::from_utf8(body).map_err(|error| {
            Error::invalid(BODY, format!("is not UTF-8 from byte {} on", error.valid_up_to()))
        })?;
        if text.starts_with('\u{feff}') {
            return Err(Error::invalid(BODY, "must not start with a byte order mark"));
        }
        let Members(members) = serde_json::from_str(text).map_err(|error| {
            let problem = match error.classify() {
                ErrorKind::Data => NO_OBJECT.to_owned(),
                ErrorKind::Eof if text.trim().is_empty() => "is empty; a JSON object is required".to_owned(),
                _ => {
                    let line = number.saturating_add(error.line() as u64).saturating_sub(1);
                    format!("is not one JSON document (line {line}, column {})", error.column())
                }
            };
            Error::invalid(BODY, problem)
        })?;
        Ok(Self::of_members(members))
    }

    fn of_members(members: Vec<(String, &'a RawValue)>) -> Self {
        Self::new(members.into_iter().map(|(name, raw)| (name, Cow::Borrowed(raw.get()))).collect())
    }

    /// The same fields, of which those that are optional may be `null`, which counts as absent.
    #[must_use]
    pub fn null_as_absent(self) -> Self {
        Self { null_is_absent: true, ..self }
    }

    /// Takes a field that must be there. `None` only together with a violation.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let Some(raw) = self.take(name) else {
            self.violations.push(Violation::new(name, "is required"));
            return None;
        };
        self.read(name, &raw, read)
    }

    /// Takes a field that may be absent.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let raw = self.take(name)?;
        if self.null_is_absent && raw == "null" {
            return None;
        }
        self.read(name, &raw, read)
    }

    /// Takes an array of 1 to `most` objects that must be there, and has `take` read the fields of each; of an object
    /// what is optional may be `null`. Problems name the place, such as `changes[3].id`. Returns those that could be
    /// read with their places; `None` only together with a violation.
    pub fn array<T>(
        &mut self,
        name: &str,
        most: usize,
        take: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<(usize, T)>> {
        let raw = self.take(name);
        let elements = match raw.as_deref().map(serde_json::from_str::<Vec<&RawValue>>) {
            None => Err("is required".to_owned()),
            Some(Err(_)) => Err("must be an array".to_owned()),
            Some(Ok(elements)) if (1..=most).contains(&elements.len()) => Ok(elements),
            Some(Ok(elements)) => Err(format!("must have 1 to {most} elements, but has {}", elements.len())),
        };
        let elements = elements.map_err(|problem| self.violate(Violation::new(name, problem))).ok()?;
        let mut read = Vec::with_capacity(elements.len());
        for (at, element) in elements.into_iter().enumerate() {
            let place = format!("{name}[{at}]");
            let Ok(Members(members)) = serde_json::from_str(element.get()) else {
                self.violate(Violation::new(place, NO_OBJECT));
                continue;
            };
            let mut fields = Fields::of_members(members).null_as_absent();
            let taken = take(&mut fields);
            match fields.finish(taken) {
                Ok(taken) => read.push((at, taken)),
                Err(Error::Invalid(violations)) => {
                    self.violations.extend(violations.into_iter().map(|Violation { field, problem }| {
                        Violation::new(format!("{place}.{field}"), problem)
                    }));
                }
                Err(_) => {}
            }
        }
        Some(read)
    }

    /// Adds a violation that can't be seen in one field alone.
    pub fn violate(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// Takes a field of a merge patch (RFC 7396): absent keeps, `null` clears.
    pub fn patch<const MAX: usize>(&mut self, name: &str) -> Patch<Text<MAX>> {
        match self.optional(name, nullable_text) {
            None => Patch::Keep,
            Some(None) => Patch::Clear,
            Some(Some(text)) => Patch::Set(text),
        }
    }

    /// Whatever has not been taken by now is unknown. `built` is `None` only where a field that
    /// it needs has left a violation.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation found.
    pub fn finish<T>(mut self, built: Option<T>) -> Result<T> {
        // Taking them one by one would cost the square of their number, and a body has room for
        // thousands.
        let mut appearances: HashMap<&str, usize> = HashMap::new();
        for (name, _) in &self.left {
            *appearances.entry(name).or_default() += 1;
        }
        for (name, _) in &self.left {
            let Some(count) = appearances.remove(name.as_str()) else { continue };
            if count > 1 {
                self.violations.push(Violation::new(name, REPEATED));
            }
            self.violations.push(Violation::new(name, "is not known"));
        }
        match built {
            Some(built) if self.violations.is_empty() => Ok(built),
            _ => Err(Error::Invalid(self.violations)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let mut found = self.left.extract_if(.., |(field, _)| field == name).map(|(_, raw)| raw);
        let first = found.next()?;
        if found.count() > 0 {
            self.violations.push(Violation::new(name, REPEATED));
        }
        Some(first)
    }

    fn read<T>(&mut self, name: &str, raw: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        read(raw).map_err(|problem| self.violations.push(Violation::new(name, problem))).ok()
    }
}

pub fn string(raw: &str) -> Result<String, String> {
    if !raw.starts_with('"') {
        return Err("must be a string".into());
    }
    // The scan that found the member did not look into its escapes.
    serde_json::from_str(raw).map_err(|_| "must be a string without lone surrogates".into())
}

pub fn text<const MAX: usize>(raw: &str) -> Result<Text<MAX>, String> {
    Text::parse(string(raw)?)
}

pub fn nullable_text<const MAX: usize>(raw: &str) -> Result<Option<Text<MAX>>, String> {
    match raw {
        "null" => Ok(None),
        raw if raw.starts_with('"') => text(raw).map(Some),
        _ => Err("must be a string or null".into()),
    }
}

pub fn boolean(raw: &str) -> Result<bool, String> {
    match raw {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// An object's members in order, duplicates included, values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}
