use serde::{Deserialize, Serialize};

use super::{
    Assignment, Attributes, CategoryId, ChangeKind, Customer, Description, New, Patch, Reason, Text, Value,
    Versioned,
    fields::{self, Fields},
};
use crate::Result;

/// What a customer's category says, and what a change may alter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryAttributes {
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
pub type Category = Versioned<CategoryAttributes>;

/// A category to be created: the body of POST.
pub type NewCategory = New<CategoryAttributes>;

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

impl Attributes for CategoryAttributes {
    type Owner = Customer;
    type Patch = CategoryPatch;

    const MISSING: &'static str = "the customer has no such category";
    const UNKNOWN_OWNER: &'static str = "nothing is known of this customer";
    const EXISTS: &'static str = "the customer has this category already";

    fn event(change: ChangeKind) -> Option<&'static str> {
        Some(match change {
            ChangeKind::Created => "CustomerCategoryCreated",
            ChangeKind::Updated => "CustomerCategoryUpdated",
            ChangeKind::Deleted => "CustomerCategoryDeleted",
        })
    }

    fn patched(&self, patch: &CategoryPatch) -> Self {
        Self {
            value: patch.value.apply(self.value.as_ref()),
            description: patch.description.apply(self.description.as_ref()),
            reason: patch.reason.apply(self.reason.as_ref()),
        }
    }

    fn weight(&self) -> usize {
        let texts = [
            self.value.as_ref().map(Text::as_str),
            self.description.as_ref().map(Text::as_str),
            self.reason.as_ref().map(Text::as_str),
        ];
        texts.into_iter().flatten().map(escaped_bytes).sum()
    }

    /// A creation always; a change only where it gives another value than `null`.
    fn assignment<'a>(
        &'a self,
        customer: &'a Customer,
        id: CategoryId,
        before: Option<&Self>,
    ) -> Option<Assignment<'a>> {
        let value = self.value.as_ref();
        let is_given = before.is_none_or(|before| value.is_some() && value != before.value.as_ref());
        is_given.then_some(Assignment { customer, id, value })
    }
}

/// Bytes of a text once escaped as JSON, and once more as a string in Lambda's own JSON.
pub(super) fn escaped_bytes(text: &str) -> usize {
    let escaped = |byte| match byte {
        0..=0x1f => 7,
        b'"' | b'\\' => 4,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
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
        let attributes = CategoryAttributes::take(fields);
        id.map(|id| Self { id, attributes })
    }
}

impl CategoryAttributes {
    /// Reads the body of a PUT: all that the category is to say. What is optional may be `null`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?.null_as_absent();
        let attributes = Self::take(&mut fields);
        fields.finish(Some(attributes))
    }

    pub(super) fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            value: fields.required("value", fields::nullable_text).flatten(),
            description: fields.optional("description", fields::text),
            reason: fields.optional("reason", fields::text),
        }
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};

    use super::*;
    use crate::domain::{Author, KeyName, Revision, Timestamp, history::After};

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

            let attributes: CategoryAttributes = serde_json::from_value(Json::from(before.clone())).unwrap();
            let revision = Revision::mint(Timestamp::from_millis(0), None);
            let category = Category {
                id: CategoryId::new(1), attributes, created: revision, revision,
            };
            let author = Author::from(KeyName::parse("a").unwrap());
            let change = category.patch(&parsed, &author, Timestamp::from_millis(0));

            let expected = merge(before.clone(), &patch);
            prop_assert_eq!(change.is_none(), expected == before);
            if let Some(change) = change {
                let After::State(after) = &change.entry.after else { panic!() };
                let after = serde_json::to_value(after).unwrap();
                prop_assert_eq!(after, Json::from(expected));
                let previous = serde_json::to_value(&change.entry.previous).unwrap();
                prop_assert_eq!(previous, Json::from(before));
                prop_assert!(change.entry.revision > revision);
            }
        }
    }
}
