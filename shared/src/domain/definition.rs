use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Attributes, CategoryId, ChangeKind, Description, Name, New, OrgId, Patch, Reason, Text, Value, Versioned,
    category::escaped_bytes,
    fields::{self, Fields},
};
use crate::Result;

/// Values that a definition can name.
const MAX_VALID_VALUES: usize = 100;

/// What a definition of the catalogue says of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionAttributes {
    /// What the category is called; unique in the organisation, once folded.
    pub name: Name,
    /// What it means, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The values that a customer can carry; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_values: Option<ValidValues>,
    /// Whether nobody can be given the category any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub archived: bool,
    /// Why it was last changed, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Distinct values of 1 to 255 characters, at most 100 of them. None at all makes the category a tag, which is
/// carried without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidValues(Vec<Value>);

/// What an organisation says of one of its categories.
pub type Definition = Versioned<DefinitionAttributes>;

/// A definition to be made: the body of POST.
pub type NewDefinition = New<DefinitionAttributes>;

/// A change to be made to a definition: a JSON merge patch (RFC 7396), the body of PATCH.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DefinitionPatch {
    /// The name from now on; a name can't be cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What happens to the description.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub description: Patch<Description>,
    /// What happens to the valid values; cleared, any value is valid.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub valid_values: Patch<ValidValues>,
    /// Whether it is archived from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// What happens to the reason.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub reason: Patch<Reason>,
}

impl Attributes for DefinitionAttributes {
    type Owner = OrgId;
    type Patch = DefinitionPatch;

    const MISSING: &'static str = "the catalogue does not define this category";
    const UNKNOWN_OWNER: &'static str = "the organisation has no catalogue";
    const EXISTS: &'static str = "the catalogue defines this category already";

    fn event(_: ChangeKind) -> Option<&'static str> {
        None
    }

    fn patched(&self, patch: &DefinitionPatch) -> Self {
        Self {
            name: patch.name.as_ref().unwrap_or(&self.name).clone(),
            description: patch.description.apply(self.description.as_ref()),
            valid_values: patch.valid_values.apply(self.valid_values.as_ref()),
            archived: patch.archived.unwrap_or(self.archived),
            reason: patch.reason.apply(self.reason.as_ref()),
        }
    }

    fn weight(&self) -> usize {
        let values = self.valid_values.iter().flat_map(ValidValues::iter).map(Text::as_str);
        let texts = [self.description.as_ref().map(Text::as_str), self.reason.as_ref().map(Text::as_str)];
        let texts = texts.into_iter().flatten().chain(values).chain([self.name.as_str()]);
        texts.map(escaped_bytes).sum()
    }

    fn unique_name(&self) -> Option<&Name> {
        Some(&self.name)
    }

    fn defines_for(org: &OrgId) -> Option<&OrgId> {
        Some(org)
    }
}

impl ValidValues {
    /// Reads a JSON array.
    ///
    /// # Errors
    /// The problem, where it has something else than distinct values, or too many.
    fn parse(raw: &str) -> Result<Self, String> {
        let members: Vec<&RawValue> =
            serde_json::from_str(raw).map_err(|_| "must be an array of strings or null".to_owned())?;
        if members.len() > MAX_VALID_VALUES {
            return Err(format!("must have at most {MAX_VALID_VALUES} values, but has {}", members.len()));
        }
        let mut seen = HashSet::new();
        let mut values = Vec::with_capacity(members.len());
        for (at, member) in members.into_iter().enumerate() {
            let value: Value = fields::text(member.get()).map_err(|problem| format!("[{at}] {problem}"))?;
            if value.as_str().is_empty() {
                return Err(format!("[{at}] must have at least 1 character"));
            }
            if !seen.insert(value.as_str().to_owned()) {
                return Err(format!("[{at}] repeats a value"));
            }
            values.push(value);
        }
        Ok(Self(values))
    }

    fn parse_nullable(raw: &str) -> Result<Option<Self>, String> {
        if raw == "null" { Ok(None) } else { Self::parse(raw).map(Some) }
    }

    /// The values in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}

impl NewDefinition {
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::take(Fields::of_json(body)?)
    }

    /// Reads a line of a file, its `number`th: what [`Self::parse`] reads, but what is optional may be `null`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the line.
    pub fn parse_line(line: &[u8], number: u64) -> Result<Self> {
        Self::take(Fields::of_json_line(line, number)?.null_as_absent())
    }

    fn take(mut fields: Fields<'_>) -> Result<Self> {
        let id = fields.required("id", CategoryId::parse);
        let name = fields.required("name", name);
        let description = fields.optional("description", fields::text);
        let valid_values = fields.optional("valid_values", ValidValues::parse_nullable).flatten();
        let archived = fields.optional("archived", fields::boolean).unwrap_or_default();
        let reason = fields.optional("reason", fields::text);
        fields.finish(id.zip(name).map(|(id, name)| Self {
            id,
            attributes: DefinitionAttributes { name, description, valid_values, archived, reason },
        }))
    }
}

impl DefinitionPatch {
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?;
        let patch = Self {
            name: fields.optional("name", name),
            description: fields.patch("description"),
            valid_values: match fields.optional("valid_values", ValidValues::parse_nullable) {
                None => Patch::Keep,
                Some(None) => Patch::Clear,
                Some(Some(values)) => Patch::Set(values),
            },
            archived: fields.optional("archived", fields::boolean),
            reason: fields.patch("reason"),
        };
        fields.finish(Some(patch))
    }
}

/// Takes what an export has of a definition, every member of it. `None` only together with a violation.
pub(super) fn take_state(fields: &mut Fields<'_>) -> Option<DefinitionAttributes> {
    let name = fields.required("name", name);
    let description = fields.required("description", fields::nullable_text).flatten();
    let valid_values = fields.required("valid_values", ValidValues::parse_nullable).flatten();
    let archived = fields.required("archived", fields::boolean).unwrap_or_default();
    let reason = fields.required("reason", fields::nullable_text).flatten();
    name.map(|name| DefinitionAttributes { name, description, valid_values, archived, reason })
}

fn name(raw: &str) -> Result<Name, String> {
    Name::parse(fields::string(raw)?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}
