//! What a request asks of DynamoDB, counted where the SDK sends it.

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
            BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};

use super::request_log;

/// Counts calls and attempts, and has DynamoDB say what each call consumes. Calls outside a request
/// are left as they are.
#[derive(Debug)]
pub struct Meter;

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if request_log::call() {
            let total = Some(ReturnConsumedCapacity::Total);
            let input = context.input_mut();
            if let Some(input) = input.downcast_mut::<GetItemInput>() {
                input.return_consumed_capacity = total;
            } else if let Some(input) = input.downcast_mut::<BatchGetItemInput>() {
                input.return_consumed_capacity = total;
            } else if let Some(input) = input.downcast_mut::<QueryInput>() {
                input.return_consumed_capacity = total;
            } else if let Some(input) = input.downcast_mut::<TransactWriteItemsInput>() {
                input.return_consumed_capacity = total;
            }
        }
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        request_log::attempt();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(output) = output.downcast_ref::<GetItemOutput>() {
            request_log::consumed(units(output.consumed_capacity()), 0.0);
        } else if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
            request_log::consumed(units(output.consumed_capacity()), 0.0);
        } else if let Some(output) = output.downcast_ref::<QueryOutput>() {
            request_log::consumed(units(output.consumed_capacity()), 0.0);
        } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            request_log::consumed(0.0, units(output.consumed_capacity()));
        }
        Ok(())
    }
}

fn units<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}
