use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{
    Action, CategoryAttributes, CategoryId, CustomerId, Outcome, Precondition, Reason, Request, Revision,
    Revisions,
    fields::{self, Fields},
};
use crate::{Error, Result, error::Violation};

/// Changes that a batch has at most.
const MAX_CHANGES: usize = 100;

/// Changes of one customer that a batch has at most. They are one transaction, which DynamoDB lets have 100 actions:
/// each change takes two of them.
const MAX_CHANGES_PER_CUSTOMER: usize = 25;

/// Changes of several customers, each customer's to be made together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The customers in the order in which the batch comes to them.
    pub customers: Vec<CustomerChanges>,
    /// Where each change of the batch is: its customer's place above, and its own among the customer's.
    places: Vec<(usize, usize)>,
}

/// What is to be changed of one customer, all or nothing.
#[derive(Clone, Debug, Serialize)]
pub struct CustomerChanges {
    /// Who carries it.
    #[serde(skip)]
    pub customer: CustomerId,
    /// At most one for a category, in the batch's order.
    pub changes: Vec<BatchChange>,
}

/// A change of one category. As text it says what it asks for, the same in every version.
#[derive(Clone, Debug, Serialize)]
pub struct BatchChange {
    /// The category.
    pub id: CategoryId,
    /// What is to be done.
    #[serde(flatten)]
    pub operation: BatchOperation,
    /// The revision that it may replace; any, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<Revision>,
}

/// What a change of a batch does.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum BatchOperation {
    /// The category is to say this, be it there or not.
    Set(CategoryAttributes),
    /// The category is to be gone, be it there or not.
    Delete {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
}

/// Why the changes of a customer were not made.
#[derive(Debug)]
pub enum Unmade {
    /// They can't all be made: what is wrong with each, `None` for those with which nothing is.
    Refused(Vec<Option<Error>>),
    /// Something was in the way of them all. Only a failure of the database leaves it open whether they were made.
    Failed(Error),
}

/// What became of one customer's changes.
pub type Made = Result<Vec<Outcome>, Unmade>;

impl From<Error> for Unmade {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Batch {
    /// Reads `{"changes": […]}` with 1 to 100 changes, at most 25 of a customer and one of a customer's category.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation in the body.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::of_json(body)?;
        let changes = fields.array("changes", MAX_CHANGES, Sent::take);
        let batch = changes.and_then(|changes| Self::group(changes, &mut fields));
        fields.finish(batch)
    }

    /// `None` only together with a violation.
    fn group(sent: Vec<(usize, Sent)>, fields: &mut Fields<'_>) -> Option<Self> {
        let mut batch = Self { customers: Vec::new(), places: Vec::with_capacity(sent.len()) };
        let mut customers = HashMap::new();
        let mut seen = HashSet::new();
        let mut is_sound = true;
        for (position, Sent { customer, change }) in sent {
            let mut violate = |field: &str, problem: String| {
                is_sound = false;
                fields.violate(Violation::new(format!("changes[{position}].{field}"), problem));
            };
            if !seen.insert((customer, change.id)) {
                violate("id", "is another change's of the same customer already".to_owned());
            }
            let place = *customers.entry(customer).or_insert(batch.customers.len());
            if place == batch.customers.len() {
                batch.customers.push(CustomerChanges { customer, changes: Vec::new() });
            }
            let Some(group) = batch.customers.get_mut(place) else { continue };
            if group.changes.len() == MAX_CHANGES_PER_CUSTOMER {
                violate("customer_id", format!("has more than {MAX_CHANGES_PER_CUSTOMER} changes"));
            }
            batch.places.push((place, group.changes.len()));
            group.changes.push(change);
        }
        is_sound.then_some(batch)
    }

    /// Each change in the batch's order, with its customer, and what became of the customer's changes and of itself.
    pub fn results<'a>(
        &'a self,
        made: &'a [Made],
    ) -> impl Iterator<Item = (CustomerId, CategoryId, Result<Outcome, Failed<'a>>)> + Clone {
        self.places.iter().filter_map(move |(customer, change)| {
            let group = self.customers.get(*customer)?;
            let id = group.changes.get(*change)?.id;
            let result = match made.get(*customer)? {
                Ok(outcomes) => Ok(*outcomes.get(*change)?),
                Err(Unmade::Failed(error)) => Err(Failed::For(error)),
                Err(Unmade::Refused(errors)) => Err(match errors.get(*change)? {
                    Some(error) => Failed::For(error),
                    None => Failed::WithAnother(errors.iter().flatten().next()?),
                }),
            };
            Some((group.customer, id, result))
        })
    }
}

/// Why a change was not made.
#[derive(Clone, Copy, Debug)]
pub enum Failed<'a> {
    /// For this.
    For(&'a Error),
    /// Because another of the same customer can't be, for this.
    WithAnother(&'a Error),
}

impl BatchChange {
    /// What it asks for.
    #[must_use]
    pub fn request(&self) -> Request<'_, CategoryAttributes> {
        Request {
            id: self.id,
            action: match &self.operation {
                BatchOperation::Set(attributes) => Action::Set(attributes),
                BatchOperation::Delete { reason } => Action::Remove(reason.as_ref()),
            },
            expected: match self.if_match {
                None => Precondition::None,
                Some(revision) => {
                    Precondition::Revisions(Revisions::OneOf { listed: vec![revision], altered: Vec::new() })
                }
            },
        }
    }
}

