//! Events as lines of JSON, with `timestamp` and `level` on top as Lambda's log-level filter needs
//! them. The line of a request is in CloudWatch's embedded metric format as well, so that its
//! metrics cost no call.

use std::{
    fmt,
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::fmt::MakeWriter;

use super::TARGET;
use crate::domain::Timestamp;

/// Longer than nearly every line.
const LINE_CAPACITY_BYTES: usize = 1024;

/// The fields of a request's line that are metrics, where they are there. Their dimensions have
/// few values: functions, and classes of status.
const METRICS: [Metric; 4] = [
    Metric { name: "duration_ms", unit: "Milliseconds", dimensions: &["operation", "status_class"] },
    Metric { name: "conflicts", unit: "Count", dimensions: &["operation"] },
    Metric { name: "outcomes_resolved", unit: "Count", dimensions: &["operation"] },
    Metric { name: "changes_failed", unit: "Count", dimensions: &["operation"] },
];

struct Metric {
    name: &'static str,
    unit: &'static str,
    dimensions: &'static [&'static str],
}

/// Writes each event as one line of JSON. There are no spans in it: none is needed to tell which request
/// a line is about, and a registry of them would have to be made at every start.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
    namespace: String,
}

impl<W> JsonLines<W> {
    /// Lines to `writer`, whose metrics go into the namespace.
    pub fn new(writer: W, namespace: String) -> Self {
        Self { writer, namespace }
    }

    fn line(&self, event: &Event<'_>) -> serde_json::Result<Vec<u8>> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
        let mut line = Vec::with_capacity(LINE_CAPACITY_BYTES);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("timestamp", &now)?;
        members.serialize_entry("level", event.metadata().level().as_str())?;
        let mut fields = Fields { members, metrics: [false; METRICS.len()], done: Ok(()) };
        event.record(&mut fields);
        let Fields { mut members, metrics, done } = fields;
        done?;
        if event.metadata().target() == TARGET {
            let namespace = self.namespace.as_str();
            members
                .serialize_entry("_aws", &Metadata { now, directives: Directives { namespace, metrics } })?;
        } else {
            members.serialize_entry("target", event.metadata().target())?;
        }
        SerializeMap::end(members)?;
        line.push(b'\n');
        Ok(line)
    }
}

impl<W> Subscriber for JsonLines<W>
where
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        if let Ok(line) = self.line(event) {
            // In one piece, so in one system call. Where it fails there is no log left to say so.
            let _lost = self.writer.make_writer_for(event.metadata()).write_all(&line);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's fields on their way into the line.
struct Fields<M: SerializeMap> {
    members: M,
    /// Which of [`METRICS`] are there.
    metrics: [bool; METRICS.len()],
    done: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn add(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        for (metric, there) in METRICS.iter().zip(&mut self.metrics) {
            *there |= metric.name == field.name();
        }
        if self.done.is_ok() {
            self.done = self.members.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format_args!("{value:?}"));
    }
}

/// The embedded metric format's member of its own.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "Timestamp", serialize_with = "millis")]
    now: Timestamp,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Directives<'a>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn millis<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(timestamp.as_millis())
}

struct Directives<'a> {
    namespace: &'a str,
    metrics: [bool; METRICS.len()],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [&'a [&'a str]; 1],
    metrics: [Definition<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition<'a> {
    name: &'a str,
    unit: &'a str,
}

impl Serialize for Directives<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut directives = serializer.serialize_seq(None)?;
        for (Metric { name, unit, dimensions }, _) in
            METRICS.iter().zip(self.metrics).filter(|(_, there)| *there)
        {
            directives.serialize_element(&Directive {
                namespace: self.namespace,
                dimensions: [dimensions],
                metrics: [Definition { name, unit }],
            })?;
        }
        directives.end()
    }
}
