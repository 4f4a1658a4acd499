//! Options of `customers`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::domain::{Customer, CustomerId, OrgId};

use super::TableOptions;

/// Which table, and what to do.
#[derive(Args, Clone, Debug)]
pub struct CustomersOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// What to do.
    #[command(subcommand)]
    pub command: CustomersCommand,
}

impl CustomersOptions {
    /// Whether the command writes a file.
    #[must_use]
    pub fn writes_a_file(&self) -> bool {
        matches!(self.command, CustomersCommand::Export { output: Some(_), .. })
    }
}

/// What to do with all that is held on a customer.
#[derive(Clone, Debug, Subcommand)]
pub enum CustomersCommand {
    /// Write all that is held on a customer, one JSON object per line
    Export {
        /// Whose items.
        #[command(flatten)]
        customer: CustomerOptions,

        /// File to write, which must not exist yet; standard output, if left out
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erase a customer's categories and their history for good; killed midway, run it again
    Erase {
        /// Whose items.
        #[command(flatten)]
        customer: CustomerOptions,

        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which customer is meant.
#[derive(Args, Clone, Debug)]
pub struct CustomerOptions {
    /// The customer's organisation
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// The customer's UUID
    #[arg(long, value_name = "UUID", value_parser = CustomerId::parse)]
    pub customer: CustomerId,
}

impl CustomerOptions {
    /// The customer that is meant.
    #[must_use]
    pub fn customer(&self) -> Customer {
        Customer { org: self.org.clone(), id: self.customer }
    }
}
