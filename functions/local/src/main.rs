//! The program `customers-categories`.

use std::{error::Error, future, io, process::ExitCode};

use clap::Parser;
use customers_categories::{
    Server,
    operator::{catalogue, console, customers, demo, import, import::Summary, keys},
    options::{Command, Options},
    output::{self, OutputError},
    server::error::StartError,
};
use shared::{error::chain, log};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// The exit code of an import that came to its end but rejected some lines. 1 is a failure, 2 a mistake
/// in the command line.
const LINES_REJECTED: u8 = 3;

/// The exit code of a command that a signal ended, as shells have it for Ctrl-C.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
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
            let Some(done) = until_interrupted(Box::pin(customers::run(options, engine))).await else {
                return Ok(ExitCode::from(INTERRUPTED));
            };
            done?;
        }
        Some(Command::Customers(options)) => customers::run(options, engine).await?,
        Some(Command::Catalogue(options)) => {
            return ended(until_interrupted(Box::pin(catalogue::run(options, engine))).await);
        }
        Some(Command::Import(options)) => {
            return ended(until_interrupted(Box::pin(import::run(options, engine))).await);
        }
        Some(Command::Demo(options)) => demo::run(options, engine).await?,
        Some(Command::Console(options)) => console::run(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code of a command that may import lines, and may be interrupted.
fn ended<E: Error + 'static>(done: Option<Result<Summary, E>>) -> Result<ExitCode, Box<dyn Error>> {
    Ok(match done.transpose()? {
        None => ExitCode::from(INTERRUPTED),
        Some(Summary { rejected: 0, .. }) => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(LINES_REJECTED),
    })
}

async fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { engine, port, allowed_hosts, allowed_origins, .. } = options;
    let server =
        Server::start(&engine.data(), *port, engine.address(), allowed_hosts, allowed_origins).await?;
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    announce(&server)?;
    signals.next().await;
    tokio::select! {
        () = server.stop() => {}
        () = signals.next() => tracing::warn!("ended at once by a second signal"),
    }
    Ok(())
}

/// Prints where the server listens, and a command to try it with.
fn announce(server: &Server) -> Result<(), OutputError> {
    let url = server.url();
    let customer = "v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000";
    output::line(format_args!("listening on {url}"))?;
    output::line(format_args!(
        "curl -i {url}/{customer}/categories -H 'x-auth-roles: API_KEY' --json \
         '{{\"id\": 7, \"value\": \"influencer\"}}'"
    ))?;
    output::line(format_args!("DynamoDB at {}", server.dynamodb_url()))?;
    output::line(format_args!("console at {url}/console"))
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
