use serde::{Deserialize, Serialize};

use super::{
    Author, CategoryId, Change, ChangeKind, Description, HistoryEntry, Reason, Revision, Timestamp, Value,
    fields::{self, Fields},
};
use crate::Result;

/// What a category says, and what a change may alter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// The category's value, at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What the value means, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Why it was set, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A category that a customer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// The number that tells it from the customer's other categories.
    pub id: CategoryId,
    /// What it says.
    pub attributes: Attributes,
    /// The change that created it.
    pub created: Revision,
    /// The change that made it what it is.
    pub revision: Revision,
}

/// What is known of a customer's category. A deleted one is remembered by its last revision, so
/// that one created in its place is later than it whatever the clock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The customer carries it.
    Live(Category),
    /// A tombstone: the customer carried it once.
    Deleted {
        /// The category's number.
        id: CategoryId,
        /// The change that deleted it.
        revision: Revision,
    },
}

/// A category to be created: the body of POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCategory {
    /// The number that the client picked.
    pub id: CategoryId,
    /// What the category is to say.
    #[serde(flatten)]
    pub attributes: Attributes,
}

/// A change to be made to a category: a JSON merge patch (RFC 7396), the body of PATCH.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CategoryPatch {
    /// What happens to the value.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub value: Patch<Value>,
    /// What happens to the description.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub description: Patch<Description>,
    /// What happens to the reason.
    #[serde(skip_serializing_if = "Patch::keeps")]
    pub reason: Patch<Reason>,
}

/// What a merge patch does to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Patch<T> {
    /// The member is absent: it stays as it is.
    #[default]
    Keep,
    /// The member is `null`: it is cleared.
    Clear,
    /// The member has this value from now on.
    Set(T),
}

impl Attributes {
    /// An upper bound of the bytes this takes in an answer, once escaped as JSON and once more as
    /// a string in Lambda's own JSON.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = [
            self.value.as_ref().map(Value::as_str),
            self.description.as_ref().map(Description::as_str),
            self.reason.as_ref().map(Reason::as_str),
        ];
        let escaped = |byte| match byte {
            0..=0x1f => 7,
            b'"' | b'\\' => 4,
            _ => 1,
        };
        texts.into_iter().flatten().flat_map(str::bytes).map(escaped).sum()
    }
}

impl NewCategory {
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?;
        let new = Self::take(&mut fields);
        fields.finish(new)
    }

    /// `None` only together with a violation.
    pub(super) fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", CategoryId::parse);
        let value = fields.required("value", fields::nullable_text).flatten();
        let description = fields.optional("description", fields::text);
        let reason = fields.optional("reason", fields::text);
        id.map(|id| Self { id, attributes: Attributes { value, description, reason } })
    }

    /// The change that creates this category under `revision`.
    #[must_use]
    pub fn create(self, author: &Author, revision: Revision) -> Change {
        let category = Category { id: self.id, attributes: self.attributes, created: revision, revision };
        let entry = category.entry(ChangeKind::Created, None, author);
        Change { replaces: None, record: Record::Live(category), entry }
    }
}

impl CategoryPatch {
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?;
        let patch = Self {
            value: fields.patch("value"),
            description: fields.patch("description"),
            reason: fields.patch("reason"),
        };
        fields.finish(Some(patch))
    }

    fn apply(&self, to: &Attributes) -> Attributes {
        Attributes {
            value: self.value.apply(to.value.as_ref()),
            description: self.description.apply(to.description.as_ref()),
            reason: self.reason.apply(to.reason.as_ref()),
        }
    }
}

impl<T> Patch<T> {
    fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Clone> Patch<T> {
    fn apply(&self, to: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => to.cloned(),
            Self::Clear => None,
            Self::Set(new) => Some(new.clone()),
        }
    }
}

