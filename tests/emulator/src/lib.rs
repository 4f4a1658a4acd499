//! What surrounds a function on Lambda, for tests and benchmarks that run its own binary: the
//! Runtime API, and DynamoDB behind TLS.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test fails by panicking"
)]

mod database;
mod runtime_api;

pub use database::{Call, Database, Served};
pub use runtime_api::{Invocation, RuntimeApi};

use tokio::{net::TcpListener, task::JoinHandle};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A task that ends when dropped.
#[derive(Debug)]
struct Background(JoinHandle<()>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
