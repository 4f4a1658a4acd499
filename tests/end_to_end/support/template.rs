//! What `template.yaml` says, as the tests read it.

use std::{collections::BTreeSet, sync::LazyLock};

use customers_categories::server::template::{TEXT, Template};

pub static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::parse(TEXT).unwrap());

/// An action on a table, alone or as part of an enclosing operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permit {
    pub action: String,
    pub enclosing: Option<String>,
    /// The table's name in the template.
    pub table: String,
}

/// All that the policies of a function allow.
pub fn permits(function: &str) -> BTreeSet<Permit> {
    let statements =
        TEMPLATE.functions()[function].properties.policies.iter().flat_map(|policy| &policy.statement);
    statements
        .flat_map(|statement| {
            assert_eq!(statement.effect, "Allow");
            let condition = statement.condition.as_ref();
            let enclosing = condition.map(|condition| {
                assert_eq!(condition.len(), 1);
                condition["StringEquals"]["dynamodb:EnclosingOperation"].clone()
            });
            let table = statement.resource.strip_suffix(".Arn").unwrap();
            statement.action.iter().map(move |action| Permit {
                action: action.strip_prefix("dynamodb:").unwrap().to_owned(),
                enclosing: enclosing.clone(),
                table: table.to_owned(),
            })
        })
        .collect()
}
