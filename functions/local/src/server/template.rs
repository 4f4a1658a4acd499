//! The deployed stack's template: the local gateway takes its routes from it, and tests compare the rest with
//! what the service does.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, de::IgnoredAny};

/// The text of `template.yaml`.
pub const TEXT: &str = include_str!("../../../../template.yaml");

/// As much of a template as the gateway and the tests need.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    globals: Globals,
    /// The resources by their names in the template.
    pub resources: BTreeMap<String, Resource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    function: FunctionGlobals,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionGlobals {
    /// In seconds.
    timeout: u64,
}

/// A function, a table or anything else of the stack.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Metadata,
    /// What the resource is like.
    #[serde(default)]
    pub properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Metadata {
    build_properties: BuildProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
}

/// Properties of a function or of a table; those of other resources are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Properties {
    events: BTreeMap<String, Event>,
    /// The attributes of a table's keys.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The key of a table.
    pub key_schema: Vec<KeyElement>,
    /// How a table is paid for.
    pub billing_mode: String,
    cors_configuration: Option<ConditionalCors>,
}

/// An `!If`: the condition, what holds, and nothing else.
type ConditionalCors = (IgnoredAny, CorsConfiguration, IgnoredAny);

/// What pages may do whose origins the parameter `CorsAllowOrigins` names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CorsConfiguration {
    /// Headers that they may send.
    pub allow_headers: Vec<String>,
    /// Methods that they may use.
    pub allow_methods: Vec<String>,
    /// Headers of answers that they may read.
    pub expose_headers: Vec<String>,
    /// How long a browser need not ask again, in seconds.
    pub max_age: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    r#type: String,
    #[serde(default)]
    properties: EventProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EventProperties {
    method: Option<String>,
    path: Option<String>,
}

/// An attribute of a table's key.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    /// The name of the attribute.
    pub attribute_name: String,
    /// Such as `S` for a string.
    pub attribute_type: String,
}

/// An attribute's part in a table's key.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
pub struct KeyElement {
    /// The name of the attribute.
    pub attribute_name: String,
    /// `HASH` for the partition key, `RANGE` for the sort key.
    pub key_type: String,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The binary of the function that it leads to.
    pub function: String,
    /// Method and path; `None` for the `$default` route.
    pub matches: Option<(String, String)>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Where the text is not a template.
    pub fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }

    /// The functions' resources by the names of their binaries.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<&str, &Resource> {
        let functions =
            self.resources.values().filter(|resource| resource.r#type == "AWS::Serverless::Function");
        functions.map(|function| (function.metadata.build_properties.binary.as_str(), function)).collect()
    }

    /// The routes of the HTTP API.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let routes = self.functions().into_iter().flat_map(|(function, resource)| {
            let events = resource.properties.events.values().filter(|event| event.r#type == "HttpApi");
            events.map(move |Event { properties: EventProperties { method, path }, .. }| Route {
                function: function.to_owned(),
                matches: method.clone().zip(path.clone()),
            })
        });
        routes.collect()
    }

    /// What pages of other servers may do, if any is allowed.
    #[must_use]
    pub fn cors(&self) -> Option<&CorsConfiguration> {
        let configured =
            self.resources.values().find_map(|resource| resource.properties.cors_configuration.as_ref());
        configured.map(|(_, cors, _)| cors)
    }

    /// How long a function may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.globals.function.timeout)
    }
}