impl Category {
    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created.timestamp()
    }

    /// When it became what it is.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.revision.timestamp()
    }

    /// The change that `patch` makes, or `None` where it changes nothing.
    #[must_use]
    pub fn patch(&self, patch: &CategoryPatch, author: &Author, now: Timestamp) -> Option<Change> {
        let attributes = patch.apply(&self.attributes);
        if attributes == self.attributes {
            return None;
        }
        let revision = Revision::mint(now, Some(self.revision));
        let after = Self { attributes, revision, ..self.clone() };
        let entry = after.entry(ChangeKind::Updated, Some(self), author);
        Some(Change { replaces: Some(self.revision), record: Record::Live(after), entry })
    }

    /// The change that deletes it and leaves a tombstone.
    #[must_use]
    pub fn delete(&self, reason: Option<Reason>, author: &Author, now: Timestamp) -> Change {
        let revision = Revision::mint(now, Some(self.revision));
        let attributes = Attributes { reason, ..Attributes::default() };
        let last = Self { attributes, revision, ..self.clone() };
        let entry = last.entry(ChangeKind::Deleted, Some(self), author);
        Change { replaces: Some(self.revision), record: Record::Deleted { id: self.id, revision }, entry }
    }

    fn entry(&self, change: ChangeKind, previous: Option<&Self>, author: &Author) -> HistoryEntry {
        HistoryEntry {
            id: self.id,
            change,
            attributes: self.attributes.clone(),
            previous: previous.map(|previous| previous.attributes.clone()),
            changed_by: author.to_string(),
            created: self.created,
            replaces: previous.map(|previous| previous.revision),
            revision: self.revision,
        }
    }
}

impl Record {
    /// The category's number.
    #[must_use]
    pub fn id(&self) -> CategoryId {
        match self {
            Self::Live(category) => category.id,
            Self::Deleted { id, .. } => *id,
        }
    }

    /// The last change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Live(category) => category.revision,
            Self::Deleted { revision, .. } => *revision,
        }
    }

    /// The category, unless this is a tombstone.
    #[must_use]
    pub fn live(self) -> Option<Category> {
        match self {
            Self::Live(category) => Some(category),
            Self::Deleted { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};

    use super::*;
    use crate::domain::KeyName;

    fn member() -> impl Strategy<Value = Option<Json>> {
        prop_oneof![Just(None), Just(Some(Json::Null)), "[ab]?".prop_map(|text| Some(Json::from(text)))]
    }

    /// RFC 7396, section 2, for flat objects.
    fn merge(mut target: Map<String, Json>, patch: &Map<String, Json>) -> Map<String, Json> {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                target.insert(name.clone(), value.clone());
            }
        }
        target
    }

    fn object(members: [Option<Json>; 3]) -> Map<String, Json> {
        ["value", "description", "reason"]
            .into_iter()
            .zip(members)
            .filter_map(|(name, member)| Some((name.to_owned(), member?)))
            .collect()
    }

    proptest! {
        #[test]
        fn a_patch_is_a_merge_patch(before in [member(), member(), member()], patch in [member(), member(), member()]) {
            let before = merge(Map::new(), &object(before));
            let patch = object(patch);
            let parsed = CategoryPatch::parse(Json::from(patch.clone()).to_string().as_bytes()).unwrap();

            let attributes: Attributes = serde_json::from_value(Json::from(before.clone())).unwrap();
            let revision = Revision::mint(Timestamp::from_millis(0), None);
            let category = Category {
                id: CategoryId::new(1), attributes, created: revision, revision,
            };
            let author = Author::from(KeyName::parse("a").unwrap());
            let change = category.patch(&parsed, &author, Timestamp::from_millis(0));

            let expected = merge(before.clone(), &patch);
            prop_assert_eq!(change.is_none(), expected == before);
            if let Some(change) = change {
                let after = serde_json::to_value(&change.entry.attributes).unwrap();
                prop_assert_eq!(after, Json::from(expected));
                let previous = serde_json::to_value(&change.entry.previous).unwrap();
                prop_assert_eq!(previous, Json::from(before));
                prop_assert!(change.entry.revision > revision);
            }
        }
    }
}
