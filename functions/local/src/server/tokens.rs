//! The tokens by which the copies of a transaction are known: whoever got no answer sends it again with its token, and
//! it is carried out once.
//!
//! They are known for ten minutes, as in DynamoDB. The engine can do that too, but looks through all of them at each
//! transaction, and so gets slower the more it has written. Here it makes no difference how many there are.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use moka::future::Cache;
use serde_json::{Map, Value};

use super::connections::Failure;

/// How long a token is known.
const KNOWN_FOR: Duration = Duration::from_mins(10);

/// DynamoDB's limit. The engine refuses longer ones.
const MAX_TOKEN_BYTES: usize = 36;

const TRANSACTION: &[u8] = b"DynamoDB_20120810.TransactWriteItems";
const TOKEN: &str = "ClientRequestToken";

/// The transactions of one engine that were carried out, by their tokens.
#[derive(Clone, Debug)]
pub(super) struct Tokens(Cache<String, Done>);

/// A transaction whose token has been taken out.
pub(super) struct Transaction {
    token: String,
    hash: u64,
    /// The body without the token.
    body: Bytes,
}

/// A transaction that was carried out.
#[derive(Clone, Debug)]
struct Done {
    hash: u64,
    answer: Bytes,
}

/// Why a transaction was not carried out.
enum NotDone {
    Refused(Response<Bytes>),
    Failed(Failure),
}

impl Transaction {
    /// The transaction in a request; `None` where it is none, or has no token that the engine would accept.
    pub(super) fn in_request(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if headers.get("x-amz-target")?.as_bytes() != TRANSACTION {
            return None;
        }
        let mut members: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let Some(Value::String(token)) = members.remove(TOKEN) else { return None };
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        members.hash(&mut hasher);
        let body = serde_json::to_vec(&members).ok()?.into();
        Some(Self { token, hash: hasher.finish(), body })
    }
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self(Cache::builder().time_to_live(KNOWN_FOR).build())
    }

    /// Sends a transaction, unless a copy of it has been carried out; then the answer is that copy's. A copy that comes
    /// while another is under way waits for it. `None` where the token is another transaction's.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub(super) async fn once<Sending>(
        &self,
        transaction: Transaction,
        send: impl FnOnce(Bytes) -> Sending + Send + 'static,
    ) -> Result<Option<Response<Bytes>>, Failure>
    where
        Sending: Future<Output = Result<Response<Bytes>, Failure>> + Send,
    {
        let Self(done) = self.clone();
        let Transaction { token, hash, body } = transaction;
        let first = async move {
            let answer = send(body).await.map_err(NotDone::Failed)?;
            if answer.status() != StatusCode::OK {
                return Err(NotDone::Refused(answer));
            }
            // A copy, because the answer is a slice of all that was read from its connection.
            Ok(Done { hash, answer: Bytes::copy_from_slice(answer.body()) })
        };
        // A task of its own: the engine carries out what has reached it, also where the caller waits no longer, and the
        // caller's next copy has to find it.
        let done = tokio::spawn(async move { done.try_get_with(token, first).await }).await?;
        match done {
            Ok(done) if done.hash == hash => {
                let mut answer = Response::new(done.answer);
                let json = HeaderValue::from_static("application/x-amz-json-1.0");
                answer.headers_mut().insert(header::CONTENT_TYPE, json);
                Ok(Some(answer))
            }
            Ok(_) => Ok(None),
            Err(not_done) => match &*not_done {
                NotDone::Refused(answer) => Ok(Some(answer.clone())),
                NotDone::Failed(failure) => Err(failure.to_string().into()),
            },
        }
    }
}
