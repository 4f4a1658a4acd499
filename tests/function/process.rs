//! A function's own binary as a process.

#[path = "../limit.rs"]
mod limit;

use std::process::{Child, Command, Stdio};

use self::limit::Limit;

/// Runs the binary of a function as Lambda does, between the runtime's API and a database at these addresses. Its
/// tables have the names that the local server gives them.
pub fn command(function: &str, binary: &str, runtime_api: &str, dynamodb: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        .env_remove("AWS_CA_BUNDLE")
        .env_remove("SSL_CERT_FILE")
        .env("CATEGORIES_TABLE", "customers-categories")
        .env("KEYS_TABLE", "customers-categories-keys")
        .stdout(Stdio::null());
    command
}

/// A function's process, killed when dropped.
pub struct Function {
    pub child: Child,
    _limit: Limit,
}

impl Function {
    pub fn start(mut command: Command) -> Self {
        Self { child: command.spawn().unwrap(), _limit: Limit::start() }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.kill();
    }
}
