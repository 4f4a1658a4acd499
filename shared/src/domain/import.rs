use std::fmt::Write;

use super::{
    Action, Author, CategoryAttributes, Change, Customer, CustomerId, Fields, KeyName, NewCategory, OrgId,
    Precondition, Record, Request, Revision, Timestamp, fields,
};
use crate::Result;

/// What a line of an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportLine {
    /// A category to take over.
    Category(ImportedCategory),
    /// Another line of a customer's export: a change of the history, what a deleted category left behind, a
    /// remembered request.
    Other,
}

/// A category as the system kept it that this service takes over from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedCategory {
    /// Who carries it.
    pub customer: CustomerId,
    /// What it says.
    pub category: NewCategory,
    /// When it became what it is; unknown, if absent.
    pub changed_at: Option<Timestamp>,
    /// Who made it what it is; unknown, if absent.
    pub changed_by: Option<Author>,
}

/// The kinds of line that the export of a customer, or of an organisation, has.
const EXPORTED: [&str; 9] = [
    "category",
    "deleted_category",
    "change",
    "remembered_request",
    "definition",
    "deleted_definition",
    "definition_change",
    "policy",
    "erased_customer",
];

impl ImportLine {
    /// Reads a line, which is the `number`th of its file, for customers of `org`: what
    /// [`ImportedCategory::parse`] reads, or a line of a customer's export.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the line.
    pub fn parse(line: &[u8], number: u64, org: &OrgId, now: Timestamp) -> Result<Self> {
        let mut fields = Fields::of_json_line(line, number)?.null_as_absent();
        match fields.optional("kind", exported).as_deref() {
            None => {}
            Some("category") => return exported_category(fields, org, now).map(Self::Category),
            Some(_) => return Ok(Self::Other),
        }
        let category = ImportedCategory::take(&mut fields, "changed_at", now);
        fields.finish(category).map(Self::Category)
    }
}

impl ImportedCategory {
    /// Reads the body of a POST with `customer_id` and, optionally, `changed_at` and `changed_by`
    /// in it. What is optional may be `null`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the line.
    pub fn parse(line: &[u8], now: Timestamp) -> Result<Self> {
        let mut fields = Fields::of_json(line)?.null_as_absent();
        let category = Self::take(&mut fields, "changed_at", now);
        fields.finish(category)
    }

    /// `None` only together with a violation. `changed_at` is the name under which the line has that.
    fn take(fields: &mut Fields<'_>, changed_at: &str, now: Timestamp) -> Option<Self> {
        let customer = fields.required("customer_id", |raw| CustomerId::parse(&fields::string(raw)?));
        let category = NewCategory::take(fields);
        let changed_at = fields.optional(changed_at, |raw| past(&fields::string(raw)?, now));
        let changed_by = fields.optional("changed_by", |raw| KeyName::parse(&fields::string(raw)?));
        customer.zip(category).map(|(customer, category)| Self {
            customer,
            category,
            changed_at,
            changed_by: changed_by.map(Author::from),
        })
    }

    /// The revision of the change that takes it over, where the line says when it was made: the same
    /// whenever the same line is imported. So history proves by one entry that it has been.
    #[must_use]
    pub fn revision(&self, org: &OrgId, author: &Author) -> Option<Revision> {
        let time = self.changed_at?;
        let customer = Customer { org: org.clone(), id: self.customer };
        Some(Revision::derived(time, &self.told(&customer, author)))
    }

    /// The change that has what is here, a tombstone included, say this instead; `None` where it does already. It is
    /// dated by the line where that is later than what is here, else by `now`.
    #[must_use]
    pub fn replace(
        &self,
        record: &Record<CategoryAttributes>,
        author: &Author,
        now: Timestamp,
    ) -> Option<Change<CategoryAttributes>> {
        let NewCategory { id, attributes } = &self.category;
        let later = self.changed_at.filter(|moment| *moment > record.revision().timestamp());
        let request = Request { id: *id, action: Action::Set(attributes), expected: Precondition::None };
        request.decide(Some(record), author, later.unwrap_or(now)).ok()?.change()
    }

    /// What it says as one text, which has to stay the same from version to version. None of its parts can
    /// contain NUL.
    fn told(&self, Customer { org, id }: &Customer, author: &Author) -> String {
        let mut told = format!("import\0{org}\0{id}\0{}\0{author}", self.category.id);
        let attributes = &self.category.attributes;
        let value = attributes.value.as_ref().map(super::Value::as_str);
        let description = attributes.description.as_ref().map(super::Description::as_str);
        let reason = attributes.reason.as_ref().map(super::Reason::as_str);
        for text in [value, description, reason] {
            // An empty text is not an absent one.
            let (there, text) = text.map_or(('-', ""), |text| ('+', text));
            let _infallible = write!(told, "\0{there}{text}");
        }
        told
    }
}

