//! The progress bar of the commands that take long. It is on standard error, and only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts items up to `total`; `done` is what has been done to them, such as `erased`. Where their
/// number isn't known, it shows how many there have been so far.
#[must_use]
pub fn of_items(total: Option<u64>, done: &str) -> ProgressBar {
    match total {
        Some(total) => {
            styled(ProgressBar::new(total), &format!("{{wide_bar}} {{pos}} of {{len}} {done}, {{eta}} to go"))
        }
        None => styled(ProgressBar::new_spinner(), &format!("{{spinner}} {{pos}} {done} in {{elapsed}}")),
    }
}

/// Moves a bar of items on. There may be more of them than were counted: a table grows, and DynamoDB counts its items
/// every six hours.
pub fn advance(bar: &ProgressBar, items: u64) {
    bar.inc(items);
    if bar.length().is_some_and(|length| length < bar.position()) {
        bar.set_length(bar.position());
    }
}

/// A bar over the bytes of an input. Where their number isn't known, it shows how many it has been so far.
#[must_use]
pub fn of_bytes(total: Option<u64>) -> ProgressBar {
    match total {
        Some(total) => styled(ProgressBar::new(total), "{wide_bar} {bytes} of {total_bytes}, {eta} to go"),
        None => styled(ProgressBar::new_spinner(), "{spinner} {bytes} in {elapsed}"),
    }
}

/// The templates are valid. If one were not, the bar would have its usual looks.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
