//! What the fuzz targets have in common.

pub mod mutator;
pub mod oracles;

/// What the targets share with the end-to-end suite.
#[path = "../end_to_end/support"]
pub mod support {
    pub mod description;
}

use std::{panic, process, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, config::timeout::TimeoutConfig};
use customers_categories::{
    Data, Engine,
    server::{self, engine::ANY_LOCAL_PORT},
};
use shared::{App, clock::Clock, store::Store};
use tokio::runtime::{Builder, Runtime};

use self::oracles::Subject;

/// The service over an engine of its own. Everything happens on the caller's thread, but for the
/// engine, and all inputs share one.
pub struct Harness {
    runtime: Runtime,
    subject: Subject,
    _engine: Engine,
}

impl Harness {
    #[must_use]
    pub fn start() -> Self {
        abort_on_panics();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::start(&Data::Memory, ANY_LOCAL_PORT, &[]).unwrap();
        // A machine that has other things to do is no finding.
        let patience = TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build();
        let config = server::client_config(engine.url()).timeout_config(patience);
        let (client, tables, clock) = (Client::from_conf(config.build()), server::tables(), Clock::default());
        let store = Store::new(client.clone(), tables.clone(), clock.clone());
        let subject = runtime.block_on(async {
            server::prepare(&store, &clock).await.unwrap();
            let app = |_: &str| Arc::new(App::over_local_database(store.clone(), clock.clone(), "/docs".into()));
            Subject::new(app, client, tables, &store, &clock).await
        });
        Self { runtime, subject, _engine: engine }
    }

    /// The status that was answered, as [`Subject::event`].
    pub fn event(&self, input: &str) -> Option<u16> {
        self.runtime.block_on(self.subject.event(input))
    }

    /// The status that was answered, as [`Subject::cursor`].
    pub fn cursor(&self, input: &str) -> Option<u16> {
        self.runtime.block_on(self.subject.cursor(input))
    }
}

/// A panic is a finding even where it is caught and answered, but for those in which `lambda_http`
/// refuses an event: they are answered 400, which the oracles see.
fn abort_on_panics() {
    panic::set_hook(Box::new(|panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !["/lambda_http-", "/aws_lambda_events-"].iter().any(|library| file.contains(library)) {
            eprintln!("{panic}");
            process::abort();
        }
    }));
}
