use super::{Author, CustomerId, Fields, KeyName, NewCategory, Timestamp, fields};
use crate::Result;

/// A category as the system kept it that this service takes over from: a line of an import.
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

impl ImportedCategory {
    /// Reads the body of a POST with `customer_id` and, optionally, `changed_at` and `changed_by`
    /// in it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every violation in the line.
    pub fn parse(line: &[u8], now: Timestamp) -> Result<Self> {
        let mut fields = Fields::of_json(line)?;
        let customer = fields.required("customer_id", |raw| CustomerId::parse(&fields::string(raw)?));
        let category = NewCategory::take(&mut fields);
        let changed_at = fields.optional("changed_at", |raw| past(&fields::string(raw)?, now));
        let changed_by = fields.optional("changed_by", |raw| KeyName::parse(&fields::string(raw)?));
        let line = customer.zip(category).map(|(customer, category)| Self {
            customer,
            category,
            changed_at,
            changed_by: changed_by.map(Author::from),
        });
        fields.finish(line)
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
