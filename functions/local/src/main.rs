use std::process::ExitCode;

use clap::Parser;
use local::{Server, options::Options};
use tracing::level_filters::LevelFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    shared::lambda::log_to(tracing_subscriber::fmt::layer().compact().with_target(false), LevelFilter::INFO);
    match Server::start(&options.data(), options.port, options.dynamodb_port).await {
        Ok(server) => {
            announce(&server.url());
            interrupted().await;
            server.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn announce(url: &str) {
    let customer = "v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000";
    println!("listening on {url}");
    println!(
        "curl -i {url}/{customer}/categories -H 'x-auth-roles: API_KEY' --json \
         '{{\"id\": 7, \"value\": \"influencer\"}}'"
    );
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
