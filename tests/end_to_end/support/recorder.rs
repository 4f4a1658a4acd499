//! What functions ask of DynamoDB: held against the policies that the template gives them, and
//! recorded, with what it consumes.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
    },
    error::BoxError,
    operation::{
        batch_get_item::BatchGetItemOutput, get_item::GetItemOutput, query::QueryOutput,
        transact_write_items::TransactWriteItemsOutput,
    },
    types::ConsumedCapacity,
};
use serde_json::Value;
use shared::store::Tables;

use crate::support::template::{self, Permit};

/// An attempt at a call. Units are right where calls don't overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: String,
    pub action: String,
    pub permits: BTreeSet<Permit>,
    pub units: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Call>>>);

impl Recorder {
    /// The calls since the last time.
    pub fn take(&self) -> Vec<Call> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

/// Does to a function's calls what IAM does.
#[derive(Debug)]
pub struct Enforcer {
    function: String,
    allowed: BTreeSet<Permit>,
    tables: Tables,
    recorder: Recorder,
}

impl Enforcer {
    pub fn new(function: &str, tables: &Tables, recorder: Recorder) -> Self {
        let allowed = template::permits(function);
        Self { function: function.to_owned(), allowed, tables: tables.clone(), recorder }
    }

    /// What a call needs to be allowed.
    fn needs(&self, action: &str, body: &Value) -> BTreeSet<Permit> {
        let table = |name: &Value| match name.as_str().unwrap() {
            name if name == self.tables.categories => "CategoriesTable".to_owned(),
            name if name == self.tables.keys => "KeysTable".to_owned(),
            other => panic!("no table of ours: {other}"),
        };
        if action == "BatchGetItem" {
            let tables = body["RequestItems"].as_object().unwrap().keys();
            return tables
                .map(|name| Permit {
                    action: action.to_owned(),
                    enclosing: None,
                    table: table(&name.as_str().into()),
                })
                .collect();
        }
        if action != "TransactWriteItems" {
            let index = body["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            let table = table(&body["TableName"]) + &index;
            let permit = Permit { action: action.to_owned(), enclosing: None, table };
            return BTreeSet::from([permit]);
        }
        let items =
            body["TransactItems"].as_array().unwrap().iter().flat_map(|item| item.as_object().unwrap());
        items
            .map(|(kind, item)| Permit {
                action: format!("{kind}Item"),
                enclosing: Some(action.to_owned()),
                table: table(&item["TableName"]),
            })
            .collect()
    }
}

fn units<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}

impl Intercept for Enforcer {
    fn name(&self) -> &'static str {
        "Enforcer"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap();
        let action = target.split('.').nth(1).unwrap().to_owned();
        let body = serde_json::from_slice(context.request().body().bytes().unwrap()).unwrap();
        let permits = self.needs(&action, &body);
        let refused: Vec<_> = permits.difference(&self.allowed).collect();
        assert!(refused.is_empty(), "template.yaml does not allow {}: {refused:?}", self.function);
        let function = self.function.clone();
        self.recorder.0.lock().unwrap().push(Call { function, action, permits, units: 0.0 });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let units = if let Some(output) = output.downcast_ref::<GetItemOutput>() {
            units(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
            units(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<QueryOutput>() {
            units(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            units(output.consumed_capacity())
        } else {
            0.0
        };
        if let Some(call) = self.recorder.0.lock().unwrap().last_mut() {
            call.units += units;
        }
        Ok(())
    }
}
