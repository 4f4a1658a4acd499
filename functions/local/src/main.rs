use std::process::ExitCode;

use clap::Parser;
use local::{
    Server,
    engine::StartError,
    keys,
    options::{Command, Options},
};
use shared::log;
use tracing::level_filters::LevelFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    // The gateway has a line for each request; the function's own is worth reading where it failed.
    let targets = log::targets(LevelFilter::INFO).with_target(log::TARGET, LevelFilter::WARN);
    log::to(tracing_subscriber::fmt::layer().compact().with_target(false), targets);
    let done = match &options.command {
        None => serve(&options).await.map_err(|error| error.to_string()),
        Some(Command::Keys(keys)) => {
            keys::run(keys, &options.engine).await.map_err(|error| error.to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
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
