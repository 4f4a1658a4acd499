//! What is logged: one line per request, which carries its metrics too, and whatever else happens.
//!
//! Logged are names and numbers, never a key, a customer or what is said of one.

mod json;
mod meter;
mod request_log;

use std::{env, io, panic};

use tracing::{Subscriber, level_filters::LevelFilter, subscriber::set_global_default};
use tracing_subscriber::{Layer, filter::Targets, fmt};

pub use json::JsonLines;
pub use meter::Meter;
pub use request_log::{RequestLog, TARGET};
pub(crate) use request_log::{
    conflict, key_looked_up, org, outcome_resolved, panic_place, request_id, used_key,
};

/// What metrics go by unless `METRICS_NAMESPACE` says otherwise.
const DEFAULT_NAMESPACE: &str = "customers-categories";

/// Logs to standard output as Lambda's logging configuration says: `AWS_LAMBDA_LOG_FORMAT` `JSON`
/// or text, which carries no metrics, from `AWS_LAMBDA_LOG_LEVEL` on.
pub fn init() {
    let level = level(&env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let json = env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("JSON"));
    if json {
        let namespace = env::var("METRICS_NAMESPACE").ok().filter(|name| !name.is_empty());
        let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        to(JsonLines::new(io::stdout, namespace), targets(level));
    } else {
        let lines = fmt().compact().with_ansi(false).with_target(false).with_max_level(level);
        to(lines.finish(), targets(level));
    }
}

/// The level of this name; INFO where there is none, as in Lambda. It has one above all of ours, too,
/// which nothing here reaches.
fn level(name: &str) -> LevelFilter {
    match name {
        "" => LevelFilter::INFO,
        "FATAL" => LevelFilter::OFF,
        name => name.parse().unwrap_or(LevelFilter::INFO),
    }
}

/// The service's events from `level` on. Of the libraries only errors are of interest: the SDK
/// warns of every condition that fails, which here is an answer like any other.
#[must_use]
pub fn targets(level: LevelFilter) -> Targets {
    let ours = ["shared", "customers_categories", TARGET].map(|target| (target, level));
    Targets::new().with_default(LevelFilter::ERROR.min(level)).with_targets(ours)
}

/// Sends the events of `targets` to `lines`.
pub fn to(lines: impl Subscriber + Send + Sync, targets: Targets) {
    // Fails only where a subscriber is set already, which then does the logging.
    let _already_set = set_global_default(targets.with_subscriber(lines));
    log_panics();
}

/// A panic's message can quote what a caller sent, so only its place is logged.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(request_id = request_id(), "panicked at {place}");
        request_log::panicked_at(place);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_lambdas() {
        for (name, expected) in [
            ("TRACE", LevelFilter::TRACE),
            ("DEBUG", LevelFilter::DEBUG),
            ("INFO", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("FATAL", LevelFilter::OFF),
            ("", LevelFilter::INFO),
            ("LOUD", LevelFilter::INFO),
        ] {
            assert_eq!(level(name), expected, "{name}");
        }
    }
}
