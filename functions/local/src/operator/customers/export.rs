//! Writes all that is held on a customer, one JSON object per line.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;
use shared::{
    domain::{CategoryId, Customer, Record, Revision, Timestamp},
    http::response::{CategoryMembers, HistoryEntryBody, RecordBody},
    store::{Held, Store},
};

use super::{super::files::NewFile, CustomersError, named};
use crate::output::{json_line, remark};

/// A line of an export.
#[derive(Serialize)]
pub(in super::super) struct Line<'a> {
    org_id: String,
    customer_id: String,
    #[serde(flatten)]
    held: Exported<'a>,
}

impl<'a> Line<'a> {
    pub(in super::super) fn new(customer: &Customer, held: &'a Held) -> Self {
        Self { org_id: customer.org.to_string(), customer_id: customer.id.to_string(), held: held.into() }
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Exported<'a> {
    Category {
        #[serde(flatten)]
        category: RecordBody<CategoryMembers<'a>>,
        revision: Revision,
    },
    DeletedCategory {
        id: CategoryId,
        deleted_at: Timestamp,
        revision: Revision,
    },
    Change(HistoryEntryBody<'a, CategoryMembers<'a>>),
    RememberedRequest {
        /// The change that was made for it.
        revision: Revision,
    },
}

impl<'a> From<&'a Held> for Exported<'a> {
    fn from(held: &'a Held) -> Self {
        match held {
            Held::Record(Record::Live(category)) => {
                Self::Category { category: category.into(), revision: category.revision }
            }
            Held::Record(Record::Deleted { id, revision }) => {
                Self::DeletedCategory { id: *id, deleted_at: revision.timestamp(), revision: *revision }
            }
            Held::Change(entry) => Self::Change(entry.into()),
            Held::Remembered(remembered) => Self::RememberedRequest { revision: remembered.revision },
        }
    }
}

/// Exports to the file `output`, or to standard output. `data` is the local engine's data file. Returns whether anything
/// is held.
///
/// # Errors
/// [`CustomersError`]; then there is no file.
pub(super) async fn export(
    store: &Store,
    customer: &Customer,
    output: Option<&Path>,
    data: &Path,
) -> Result<bool, CustomersError> {
    let Some(path) = output else {
        let failed = |source| CustomersError::Output { path: "standard output".into(), source };
        return write_items(store, customer, io::stdout(), failed).await;
    };
    let failed = |source| CustomersError::Output { path: path.to_owned(), source };
    let mut file = NewFile::create_new(path, data).map_err(failed)?;
    let held = write_items(store, customer, &mut file, failed).await?;
    file.place().map_err(failed)?;
    Ok(held)
}

async fn write_items(
    store: &Store,
    customer: &Customer,
    output: impl Write,
    failed: impl Fn(io::Error) -> CustomersError,
) -> Result<bool, CustomersError> {
    let mut output = BufWriter::new(output);
    let mut lines = 0_usize;
    let mut items = store.customer_items(customer);
    while let Some(page) = items.next().await? {
        for held in &page {
            json_line(&mut output, &Line::new(customer, held)).map_err(&failed)?;
        }
        lines += page.len();
    }
    output.flush().map_err(&failed)?;
    let named = named(customer);
    let is_being_erased = store.is_being_erased(customer).await?;
    if is_being_erased {
        remark(format_args!(
            "An erasure of {named} has begun and has not come to its end; `customers erase` completes it."
        ));
    } else if lines == 0 {
        remark(format_args!("Nothing is held on {named}."));
    }
    Ok(lines > 0 || is_being_erased)
}
