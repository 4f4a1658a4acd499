//! What the functions cost: cold start, warm request, memory, size, beside other ways to write
//! them, measured in turn on the same machine. `cargo bench -- --help`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a benchmark fails by panicking, and its figures have few digits"
)]

mod batch;
mod built;
mod carriers;
mod chart;
mod compare;
mod cores;
mod document;
mod events;
mod fill;
mod functions;
mod log;
mod operations;
mod prices;
mod process;
mod report;
mod scale;
mod server;
mod share;
mod soak;
mod stats;
mod tables;
mod targets;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

/// Measures the release binaries of the functions under an emulated Runtime API, with DynamoDB
/// behind TLS on loopback.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,

    /// How often every contestant is started, a multiple of two.
    #[arg(long, default_value_t = 20)]
    rounds: usize,

    /// Warm requests of each process.
    #[arg(long, default_value_t = 100)]
    warm: usize,

    /// What DynamoDB takes to answer, in milliseconds.
    #[arg(long, default_value_t = 2)]
    latency: u64,

    /// The part of a core that a process has after its start, as on Lambda; 128 MB buy 0.07.
    #[arg(long, default_value_t = 0.07)]
    share: f64,

    /// A further binary to compare, such as one built with other settings: NAME=PATH.
    #[arg(long, value_name = "NAME=PATH", value_parser = named_path)]
    also: Vec<(String, PathBuf)>,

    /// Measures these parts alone, separated by commas, and writes nothing.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,

    /// Prints the figures and leaves the documents and the chart as they are.
    #[arg(long, global = true)]
    dry_run: bool,

    /// Set by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Contestants,
    Functions,
    Operations,
    Batch,
    Pages,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists and counts who carries a category, of collections of several sizes, and writes the table into
    /// `FIGURES.md`.
    Carriers {
        /// How many carry the categories, separated by commas.
        #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
        sizes: Vec<usize>,

        #[arg(long, hide = true)]
        bench: bool,
    },
    /// Lets clients work against the local server and holds every answer against what must be.
    Soak {
        /// How long, in minutes.
        #[arg(long, default_value_t = 10)]
        minutes: u64,

        /// Clients at the same time.
        #[arg(long, default_value_t = 16)]
        clients: u32,

        #[arg(long, hide = true)]
        bench: bool,
    },
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("NAME=PATH is wanted")?;
    let path = PathBuf::from(path).canonicalize().map_err(|error| format!("{path}: {error}"))?;
    Ok((name.to_owned(), path))
}

#[tokio::main(worker_threads = 1)]
async fn main() {
    let options = Options::parse();
    match options.command {
        Some(Command::Soak { minutes, clients, .. }) => {
            return soak::run(Duration::from_mins(minutes), clients).await;
        }
        Some(Command::Carriers { sizes, .. }) => {
            let latency = Duration::from_millis(options.latency);
            return carriers::run(&sizes, latency, options.dry_run).await;
        }
        None => {}
    }
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let built = built::everything(&options.also);
    let settings = compare::Settings {
        rounds: options.rounds,
        warm: options.warm,
        latency: Duration::from_millis(options.latency),
        share: options.share,
    };
    let server = server::Server::start(&built.local, &server::Data::Memory);
    let mut events = events::Events::new(&server).await;
    let awake = cores::divide();
    let mut report = report::Report::new(&awake.conditions(), &settings);
    if wanted(Part::Contestants) {
        report.contestants = compare::run(&built, &server, &settings).await;
    }
    if wanted(Part::Functions) {
        report.functions = functions::run(&built, &server, &mut events, &settings).await;
    }
    if wanted(Part::Operations) {
        report.operations = operations::run(&built, &server, &mut events, &settings).await;
    }
    if wanted(Part::Batch) {
        report.ways = batch::run(&built, &settings).await;
    }
    if wanted(Part::Pages) {
        report.pages = scale::run(&built, &server).await;
    }
    report.print();
    if !options.dry_run && options.only.is_empty() {
        report.write();
    }
}
