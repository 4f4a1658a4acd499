//! The deployed stack's template, which the local gateway takes its routes from.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

/// The text of `template.yaml`.
pub const TEXT: &str = include_str!("../../../../template.yaml");

/// As much of the template as the gateway needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    globals: Globals,
    resources: BTreeMap<String, Resource>,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    properties: Properties,
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

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Properties {
    events: BTreeMap<String, Event>,
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

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The binary of the function that it leads to.
    pub function: String,
    /// Method and path; `None` for the `$default` route.
    pub matches: Option<(String, String)>,
}

/// The HTTP API that a template describes.
#[derive(Debug)]
pub struct HttpApi {
    pub routes: Vec<Route>,
    /// How long a function may take.
    pub timeout: Duration,
}

impl HttpApi {
    /// Reads the `HttpApi` events of a template.
    ///
    /// # Errors
    /// Where the text is not a template.
    pub fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        let Template { globals, resources } = serde_saphyr::from_str(text)?;
        let functions =
            resources.into_values().filter(|resource| resource.r#type == "AWS::Serverless::Function");
        let routes = functions.flat_map(|Resource { metadata, properties, .. }| {
            let events = properties.events.into_values().filter(|event| event.r#type == "HttpApi");
            events.map(move |event| Route {
                function: metadata.build_properties.binary.clone(),
                matches: event.properties.method.zip(event.properties.path),
            })
        });
        Ok(Self { routes: routes.collect(), timeout: Duration::from_secs(globals.function.timeout) })
    }
}
