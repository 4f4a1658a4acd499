//! A test that waits for ever fails its program instead of hanging it.

use std::{
    io::{self, Write},
    process::{self, Command},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// Several times what the longest test takes on a machine that has other things to do.
const LONGEST: Duration = Duration::from_mins(10);

/// How long a test may run: ends the whole program and the processes that it has started where it isn't dropped in
/// time, because a thread can't be ended.
pub struct Limit(#[expect(dead_code, reason = "is dropped with the test")] Sender<()>);

impl Limit {
    /// For the test that this is called in.
    pub fn start() -> Self {
        let (running, ended) = mpsc::channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if ended.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                // Past the harness, which keeps what a test prints until the test ends.
                let _nobody_reads = writeln!(io::stderr(), "{test} has not ended in {LONGEST:?}");
                // Its processes would go on, and keep whoever reads what they print waiting.
                let own = process::id().to_string();
                let _there_may_be_none = Command::new("pkill").args(["-KILL", "-P", &own]).status();
                process::exit(101);
            }
        });
        Self(running)
    }
}