/// A change as it was sent.
struct Sent {
    customer: CustomerId,
    change: BatchChange,
}

impl Sent {
    /// `None` only together with a violation.
    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let is_set = fields.required("op", |raw| match fields::string(raw)?.as_str() {
            "set" => Ok(true),
            "delete" => Ok(false),
            _ => Err("must be set or delete".to_owned()),
        });
        let customer = fields.required("customer_id", |raw| CustomerId::parse(&fields::string(raw)?));
        let id = fields.required("id", CategoryId::parse);
        let operation = match is_set {
            Some(true) => BatchOperation::Set(CategoryAttributes::take(fields)),
            Some(false) => {
                for name in ["value", "description"] {
                    fields
                        .optional(name, |_| Err::<(), _>("must not be sent where `op` is delete".to_owned()));
                }
                BatchOperation::Delete { reason: fields.optional("reason", fields::text) }
            }
            // Whichever was meant, it may have these.
            None => BatchOperation::Set(CategoryAttributes {
                value: fields.optional("value", fields::nullable_text).flatten(),
                description: fields.optional("description", fields::text),
                reason: fields.optional("reason", fields::text),
            }),
        };
        let if_match = fields.optional("if_match", |raw| {
            let text = fields::string(raw)?;
            Revision::parse(&text)
                .ok_or_else(|| "must be a revision, as `revision` in the history".to_owned())
        });
        let change = BatchChange { id: id?, operation, if_match };
        Some(Self { customer: customer?, change }).filter(|_| is_set.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "123e4567-e89b-12d3-a456-556642440000";
    const B: &str = "123e4567-e89b-12d3-a456-556642440001";

    fn violations(changes: &str) -> Vec<String> {
        match Batch::parse(format!(r#"{{"changes": {changes}}}"#).as_bytes()) {
            Err(Error::Invalid(violations)) => violations.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn set(customer: &str, id: usize) -> String {
        format!(r#"{{"op": "set", "customer_id": "{customer}", "id": {id}, "value": "gold"}}"#)
    }

    #[test]
    fn everything_wrong_is_said_by_its_position() {
        let sent = format!(
            r#"[{}, 7, {{"op": "put", "id": 1, "value": 7}},
               {{"op": "delete", "customer_id": "{B}", "id": "x", "value": null, "description": "d", "if_match": "1"}},
               {}, {{"op": "set", "customer_id": "{B}", "id": 1, "colour": "red"}}]"#,
            set(A, 1),
            set(&A.to_uppercase(), 1),
        );
        assert_eq!(
            violations(&sent),
            [
                "`changes[1]` must be a JSON object",
                "`changes[2].op` must be set or delete",
                "`changes[2].customer_id` is required",
                "`changes[2].value` must be a string or null",
                "`changes[3].id` must be an integer from -2147483648 to 2147483647",
                "`changes[3].description` must not be sent where `op` is delete",
                "`changes[3].if_match` must be a revision, as `revision` in the history",
                "`changes[5].value` is required",
                "`changes[5].colour` is not known",
                "`changes[4].id` is another change's of the same customer already",
            ]
        );
    }

    #[test]
    fn a_batch_has_100_changes_at_most_and_a_customer_25() {
        let list = |changes: &[String]| format!("[{}]", changes.join(","));
        let many = |count| list(&(0..count).map(|id| set(A, id)).collect::<Vec<_>>());
        assert_eq!(violations(&many(26)), ["`changes[25].customer_id` has more than 25 changes"]);
        assert_eq!(violations(&many(101)), ["`changes` must have 1 to 100 elements, but has 101"]);
        assert_eq!(violations("[]"), ["`changes` must have 1 to 100 elements, but has 0"]);
        assert_eq!(violations("{}"), ["`changes` must be an array"]);
        Batch::parse(format!(r#"{{"changes": {}}}"#, many(25)).as_bytes()).unwrap();
    }

    #[test]
    fn each_change_is_told_what_became_of_it_where_it_stood() {
        let sent = format!(r#"{{"changes": [{}, {}, {}]}}"#, set(B, 1), set(A, 1), set(B, 2));
        let batch = Batch::parse(sent.as_bytes()).unwrap();
        let refused = Unmade::Refused(vec![None, Some(Error::NotFound("archived"))]);
        let made = [Err(refused), Ok(vec![Outcome::Absent])];
        let told: Vec<_> = batch
            .results(&made)
            .map(|(customer, id, result)| {
                let result = match result {
                    Ok(outcome) => outcome.name().to_owned(),
                    Err(Failed::For(error)) => error.to_string(),
                    Err(Failed::WithAnother(error)) => format!("with {error}"),
                };
                (customer.to_string(), id.get(), result)
            })
            .collect();
        let [a, b] = [A, B].map(str::to_owned);
        let expected = [
            (b.clone(), 1, "with archived".to_owned()),
            (a, 1, "absent".to_owned()),
            (b, 2, "archived".to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
