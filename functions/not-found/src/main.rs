#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run_without_database(env!("CARGO_BIN_NAME"), not_found::handle).await
}
