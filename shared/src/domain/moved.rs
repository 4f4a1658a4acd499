//! Lines of an organisation's export, as they are taken back with their history.

use super::{
    After, Attributes, CategoryAttributes, CategoryId, Change, ChangeKind, Claims, Customer, CustomerId,
    DefinitionAttributes, Fields, HistoryEntry, KeyName, OrgId, Policy, Reason, Record, Revision, Timestamp,
    Versioned, definition, fields,
};
use crate::Result;

/// A change as it was made in another table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved<A: Attributes> {
    /// Whose record it changed.
    pub owner: A::Owner,
    /// The record.
    pub id: CategoryId,
    /// What happened to it.
    pub change: ChangeKind,
    /// The state after the change.
    pub after: After<A>,
    /// The state before it; `None` for a creation.
    pub previous: Option<A>,
    /// Who made it.
    pub changed_by: KeyName,
    /// The change itself.
    pub revision: Revision,
}

/// What a line of an export is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovedLine {
    /// A change of a customer's category.
    Category(Moved<CategoryAttributes>),
    /// A change of a definition.
    Definition(Moved<DefinitionAttributes>),
    /// What becomes of categories that are not defined.
    Policy(Policy),
    /// That a customer was erased, of whom nothing but the digest is known.
    Erased {
        /// The SHA-256 of organisation and customer, in hex.
        digest: String,
        /// When the erasure began.
        erased_at: Timestamp,
    },
    /// What follows from the changes: a record, or what a deleted one has left; and what is remembered of requests, for
    /// a day.
    Derived,
}

/// The kinds of line that the export of an organisation, or of a customer, has.
const KINDS: [&str; 9] = [
    "category",
    "change",
    "definition",
    "definition_change",
    "deleted_category",
    "deleted_definition",
    "erased_customer",
    "policy",
    "remembered_request",
];

/// What the members of a record's state are in an export.
trait Exported: Attributes {
    /// Takes the state's members; of a deletion, its reason alone is there.
    fn take(fields: &mut Fields<'_>, deleted: bool) -> Option<After<Self>>;
}

impl Exported for CategoryAttributes {
    fn take(fields: &mut Fields<'_>, deleted: bool) -> Option<After<Self>> {
        let value = fields.required("value", fields::nullable_text).flatten();
        let description = fields.required("description", fields::nullable_text).flatten();
        let reason: Option<Reason> = fields.required("reason", fields::nullable_text).flatten();
        Some(if deleted {
            After::Nothing { reason }
        } else {
            After::State(Self { value, description, reason })
        })
    }
}

impl Exported for DefinitionAttributes {
    fn take(fields: &mut Fields<'_>, deleted: bool) -> Option<After<Self>> {
        if deleted {
            for member in ["name", "description", "valid_values", "archived"] {
                let _null = fields.required(member, null);
            }
            let reason = fields.required("reason", fields::nullable_text).flatten();
            return Some(After::Nothing { reason });
        }
        definition::take_state(fields).map(After::State)
    }
}

impl MovedLine {
    /// Reads the `number`th line of an export of `org`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the line.
    pub fn parse(line: &[u8], number: u64, org: &OrgId) -> Result<Self> {
        let mut fields = Fields::of_json_line(line, number)?;
        let kind = fields.required("kind", known_kind);
        let _must_match = fields.required("org_id", |raw| match fields::string(raw)? {
            of_line if of_line == org.to_string() => Ok(()),
            _ => Err(format!("must be {org}, the organisation that is imported into")),
        });
        match kind.as_deref() {
            Some("change") => {
                let customer = fields.required("customer_id", |raw| CustomerId::parse(&fields::string(raw)?));
                let owner = customer.map(|id| Customer { org: org.clone(), id });
                let moved = take(&mut fields, owner).map(Self::Category);
                fields.finish(moved)
            }
            Some("definition_change") => {
                let moved = take(&mut fields, Some(org.clone())).map(Self::Definition);
                fields.finish(moved)
            }
            Some("policy") => {
                let policy = fields.required("unknown", |raw| Policy::parse(&fields::string(raw)?));
                fields.finish(policy.map(Self::Policy))
            }
            Some("erased_customer") => {
                let digest = fields.required("customer_hash", digest);
                let erased_at =
                    fields.required("erased_at", |raw| Timestamp::parse_floor(&fields::string(raw)?));
                let erased = digest.zip(erased_at);
                fields.finish(erased.map(|(digest, erased_at)| Self::Erased { digest, erased_at }))
            }
            Some(_) => Ok(Self::Derived),
            None => fields.finish(None),
        }
    }
}

impl<A: Attributes> Moved<A> {
    /// The change, made once more where this is known of the record.
    ///
    /// # Errors
    /// Why it does not follow what is known.
    pub fn following(&self, record: Option<&Record<A>>) -> Result<Change<A>, String> {
        let here = match record {
            Some(Record::Live(record)) => Some(record),
            Some(Record::Deleted { .. }) | None => None,
        };
        if here.map(|here: &Versioned<A>| &here.attributes) != self.previous.as_ref() {
            return Err(
                "the change does not follow what is here: `previous` is not what the record says".to_owned()
            );
        }
        let entry = HistoryEntry {
            id: self.id,
            change: self.change,
            after: self.after.clone(),
            previous: self.previous.clone(),
            changed_by: self.changed_by.to_string(),
            created: here.map_or(self.revision, |here| here.created),
            replaces: here.map(|here| here.revision),
            revision: self.revision,
        };
        let after = match &self.after {
            After::State(attributes) => Some(attributes),
            After::Nothing { .. } => None,
        };
        Ok(Change {
            replaces: record.map(Record::revision),
            claims: Claims::between(self.previous.as_ref(), after),
            record: entry.clone().into_record(),
            entry,
        })
    }

