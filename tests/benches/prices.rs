//! List prices, as `docs/deploy.md` has them.

use std::fs;

use crate::built;

const DOCUMENT: &str = "docs/deploy.md";

/// In USD.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// API Gateway, Lambda and both logs.
    request: f64,
    read_unit: f64,
    write_unit: f64,
    /// Lambda's duration, with the memory of a function.
    second: f64,
}

/// What requests take that are paid for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Use {
    pub requests: f64,
    /// Milliseconds of Lambda's duration, of all requests.
    pub billed: f64,
    pub read_units: f64,
    pub write_units: f64,
}

impl Prices {
    pub fn documented() -> Self {
        let document = fs::read_to_string(built::root().join(DOCUMENT)).unwrap();
        let formula = |row: &str| {
            let line = document.lines().find_map(|line| line.strip_prefix(&format!("| {row} | ")));
            let line = line.unwrap_or_else(|| panic!("{DOCUMENT} prices no {row}"));
            line.split(" | ").map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let first = |cell: &str| number(cell.split(' ').next().unwrap());
        let of_a_million = |row: &str| first(&formula(row)[1]) / 1e6;
        let unit = |row: &str| first(&formula(row)[0]) / 1e6;
        let duration = &formula("Lambda duration")[0];
        let (_, per_gb_second) = duration.rsplit_once(" × ").unwrap();
        Self {
            request: ["HTTP API", "Lambda requests", "Access log", "Request's line"]
                .into_iter()
                .map(of_a_million)
                .sum(),
            read_unit: unit("DynamoDB reads"),
            write_unit: unit("DynamoDB writes"),
            second: first(duration) * first(per_gb_second),
        }
    }

    /// Of Lambda's duration alone.
    pub fn of_duration(self, used: Use) -> f64 {
        used.billed / 1000.0 * self.second
    }

    /// All in.
    pub fn of(self, used: Use) -> f64 {
        used.requests * self.request
            + self.of_duration(used)
            + used.read_units * self.read_unit
            + used.write_units * self.write_unit
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{DOCUMENT}: {text} is no number"))
}
