//! Options of `catalogue`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::domain::{OrgId, Policy};

use super::{LinesOptions, TableOptions};

/// Which table, and what to do.
#[derive(Args, Clone, Debug)]
pub struct CatalogueOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// What to do.
    #[command(subcommand)]
    pub command: CatalogueCommand,
}

/// What to do with an organisation's catalogue.
#[derive(Clone, Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Show or set what becomes of categories that the catalogue does not define
    Policy {
        /// The organisation
        #[arg(long, value_parser = OrgId::parse)]
        org: OrgId,

        /// Accept or reject them from now on; it takes up to 30 seconds to hold everywhere. Shows what
        /// holds, if left out
        #[arg(long, value_name = "accept|reject", value_parser = Policy::parse)]
        unknown: Option<Policy>,
    },
    /// Define categories, out of a file with one JSON object per line
    Import {
        /// File with one JSON object per line: what the body of a POST of a definition has; or what
        /// `catalogue survey --draft` wrote. `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// Where the lines belong.
        #[command(flatten)]
        lines: LinesOptions,
    },
    /// Show what customers carry beside what the catalogue says of it. It reads the whole table
    Survey {
        /// The organisation whose customers they are
        #[arg(long, value_parser = OrgId::parse)]
        org: OrgId,

        /// File to write, which must not exist yet: a definition for each category that is carried but not
        /// defined, as `catalogue import` takes it
        #[arg(long, value_name = "FILE")]
        draft: Option<PathBuf>,
    },
}