/// Of a category's line in an export, what can be taken over: what it says, and when it became so. Its
/// creation and its revision are of the history, which the line doesn't have.
fn exported_category(mut fields: Fields<'_>, org: &OrgId, now: Timestamp) -> Result<ImportedCategory> {
    let category = ImportedCategory::take(&mut fields, "updated_at", now);
    let _must_match = fields.required("org_id", |raw| match fields::string(raw)? {
        of_line if of_line == org.to_string() => Ok(()),
        _ => Err(format!("must be {org}, the organisation that is imported into")),
    });
    let _left_behind = fields.optional("created_at", |raw| Timestamp::parse_floor(&fields::string(raw)?));
    let _left_behind = fields.optional("revision", |raw| {
        Revision::parse(&fields::string(raw)?).ok_or_else(|| "must be a UUIDv7 in lower case".to_owned())
    });
    fields.finish(category)
}

fn exported(raw: &str) -> Result<String, String> {
    let kind = fields::string(raw)?;
    if EXPORTED.contains(&kind.as_str()) {
        Ok(kind)
    } else {
        Err(format!("must be one of {}, as in an export", EXPORTED.join(", ")))
    }
}

/// Systems write a date that they don't know as 1970 or earlier; taken as a time, it would be wrong.
fn past(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    match Timestamp::parse_floor(text)? {
        moment if moment.as_millis() == 0 => Err("must be after 1970-01-01T00:00:00Z".into()),
        moment if moment > now => Err("must not be in the future".into()),
        moment => Ok(moment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: &str = "123e4567-e89b-12d3-a456-556642440000";

    fn read(line: &str) -> Result<ImportedCategory> {
        ImportedCategory::parse(line.as_bytes(), Timestamp::from_millis(u64::MAX))
    }

    fn revision(rest: &str, org: &str, author: &str) -> Revision {
        let line =
            format!(r#"{{"customer_id": "{CUSTOMER}", "changed_at": "2019-05-01T10:00:00Z", {rest}}}"#);
        let author = Author::from(KeyName::parse(author).unwrap());
        read(&line).unwrap().revision(&OrgId::parse(org).unwrap(), &author).unwrap()
    }

    #[test]
    fn the_same_line_has_the_same_revision_and_another_line_another() {
        let all = [
            revision(r#""id": 7, "value": "gold""#, "telco", "crm"),
            revision(r#""id": 7, "value": "gold""#, "rival", "crm"),
            revision(r#""id": 7, "value": "gold""#, "telco", "billing"),
            revision(r#""id": 8, "value": "gold""#, "telco", "crm"),
            revision(r#""id": 7, "value": "silver""#, "telco", "crm"),
            revision(r#""id": 7, "value": null"#, "telco", "crm"),
            revision(r#""id": 7, "value": """#, "telco", "crm"),
            revision(r#""id": 7, "value": null, "description": "gold""#, "telco", "crm"),
            revision(r#""id": 7, "value": null, "reason": "gold""#, "telco", "crm"),
        ];
        for (at, revision) in all.iter().enumerate() {
            assert!(!all[..at].contains(revision), "{at}");
        }
        // Of every version: what was imported before an upgrade is known after it.
        assert_eq!(all[0].to_string(), "016a72d6-2d00-7bc6-8682-83bbc713435e");
        let again =
            revision(r#""reason": null, "description": null, "value": "gold", "id": 7"#, "telco", "crm");
        assert_eq!(again, all[0]);
    }

    #[test]
    fn what_is_optional_may_be_null_and_nothing_else() {
        let nulls = r#""description": null, "reason": null, "changed_at": null, "changed_by": null"#;
        let line =
            read(&format!(r#"{{"customer_id": "{CUSTOMER}", "id": 7, "value": null, {nulls}}}"#)).unwrap();
        assert_eq!(
            (line.changed_at, &line.changed_by, &line.category.attributes.reason),
            (None, &None, &None)
        );
        for line in [
            format!(r#"{{"customer_id": "{CUSTOMER}", "id": null, "value": "gold"}}"#),
            r#"{"customer_id": null, "id": 7, "value": "gold"}"#.to_owned(),
            format!(r#"{{"customer_id": "{CUSTOMER}", "id": 7, "value": "gold", "note": null}}"#),
            format!(
                r#"{{"customer_id": "{CUSTOMER}", "id": 7, "value": "gold", "reason": null, "reason": "x"}}"#
            ),
        ] {
            assert!(read(&line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_a_line_replaces_is_dated_by_it_only_where_it_is_later_than_what_is_here() {
        let at = |time| Timestamp::parse_floor(time).unwrap();
        let author = Author::from(KeyName::parse("crm").unwrap());
        let line = |value: &str, changed_at: &str| {
            let rest = format!(r#""id": 7, "value": "{value}", "changed_at": "{changed_at}""#);
            read(&format!(r#"{{"customer_id": "{CUSTOMER}", {rest}}}"#)).unwrap()
        };
        let created = line("gold", "2019-05-01T10:00:00Z").category;
        let here = created.create(&author, Revision::mint(at("2019-05-01T10:00:00Z"), None)).record;
        let now = at("2026-11-23T06:46:00Z");
        let dated = |changed_at| {
            let change = line("silver", changed_at).replace(&here, &author, now).unwrap();
            change.entry.changed_at()
        };
        assert_eq!(dated("2020-05-01T10:00:00Z"), at("2020-05-01T10:00:00Z"));
        for not_later in ["2019-05-01T10:00:00Z", "2018-05-01T10:00:00Z"] {
            assert_eq!(dated(not_later), now, "{not_later}");
        }
    }
}
