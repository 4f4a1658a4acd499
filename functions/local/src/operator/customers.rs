//! The operator's commands for all that is held on one customer.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shared::{
    clock::Clock,
    domain::{
        Attributes, Category, CategoryId, ChangeKind, Customer, Description, HistoryEntry, Reason, Record,
        Revision, Timestamp, Value,
    },
    store::{Held, ItemCounts, Store},
};
use tempfile::NamedTempFile;

use super::database::{self, DatabaseError, retry_while_unavailable};
use crate::options::{CustomerOptions, CustomersCommand, CustomersOptions, EngineOptions};

/// Why a command did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum CustomersError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("nobody is there to be asked; `--yes` erases without asking")]
    NobodyToAsk,
    #[error("nothing has been erased")]
    Declined,
    #[error("{} can't be written: {source}", path.display())]
    Output { path: PathBuf, source: io::Error },
    #[error("the terminal can't be read or written: {0}")]
    Terminal(#[source] io::Error),
    #[error("the erasure stopped after {done}; run it again for the rest: {source}")]
    Stopped { done: Shown, source: DatabaseError },
}

impl From<shared::Error> for CustomersError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// [`ItemCounts`] in words.
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub ItemCounts);

/// A line of an export.
#[derive(Serialize)]
struct Line<'a> {
    org_id: &'a str,
    customer_id: &'a str,
    #[serde(flatten)]
    held: Exported<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Exported<'a> {
    Category {
        id: CategoryId,
        #[serde(flatten)]
        attributes: Texts<'a>,
        created_at: Timestamp,
        updated_at: Timestamp,
        revision: Revision,
    },
    DeletedCategory {
        id: CategoryId,
        deleted_at: Timestamp,
        revision: Revision,
    },
    Change {
        id: CategoryId,
        change: ChangeKind,
        #[serde(flatten)]
        attributes: Texts<'a>,
        previous: Option<Texts<'a>>,
        changed_at: Timestamp,
        changed_by: &'a str,
        revision: Revision,
    },
    RememberedRequest {
        revision: Revision,
    },
}

#[derive(Serialize)]
struct Texts<'a> {
    value: Option<&'a Value>,
    description: Option<&'a Description>,
    reason: Option<&'a Reason>,
}

impl<'a> From<&'a Attributes> for Texts<'a> {
    fn from(Attributes { value, description, reason }: &'a Attributes) -> Self {
        Self { value: value.as_ref(), description: description.as_ref(), reason: reason.as_ref() }
    }
}

impl<'a> From<&'a Held> for Exported<'a> {
    fn from(held: &'a Held) -> Self {
        match held {
            Held::Record(Record::Live(category)) => {
                let Category { id, attributes, revision, .. } = category;
                Self::Category {
                    id: *id,
                    attributes: attributes.into(),
                    created_at: category.created_at(),
                    updated_at: category.updated_at(),
                    revision: *revision,
                }
            }
            Held::Record(Record::Deleted { id, revision }) => {
                Self::DeletedCategory { id: *id, deleted_at: revision.timestamp(), revision: *revision }
            }
            Held::Remembered(remembered) => Self::RememberedRequest { revision: remembered.revision },
            Held::Change(entry) => {
                let HistoryEntry { id, change, attributes, previous, changed_by, revision, .. } = entry;
                Self::Change {
                    id: *id,
                    change: *change,
                    attributes: attributes.into(),
                    previous: previous.as_ref().map(Into::into),
                    changed_at: entry.changed_at(),
                    changed_by,
                    revision: *revision,
                }
            }
        }
    }
}

/// Runs a command. What it has to show is on standard output, remarks are on standard error.
///
/// # Errors
/// [`CustomersError`].
pub async fn run(options: &CustomersOptions, engine: &EngineOptions) -> Result<(), CustomersError> {
    let (store, _engine) = database::open(options.table.remote(), engine, &Clock::default()).await?;
    match &options.command {
        CustomersCommand::Export { customer, output } => {
            export(&store, &customer.customer(), output.as_deref()).await
        }
        CustomersCommand::Erase { customer, yes } => erase(&store, &customer.customer(), *yes).await,
    }
}

async fn export(store: &Store, customer: &Customer, output: Option<&Path>) -> Result<(), CustomersError> {
    let Some(path) = output else {
        let failed = |source| CustomersError::Output { path: "standard output".into(), source };
        return write_items(store, customer, io::stdout(), failed).await;
    };
    let failed = |source| CustomersError::Output { path: path.to_owned(), source };
    // Only a whole export gets the name, and only its owner may read it.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    write_items(store, customer, &file, failed).await?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    Ok(())
}

async fn write_items(
    store: &Store,
    customer: &Customer,
    output: impl Write,
    failed: impl Fn(io::Error) -> CustomersError,
) -> Result<(), CustomersError> {
    let (org_id, customer_id) = (customer.org.to_string(), customer.id.to_string());
    let mut output = BufWriter::new(output);
    let mut lines = 0_usize;
    let mut stock = store.stock(customer);
    while let Some(page) = stock.next().await? {
        for held in &page {
            let line = Line { org_id: &org_id, customer_id: &customer_id, held: held.into() };
            serde_json::to_writer(&mut output, &line).map_err(|error| failed(error.into()))?;
            output.write_all(b"\n").map_err(&failed)?;
        }
        lines += page.len();
    }
    output.flush().map_err(&failed)?;
    if lines == 0 {
        eprintln!("Nothing is held on {}.", named(customer));
    }
    Ok(())
}

async fn erase(store: &Store, customer: &Customer, yes: bool) -> Result<(), CustomersError> {
    let there = store.count_items(customer).await?;
    if there.total() == 0 {
        println!("nothing is held on {}", named(customer));
        return Ok(());
    }
    if !yes {
        ask(customer, there)?;
    }
    let bar = ProgressBar::new(u64::try_from(there.total()).unwrap_or(u64::MAX));
    // The template is valid, and the bar only an ornament.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} erased") {
        bar.set_style(style);
    }
    let mut done = ItemCounts::default();
    loop {
        match retry_while_unavailable(|| store.erase_some(customer)).await {
            Err(source) => return Err(CustomersError::Stopped { done: Shown(done), source: source.into() }),
            Ok(erased) if erased.total() == 0 => break,
            Ok(erased) => {
                done += erased;
                bar.inc(u64::try_from(erased.total()).unwrap_or(u64::MAX));
            }
        }
    }
    bar.finish_and_clear();
    println!("erased of {}: {}", named(customer), Shown(done));
    Ok(())
}

fn ask(customer: &Customer, there: ItemCounts) -> Result<(), CustomersError> {
    if !io::stdin().is_terminal() {
        return Err(CustomersError::NobodyToAsk);
    }
    eprint!("On {} there are {}.\nErase all of it for good? [y/N] ", named(customer), Shown(there));
    let mut answer = String::new();
    io::stderr()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(CustomersError::Terminal)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CustomersError::Declined),
    }
}

fn named(Customer { org, id }: &Customer) -> String {
    format!("customer {id} of {org}")
}

impl CustomerOptions {
    fn customer(&self) -> Customer {
        Customer { org: self.org.clone(), id: self.customer }
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
        let tombstones = counted(tombstones, "remainder of a deleted one", "tombstones of deleted ones");
        let changes = counted(changes, "change", "changes");
        write!(
            f,
            "{categories}, {tombstones}, {changes}, {}",
            counted(remembered, "remembered request", "remembered requests")
        )
    }
}
