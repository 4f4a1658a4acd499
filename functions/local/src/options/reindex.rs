//! Options of `reindex`.

use clap::Args;

use super::TableOptions;

/// Which table.
#[derive(Args, Clone, Debug)]
pub struct ReindexOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,
}
