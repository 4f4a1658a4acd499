//! The only source of time, so that tests can turn it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::domain::Timestamp;

/// How far the clocks of writers and readers may differ. What a caller has just written is not in the future for
/// another reader, and what was decided before an end does not count as decided after it.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// The system's clocks, plus an offset that only tests set. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    wall_offset_ms: Arc<AtomicI64>,
    monotonic_offset_ms: Arc<AtomicI64>,
}

/// One reading of both clocks. A frozen execution environment may stop either of them, and an
/// operator or NTP may set the wall clock back, so ages are taken on both.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clock {
    /// A reading of both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let ahead = self.monotonic_offset_ms.load(Ordering::Relaxed);
        Moment {
            wall: Timestamp::from_millis(
                millis.saturating_add_signed(self.wall_offset_ms.load(Ordering::Relaxed)),
            ),
            monotonic: Instant::now() + Duration::from_millis(ahead.unsigned_abs()),
        }
    }

    /// The wall clock's reading.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.now().wall
    }

    /// Lets `by` pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.monotonic_offset_ms.fetch_add(millis, Ordering::Relaxed);
        self.shift_wall(millis);
    }

    /// Moves the wall clock alone, by milliseconds; negative is back.
    pub fn shift_wall(&self, by_ms: i64) {
        self.wall_offset_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Moment {
    /// Whether less than `limit` has passed since this moment on the clock that saw more of it.
    /// A wall clock that reads earlier than before has been set, so nothing is known: not within.
    #[must_use]
    pub fn is_within(self, limit: Duration, now: Self) -> bool {
        let wall = now.wall.as_millis().checked_sub(self.wall.as_millis()).map(Duration::from_millis);
        wall.is_some_and(|age| age < limit) && now.monotonic.saturating_duration_since(self.monotonic) < limit
    }
}
