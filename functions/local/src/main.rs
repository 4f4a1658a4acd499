use std::{io, process::ExitCode};

use clap::Parser;
use customers_categories::{
    Server,
    operator::{customers, import, keys},
    options::{Command, Options},
    server::engine::StartError,
};
use shared::log;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// The exit code of an import that came to its end without some lines. 1 is a failure, 2 a mistake
/// in the command line.
const LINES_REJECTED: u8 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let lines = tracing_subscriber::fmt().compact().with_target(false);
    // A command's standard output is for what it was asked for, and it says itself how it went.
    let (writer, level) = match options.command {
        None => (BoxMakeWriter::new(io::stdout), LevelFilter::INFO),
        Some(_) => (BoxMakeWriter::new(io::stderr), LevelFilter::ERROR),
    };
    // The gateway has a line for each request; the function's own is worth reading where it failed.
    let targets = log::targets(level).with_target(log::TARGET, LevelFilter::WARN.min(level));
    log::to(lines.with_writer(writer).with_max_level(level).finish(), targets);
    let (command, engine) = (&options.command, &options.engine);
    let done = match command {
        None => serve(&options).await.map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string()),
        Some(Command::Keys(options)) => {
            keys::run(options, engine).await.map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string())
        }
        Some(Command::Customers(options)) => customers::run(options, engine)
            .await
            .map(|()| ExitCode::SUCCESS)
            .map_err(|error| error.to_string()),
        Some(Command::Import(options)) => match import::run(options, engine).await {
            Ok(summary) if summary.rejected > 0 => Ok(ExitCode::from(LINES_REJECTED)),
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(error.to_string()),
        },
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), StartError> {
    let server = Server::start(&options.engine.data(), options.port, options.engine.dynamodb_port).await?;
    announce(&server);
    interrupted().await;
    server.stop().await;
    Ok(())
}

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
