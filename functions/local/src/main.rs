//! The program `customers-categories`.

use std::{error::Error, future, io, path::absolute, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;
use customers_categories::{
    Data, Server,
    operator::{
        backup, catalogue, console, customers, demo, import, import::Summary, keys, organisation, reindex,
        restore, restore::Total,
    },
    options::{Command, Options},
    output::{self, OutputError},
    server::{docs, error::StartError, home},
};
use shared::{error::chain, log};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// The exit code of a command that came to its end, but rejected lines or left categories alone. 1 is a failure, 2 a mistake
/// in the command line.
const SOME_LEFT: u8 = 3;

/// The exit code of a command that finds nothing: nothing is held on the customer, nothing was changed.
const NOTHING_HELD: u8 = 4;

/// The exit code of a command that a signal ended, as shells have it for Ctrl-C.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(told) => told.exit(),
    };
    // Where a line of the log can't be written, neither can a complaint about that.
    let lines = tracing_subscriber::fmt().compact().with_target(false).log_internal_errors(false);
    // A command's standard output is for its result alone, so its log goes to standard error.
    let (writer, level) = match options.command {
        None => (BoxMakeWriter::new(io::stdout), LevelFilter::INFO),
        Some(_) => (BoxMakeWriter::new(io::stderr), LevelFilter::ERROR),
    };
    // The gateway logs a line for each request, so the function's own is shown only for a failure.
    let targets = log::targets(level).with_target(log::TARGET, LevelFilter::WARN.min(level));
    log::to(lines.with_writer(writer).with_max_level(level).finish(), targets);
    match run(&options).await {
        Ok(code) => code,
        Err(error) => {
            output::remark(format_args!("error: {}", chain(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// Serves, or runs the command. Returns the exit code.
async fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let engine = &options.engine;
    match &options.command {
        None => serve(options).await?,
        Some(Command::Keys(options)) => keys::run(options, engine).await?,
        Some(Command::Customers(options)) if options.writes_a_file() => {
            let done = until_interrupted(Box::pin(customers::run(options, engine))).await;
            return Ok(done.transpose()?.map_or(ExitCode::from(INTERRUPTED), found));
        }
        Some(Command::Reindex(options)) => Box::pin(reindex::run(options, engine)).await?,
        Some(Command::Customers(options)) => return Ok(found(customers::run(options, engine).await?)),
        Some(Command::Catalogue(options)) => {
            return ended(until_interrupted(Box::pin(catalogue::run(options, engine))).await);
        }
        Some(Command::Import(options)) => {
            return ended(until_interrupted(Box::pin(import::run(options, engine))).await);
        }
        Some(Command::Export(options)) => {
            let done = until_interrupted(Box::pin(organisation::export(options, engine))).await;
            return Ok(done.transpose()?.map_or(ExitCode::from(INTERRUPTED), found));
        }
        Some(Command::Restore(options)) => {
            let done = until_interrupted(Box::pin(restore::run(options, engine))).await;
            return Ok(done.transpose()?.map_or(ExitCode::from(INTERRUPTED), restored));
        }
        Some(Command::Stats(options)) => organisation::stats(options, engine).await?,
        Some(Command::Backup(options)) => {
            let done = until_interrupted(Box::pin(backup::run(options, engine))).await;
            return Ok(done.transpose()?.map_or(ExitCode::from(INTERRUPTED), |()| ExitCode::SUCCESS));
        }
        Some(Command::Completions { shell }) => complete(*shell)?,
        Some(Command::Demo(options)) => demo::run(options, engine).await?,
        Some(Command::Console(options)) => console::run(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code of a command on a customer.
fn found(is_held: bool) -> ExitCode {
    if is_held { ExitCode::SUCCESS } else { ExitCode::from(NOTHING_HELD) }
}

/// The exit code of a restoration.
fn restored(total: Total) -> ExitCode {
    match total {
        total if total.is_empty() => ExitCode::from(NOTHING_HELD),
        Total { left_alone: 0, .. } => ExitCode::SUCCESS,
        _ => ExitCode::from(SOME_LEFT),
    }
}

/// Prints what has a shell complete commands and options.
fn complete(shell: Shell) -> Result<(), OutputError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), env!("CARGO_PKG_NAME"), &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}

/// The exit code of a command that may import lines, and may be interrupted.
fn ended<E: Error + 'static>(done: Option<Result<Summary, E>>) -> Result<ExitCode, Box<dyn Error>> {
    Ok(match done.transpose()? {
        None => ExitCode::from(INTERRUPTED),
        Some(Summary { rejected: 0, .. }) => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(SOME_LEFT),
    })
}

async fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { engine, address, port, allowed_hosts, allowed_origins, .. } = options;
    let api = (*address, *port).into();
    let server = Server::start(&engine.data(), api, engine.address(), allowed_hosts, allowed_origins).await?;
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    announce(&server, &engine.data())?;
    signals.next().await;
    tokio::select! {
        () = server.stop() => {}
        () = signals.next() => tracing::warn!("ended at once by a second signal"),
    }
    Ok(())
}

/// Prints where everything is, a command to try it with, and how to end it. The first line is printed once all of it
/// can be used, and the last one says that there are no more.
fn announce(server: &Server, data: &Data) -> Result<(), OutputError> {
    let url = server.url();
    let customer = "v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000";
    output::line(format_args!("listening on {url}"))?;
    output::line(format_args!("console at {url}/console"))?;
    output::line(format_args!("reference page at {url}{}", docs::PATH))?;
    output::line(format_args!("health at {url}{}", home::HEALTH))?;
    output::line(format_args!("DynamoDB at {}", server.dynamodb_url()))?;
    match data {
        Data::File(path) => {
            output::line(format_args!("data in {}", absolute(path).as_ref().unwrap_or(path).display()))?;
        }
        Data::Memory => output::line("data in memory, and forgotten at the end")?,
    }
    output::line(format_args!(
        "try: curl -i {url}/{customer}/categories -H 'x-auth-roles: API_KEY' -H 'Content-Type: application/json' \
         -d '{{\"id\": 7, \"value\": \"influencer\"}}'"
    ))?;
    output::line("Ctrl-C ends it")
}

/// Has a command that writes a file clear it up when a signal ends it: it is dropped then.
async fn until_interrupted<T>(command: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // The command first: until it waits for something, a signal ends the program in the usual way.
        biased;
        done = command => Some(done),
        () = interrupted() => {
            output::remark("error: interrupted; run it again for the rest");
            None
        }
    }
}

/// Waits for the first signal. Where none can be received, each ends the program in the usual way.
async fn interrupted() {
    match Signals::new() {
        Ok(mut signals) => signals.next().await,
        Err(_) => future::pending().await,
    }
}

/// Ctrl-C and SIGTERM, each as often as it comes.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
