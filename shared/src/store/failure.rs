//! What the SDK's errors mean to the service.

use aws_sdk_dynamodb::{
    config::retry::{ClassifyRetry, RetryAction},
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use aws_smithy_runtime_api::client::{interceptors::context::InterceptorContext, orchestrator::HttpResponse};

use crate::{Error, error::Fault};

/// Stands for an answer without a code: not DynamoDB's, whatever its status.
const GARBAGE: &str = "no answer of DynamoDB's";

/// Codes, with a status below 500, of a database that is there but can't serve now. The SDK has retried
/// them already.
const TRANSIENT: [&str; 7] = [
    GARBAGE,
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// Why an item had its transaction cancelled, where the database can't serve it now.
pub const THROTTLED: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

pub fn error<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::TimeoutError(_) => Error::Timeout(Fault::new(format!("{operation}: no answer in time"))),
        // Whether refused, reset or closed before the answer: the SDK does not tell these apart
        // reliably. An answer that is no answer counts as none.
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Error::Unavailable(Fault::caused_by(operation, error))
        }
        SdkError::ServiceError(context) => {
            // Only code and message: an error's debug output can carry items.
            let code = context.err().code().unwrap_or(GARBAGE);
            let message = context.err().message().unwrap_or_default();
            let fault = Fault::new(format!("{operation}: {code}: {message}"));
            let is_servers = context.raw().status().is_server_error();
            if is_servers || TRANSIENT.contains(&code) {
                Error::Unavailable(fault)
            } else {
                Error::Unexpected(fault)
            }
        }
        _ => Error::Unexpected(Fault::caused_by(operation, error)),
    }
}

/// Has the SDK send a transaction again that was cancelled because of throttling and for no other
/// reason. By itself it does so only if the request as a whole was throttled.
#[derive(Debug)]
pub struct ThrottledTransaction;

impl ClassifyRetry for ThrottledTransaction {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let error = error.and_then(|error| error.as_operation_error()?.downcast_ref());
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error else {
            return RetryAction::NoActionIndicated;
        };
        let codes = cancelled.cancellation_reasons().iter().filter_map(CancellationReason::code);
        let mut against = codes.filter(|code| *code != "None").peekable();
        if against.peek().is_some() && against.all(|code| THROTTLED.contains(&code)) {
            RetryAction::throttling_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "ThrottledTransaction"
    }
}

/// The reasons, one per item in the order of the transaction, where it was cancelled.
pub fn cancellation<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}
