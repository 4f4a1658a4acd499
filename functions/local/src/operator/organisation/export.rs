//! Writes all that an organisation has, one JSON object per line.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;
use shared::{
    domain::{CategoryId, OrgId, Policy, Record, Revision, Timestamp},
    http::response::{DefinitionMembers, HistoryEntryBody, RecordBody},
    store::{OfCustomers, OfOrg, ScanPosition, Store},
};

use super::{
    super::{customers::Line, files::NewFile, table},
    OrganisationError,
};
use crate::output::{json_line, remark};

/// A line about the organisation itself.
#[derive(Serialize)]
struct OrgLine<'a> {
    org_id: &'a OrgId,
    #[serde(flatten)]
    has: Exported<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Exported<'a> {
    Definition {
        #[serde(flatten)]
        definition: RecordBody<DefinitionMembers<'a>>,
        revision: Revision,
    },
    DeletedDefinition {
        id: CategoryId,
        deleted_at: Timestamp,
        revision: Revision,
    },
    DefinitionChange(HistoryEntryBody<'a, DefinitionMembers<'a>>),
    Policy {
        unknown: Policy,
    },
    ErasedCustomer {
        customer_hash: &'a str,
        erased_at: Timestamp,
    },
}

impl<'a> From<&'a OfOrg> for Exported<'a> {
    fn from(has: &'a OfOrg) -> Self {
        match has {
            OfOrg::Record(Record::Live(definition)) => {
                Self::Definition { definition: definition.into(), revision: definition.revision }
            }
            OfOrg::Record(Record::Deleted { id, revision }) => {
                Self::DeletedDefinition { id: *id, deleted_at: revision.timestamp(), revision: *revision }
            }
            OfOrg::Change(entry) => Self::DefinitionChange(entry.into()),
            OfOrg::Policy(policy) => Self::Policy { unknown: *policy },
        }
    }
}

/// Where an export goes.
struct Output<W> {
    writer: W,
    lines: u64,
}

impl<W: Write> Output<W> {
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.lines += 1;
        json_line(&mut self.writer, line)
    }
}

/// Begins the file that an export goes to, where there must be nothing.
///
/// # Errors
/// [`OrganisationError::Output`].
pub(super) fn begin(path: &Path, data: &Path) -> Result<NewFile, OrganisationError> {
    NewFile::create_new(path, data).map_err(|source| unwritten(path, source))
}

/// Exports to the file that was begun, or to standard output. Returns whether there is anything.
///
/// # Errors
/// [`OrganisationError`]; then there is no file.
pub(super) async fn export(
    store: &Store,
    org: &OrgId,
    file: Option<NewFile>,
) -> Result<bool, OrganisationError> {
    let Some(mut file) = file else {
        return write(store, org, io::stdout(), Path::new("standard output")).await;
    };
    let path = file.path().to_owned();
    let any = write(store, org, &mut file, &path).await?;
    file.place().map_err(|source| unwritten(&path, source))?;
    Ok(any)
}

async fn write(
    store: &Store,
    org: &OrgId,
    writer: impl Write,
    path: &Path,
) -> Result<bool, OrganisationError> {
    let failed = |source| unwritten(path, source);
    let mut output = Output { writer: BufWriter::new(writer), lines: 0 };
    let mut items = store.org_items(org);
    while let Some(page) = items.next().await? {
        for has in &page {
            output.write(&OrgLine { org_id: org, has: has.into() }).map_err(failed)?;
        }
    }
    let of_customers = async |from: Option<&ScanPosition>| store.items_of_customers(org, from).await;
    table::read(store, of_customers, async |found: Vec<OfCustomers>| {
        for item in &found {
            let written = match item {
                OfCustomers::Held(customer, held) => output.write(&Line::new(customer, held)),
                OfCustomers::Erased { digest, erased_at } => {
                    let has = Exported::ErasedCustomer { customer_hash: digest, erased_at: *erased_at };
                    output.write(&OrgLine { org_id: org, has })
                }
            };
            written.map_err(failed)?;
        }
        Ok::<_, OrganisationError>(())
    })
    .await?;
    output.writer.flush().map_err(failed)?;
    match output.lines {
        0 => remark(format_args!("The organisation {org} has nothing here.")),
        lines => remark(format_args!("{lines} lines; `import --with-history` takes them.")),
    }
    Ok(output.lines > 0)
}

fn unwritten(path: &Path, source: io::Error) -> OrganisationError {
    OrganisationError::Output { path: path.to_owned(), source }
}
