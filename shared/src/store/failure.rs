//! What the SDK's errors mean to the service.

use aws_sdk_dynamodb::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};

use crate::{Error, error::Fault};

/// Stands for an answer without a code: not DynamoDB's, whatever its status.
const GARBAGE: &str = "no answer of DynamoDB's";

/// Codes of a database that is there but can't serve now. The SDK has retried them already.
const TRANSIENT: [&str; 9] = [
    GARBAGE,
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

pub fn error<E, R>(operation: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error {
        SdkError::TimeoutError(_) => Error::Timeout(Fault(format!("{operation}: no answer in time"))),
        // Whether refused, reset or closed before the answer: the SDK does not tell these apart
        // reliably. An answer that is no answer counts as none.
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Error::Unavailable(Fault(format!("{operation}: {}", DisplayErrorContext(error))))
        }
        SdkError::ServiceError(context) => {
            // Only code and message: an error's debug output can carry items.
            let code = context.err().code().unwrap_or(GARBAGE);
            let fault =
                Fault(format!("{operation}: {code}: {}", context.err().message().unwrap_or_default()));
            if TRANSIENT.contains(&code) { Error::Unavailable(fault) } else { Error::Unexpected(fault) }
        }
        _ => Error::unexpected(format!("{operation}: {}", DisplayErrorContext(error))),
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