    /// Whether an entry of the history is this change.
    #[must_use]
    pub fn is(&self, entry: &HistoryEntry<A>) -> bool {
        (self.id, self.change, &self.after, &self.previous)
            == (entry.id, entry.change, &entry.after, &entry.previous)
            && self.changed_by.to_string() == entry.changed_by
    }
}

/// Takes a change, `None` only together with a violation.
fn take<A: Exported>(fields: &mut Fields<'_>, owner: Option<A::Owner>) -> Option<Moved<A>> {
    let id = fields.required("id", CategoryId::parse);
    let change = fields.required("change", kind);
    let deleted = change == Some(ChangeKind::Deleted);
    let after = A::take(fields, deleted);
    let previous = fields.required("previous", |raw| match (previous::<A>(raw)?, change) {
        (None, Some(ChangeKind::Updated | ChangeKind::Deleted)) => Err("must be the state before".to_owned()),
        (Some(_), Some(ChangeKind::Created)) => Err("must be null, for it is a creation".to_owned()),
        (previous, _) => Ok(previous),
    });
    let changed_by = fields.required("changed_by", |raw| {
        serde_json::from_str(raw).map_err(|_| "must be the name of a key".to_owned())
    });
    let revision = fields.required("revision", |raw| {
        Revision::parse(&fields::string(raw)?).ok_or_else(|| "must be a UUIDv7 in lower case".to_owned())
    });
    let _same = fields.required("changed_at", |raw| {
        let changed_at = Timestamp::parse_floor(&fields::string(raw)?)?;
        match revision {
            Some(revision) if revision.timestamp() != changed_at => {
                Err("must be the time in `revision`".to_owned())
            }
            _ => Ok(()),
        }
    });
    Some(Moved {
        owner: owner?,
        id: id?,
        change: change?,
        after: after?,
        previous: previous?,
        changed_by: changed_by?,
        revision: revision?,
    })
}

fn known_kind(raw: &str) -> Result<String, String> {
    let kind = fields::string(raw)?;
    if KINDS.contains(&kind.as_str()) {
        Ok(kind)
    } else {
        Err(format!("must be one of {}", KINDS.join(", ")))
    }
}

fn kind(raw: &str) -> Result<ChangeKind, String> {
    serde_json::from_str(raw).map_err(|_| "must be created, updated or deleted".to_owned())
}

fn null(raw: &str) -> Result<(), String> {
    if raw == "null" { Ok(()) } else { Err("must be null".to_owned()) }
}

fn previous<A: Exported>(raw: &str) -> Result<Option<A>, String> {
    if raw == "null" {
        return Ok(None);
    }
    let read = || {
        let mut fields = Fields::of_json(raw.as_bytes())?;
        let state = A::take(&mut fields, false).and_then(|after| match after {
            After::State(attributes) => Some(attributes),
            After::Nothing { .. } => None,
        });
        fields.finish(state)
    };
    read().map(Some).map_err(|error: crate::Error| format!("is not right: {error}"))
}

fn digest(raw: &str) -> Result<String, String> {
    let text = fields::string(raw)?;
    let is_hex = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex { Ok(text) } else { Err("must be 64 hexadecimal digits in lower case".to_owned()) }
}
