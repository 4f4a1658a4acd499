//! What `template.yaml` says, as the tests read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use customers_categories::server::template::TEXT;
use serde::Deserialize;

pub static TEMPLATE: LazyLock<Template> = LazyLock::new(|| serde_saphyr::from_str(TEXT).unwrap());

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    pub resources: BTreeMap<String, Resource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    pub r#type: String,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Metadata {
    pub build_properties: BuildProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BuildProperties {
    pub binary: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Properties {
    pub policies: Vec<Policy>,
    pub attribute_definitions: Vec<AttributeDefinition>,
    pub key_schema: Vec<KeyElement>,
    pub billing_mode: String,
}

/// A policy of a function. Other roles have theirs in documents, which are not looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    #[serde(default)]
    pub statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    pub effect: String,
    pub action: Vec<String>,
    /// Of `!GetAtt Table.Arn`, what follows the tag.
    pub resource: String,
    pub condition: Option<BTreeMap<String, BTreeMap<String, String>>>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    pub attribute_name: String,
    pub attribute_type: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
pub struct KeyElement {
    pub attribute_name: String,
    pub key_type: String,
}

/// An action on a table, alone or as part of an enclosing operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permit {
    pub action: String,
    pub enclosing: Option<String>,
    /// The table's name in the template.
    pub table: String,
}

impl Template {
    /// The functions' resources by the names of their binaries.
    pub fn functions(&self) -> BTreeMap<&str, &Resource> {
        let functions =
            self.resources.values().filter(|resource| resource.r#type == "AWS::Serverless::Function");
        functions.map(|function| (function.metadata.build_properties.binary.as_str(), function)).collect()
    }

    /// All that the policies of a function allow.
    pub fn permits(&self, function: &str) -> BTreeSet<Permit> {
        let statements =
            self.functions()[function].properties.policies.iter().flat_map(|policy| &policy.statement);
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
}
