//! Erases all that is held on a customer.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use shared::{
    clock::CLOCK_SKEW,
    domain::Customer,
    store::{ItemCounts, Store, client::READ_DEADLINE},
};

use super::{
    super::{database::retry_while_unavailable, progress},
    CustomersError, named,
};
use crate::output;

/// [`ItemCounts`] in words.
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub ItemCounts);

/// Erases, after a question on the terminal unless `yes` answers it. An erasure that was stopped goes on, even
/// where nothing but its fence is left. Returns whether there was anything.
///
/// # Errors
/// [`CustomersError`]. After [`CustomersError::Stopped`], a part of the items may be erased.
pub(super) async fn erase(store: &Store, customer: &Customer, yes: bool) -> Result<bool, CustomersError> {
    let there = store.count_items(customer).await?;
    if there.total() == 0 && !store.is_being_erased(customer).await? {
        output::line(format_args!("nothing is held on {}", named(customer)))?;
        return Ok(false);
    }
    if !yes && there.total() > 0 {
        ask(customer, there)?;
    }
    let bar = progress::of_items(u64::try_from(there.total()).ok(), "erased");
    let mut done = ItemCounts::default();
    let all = erase_all(store, customer, |erased| {
        done += erased;
        bar.inc(u64::try_from(erased.total()).unwrap_or(u64::MAX));
    });
    if let Err(source) = all.await {
        return Err(CustomersError::Stopped { done: Shown(done), source: source.into() });
    }
    bar.finish_and_clear();
    output::line(format_args!("erased of {}: {}", named(customer), Shown(done)))?;
    Ok(true)
}

async fn erase_all(
    store: &Store,
    customer: &Customer,
    mut note: impl FnMut(ItemCounts),
) -> shared::Result<()> {
    let (erasure, mut erased) = retry_while_unavailable(|| store.begin_erasure(customer)).await?;
    note(erased);
    loop {
        erased = retry_while_unavailable(|| store.erase_some(&erasure)).await?;
        if erased.total() == 0 {
            break;
        }
        note(erased);
    }
    // Reads that began while there was something left find the fence at their end as well.
    tokio::time::sleep(READ_DEADLINE).await;
    retry_while_unavailable(|| store.end_erasure(&erasure)).await?;
    // Afterwards the gate is open to every writer, even to one whose clock is behind.
    tokio::time::sleep(CLOCK_SKEW).await;
    Ok(())
}

fn ask(customer: &Customer, there: ItemCounts) -> Result<(), CustomersError> {
    if !io::stdin().is_terminal() {
        return Err(CustomersError::NobodyToAsk);
    }
    let (mut terminal, mut answer) = (io::stderr(), String::new());
    let question = "Erase all of it for good? [y/N]";
    write!(terminal, "On {} there are {}.\n{question} ", named(customer), Shown(there))
        .and_then(|()| terminal.flush())
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(CustomersError::Terminal)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CustomersError::Declined),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ItemCounts { categories, tombstones, changes, remembered } = self.0;
        let counted = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        let categories = counted(categories, "category", "categories");
        let tombstones = counted(tombstones, "tombstone of a deleted one", "tombstones of deleted ones");
        write!(f, "{categories}, {tombstones}, {}", counted(changes, "change", "changes"))?;
        match remembered {
            0 => Ok(()),
            _ => write!(f, ", {}", counted(remembered, "remembered request", "remembered requests")),
        }
    }
}
