//! The program `customers-categories`.

use std::{error::Error, io, process::ExitCode};

use clap::Parser;
use customers_categories::{
    Server,
    operator::{catalogue, customers, import, import::Summary, keys},
    options::{Command, Options},
    server::error::StartError,
};
use shared::{error::chain, log};
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
    let lines = tracing_subscriber::fmt().compact().with_target(false);
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
            eprintln!("error: {}", chain(&*error));
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
            let Some(done) = until_interrupted(customers::run(options, engine)).await else {
                return Ok(ExitCode::from(INTERRUPTED));
            };
            done?;
        }
        Some(Command::Customers(options)) => customers::run(options, engine).await?,
        Some(Command::Catalogue(options)) => {
            return ended(until_interrupted(catalogue::run(options, engine)).await);
        }
        Some(Command::Import(options)) => {
            return ended(until_interrupted(import::run(options, engine)).await);
        }
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

async fn serve(options: &Options) -> Result<(), StartError> {
    let server = Server::start(&options.engine.data(), options.port, options.engine.address()).await?;
    announce(&server);
    interrupted().await;
    server.stop().await;
    Ok(())
}

/// Prints where the server listens, and a command to try it with.
fn announce(server: &Server) {
    let url = server.url();
    let customer = "v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000";
    println!("listening on {url}");
    println!(
        "curl -i {url}/{customer}/categories -H 'x-auth-roles: API_KEY' --json \
         '{{\"id\": 7, \"value\": \"influencer\"}}'"
    );
    println!("DynamoDB at {}", server.dynamodb_url());
}

/// Has a command that writes a file clear it up when a signal ends it: it is dropped then.
async fn until_interrupted<T>(command: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // The command first: until it waits for something, a signal ends the program in the usual way.
        biased;
        done = command => Some(done),
        () = interrupted() => {
            eprintln!("error: interrupted; run it again for the rest");
            None
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
