//! Options of `demo`.

use clap::Args;
use shared::domain::OrgId;

/// What to fill.
#[derive(Args, Clone, Debug)]
pub struct DemoOptions {
    /// The organisation, which must have no catalogue yet
    #[arg(long, value_parser = OrgId::parse, default_value = "demo")]
    pub org: OrgId,

    /// Customers to make
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 200,
        value_parser = clap::value_parser!(u16).range(1..=10_000)
    )]
    pub customers: u16,
}
