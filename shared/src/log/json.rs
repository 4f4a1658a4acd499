//! Events as lines of JSON, with `timestamp` and `level` on top as Lambda's log-level filter needs them.

use std::{
    fmt,
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{
    Serialize,
    ser::{SerializeMap, Serializer},
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
const LINE_CAPACITY_BYTES: usize = 512;

/// Writes each event as one line of JSON. There are no spans in it: none is needed to tell which request
/// a line is about, and a registry of them would have to be made at every start.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
}

impl<W> JsonLines<W> {
    /// Lines to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }

    fn line(event: &Event<'_>) -> serde_json::Result<Vec<u8>> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
        let mut line = Vec::with_capacity(LINE_CAPACITY_BYTES);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("timestamp", &now)?;
        members.serialize_entry("level", event.metadata().level().as_str())?;
        let mut fields = Fields { members, done: Ok(()) };
        event.record(&mut fields);
        let Fields { mut members, done } = fields;
        done?;
        if event.metadata().target() != TARGET {
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
        if let Ok(line) = Self::line(event) {
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
    done: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn add(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
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
