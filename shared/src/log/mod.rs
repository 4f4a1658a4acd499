//! What is logged: one line per request, of which CloudWatch makes metrics, and whatever else happens.
//!
//! Logged are names and numbers, never a key, a customer's id or what is said of one.

mod json;
mod meter;
mod request_log;

use std::{io, panic};

use tracing::{Subscriber, level_filters::LevelFilter, subscriber::set_global_default};
use tracing_subscriber::{Layer, filter::Targets, fmt};

use crate::config::Logging;

pub use json::JsonLines;
pub use meter::Meter;
pub use request_log::{AUDIT_TARGET, Failure, RequestIds, RequestLog, TARGET};
pub(crate) use request_log::{
    changed, conflict, customer, key_looked_up, not_changed, org, outcome_resolved, panic_place,
    reads_customers, request_id, used_key,
};

/// Logs to standard output as Lambda's logging configuration says: JSON or text, from the configured level on.
pub fn init(logging: &Logging) {
    let level = level(&logging.level);
    if logging.json {
        to(JsonLines::new(io::stdout), targets(level));
    } else {
        let lines = fmt().compact().with_ansi(false).with_target(false).with_max_level(LevelFilter::TRACE);
        to(lines.finish(), targets(level));
    }
}

/// The level of this name; INFO where there is none, as in Lambda. Lambda's FATAL is above every level
/// here, so it turns the log off.
fn level(name: &str) -> LevelFilter {
    match name {
        "" => LevelFilter::INFO,
        "FATAL" => LevelFilter::OFF,
        name => name.parse().unwrap_or(LevelFilter::INFO),
    }
}

/// The service's events from `level` on, and who read what is held of a customer at every level. Of the libraries only
/// errors are of interest: the SDK warns of every condition that fails, which here is an answer like any other.
#[must_use]
pub fn targets(level: LevelFilter) -> Targets {
    let ours = ["shared", "customers_categories", TARGET].map(|target| (target, level));
    let others = Targets::new().with_default(LevelFilter::ERROR.min(level));
    others.with_targets(ours).with_target(AUDIT_TARGET, LevelFilter::INFO)
}

/// Sends the events of `targets` to `lines`.
pub fn to(lines: impl Subscriber + Send + Sync, targets: Targets) {
    // Fails only where a subscriber is set already, which then does the logging.
    let _already_set = set_global_default(filtered(lines, targets));
    log_panics();
}

/// The events of `targets` alone.
pub fn filtered(lines: impl Subscriber + Send + Sync, targets: Targets) -> impl Subscriber + Send + Sync {
    targets.with_subscriber(lines)
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
