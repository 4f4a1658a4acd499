#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run(env!("CARGO_BIN_NAME"), set_category::handle).await
}
