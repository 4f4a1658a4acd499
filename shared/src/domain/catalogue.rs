use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CategoryId, DefinitionAttributes, Value};
use crate::{Error, Result};

/// What an organisation does with categories that its catalogue does not define.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Customers can carry them.
    #[default]
    Accept,
    /// Nobody can be given one.
    Reject,
}

impl Policy {
    /// # Errors
    /// The problem, where the text is no policy.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "accept" => Ok(Self::Accept),
            "reject" => Ok(Self::Reject),
            _ => Err("must be accept or reject".into()),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        })
    }
}

/// What the catalogue says of giving a customer a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It defines the category.
    Defined(Box<DefinitionAttributes>),
    /// It does not, and the organisation's policy is this.
    Undefined(Policy),
}

impl Rule {
    /// Whether a customer can be given the category with this value.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a category that is archived, or that has to be defined and is not;
    /// [`Error::Invalid`] for a value that is not valid, with those that are.
    pub fn admit(&self, id: CategoryId, value: Option<&Value>) -> Result<()> {
        let definition = match self {
            Self::Undefined(Policy::Accept) => return Ok(()),
            Self::Undefined(Policy::Reject) => {
                return Err(Error::NotFound("the organisation's catalogue does not define this category"));
            }
            Self::Defined(definition) => definition,
        };
        if definition.archived {
            return Err(Error::NotFound("this category is archived in the organisation's catalogue"));
        }
        let (Some(value), Some(valid)) = (value, &definition.valid_values) else { return Ok(()) };
        if valid.iter().any(|valid| valid == value) {
            return Ok(());
        }
        let same = folded(value.as_str());
        let meant = valid.iter().find(|valid| folded(valid.as_str()) == same);
        let quoted: Vec<String> = valid.iter().map(|valid| format!("{:?}", valid.as_str())).collect();
        Err(Error::invalid(
            "value",
            match meant {
                Some(meant) => format!("is not valid for category {id}; {:?} is", meant.as_str()),
                None if quoted.is_empty() => {
                    format!("must be null: category {id} is carried without a value")
                }
                None => format!("is not valid for category {id}, which has {}", quoted.join(", ")),
            },
        ))
    }
}

/// Without regard to case and white space, so that a near miss can be told what it comes near to. Names are folded
/// by Unicode's rules in full; functions that only look at values do without those tables.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{NewDefinition, Text};

    fn rule(body: &str) -> Rule {
        Rule::Defined(Box::new(NewDefinition::parse(body.as_bytes()).unwrap().attributes))
    }

    fn said(rule: &Rule, value: Option<&str>) -> Result<(), String> {
        let value = value.map(|value| Text::parse(value.to_owned()).unwrap());
        rule.admit(CategoryId::new(7), value.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let tiers = rule(r#"{"id": 7, "name": "Tier", "valid_values": ["gold", "Top Tier"]}"#);
        assert_eq!(said(&tiers, Some("gold")), Ok(()));
        assert_eq!(said(&tiers, None), Ok(()));
        let near = "`value` is not valid for category 7; \"Top Tier\" is";
        assert_eq!(said(&tiers, Some(" top  tier")), Err(near.into()));
        let listed = "`value` is not valid for category 7, which has \"gold\", \"Top Tier\"";
        assert_eq!(said(&tiers, Some("lead")), Err(listed.into()));

        let tag = rule(r#"{"id": 7, "name": "VIP", "valid_values": []}"#);
        assert_eq!(said(&tag, None), Ok(()));
        let valueless = "`value` must be null: category 7 is carried without a value";
        assert_eq!(said(&tag, Some("yes")), Err(valueless.into()));

        let any = rule(r#"{"id": 7, "name": "Score", "valid_values": null}"#);
        assert_eq!(said(&any, Some("12.5")), Ok(()));
    }

    #[test]
    fn what_is_archived_or_has_to_be_defined_is_not_found() {
        let archived = rule(r#"{"id": 7, "name": "Tier", "archived": true}"#);
        for rule in [archived, Rule::Undefined(Policy::Reject)] {
            assert!(matches!(rule.admit(CategoryId::new(7), None), Err(Error::NotFound(_))));
        }
        Rule::Undefined(Policy::Accept).admit(CategoryId::new(7), None).unwrap();
    }
}
