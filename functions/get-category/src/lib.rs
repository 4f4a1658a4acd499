//! Reads one category of a customer.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::CategoryPath,
    http::{Operation, Request, Response, authorize, request, response},
};

/// GET `/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, path) = authorize::<CategoryPath>(&app, &request, Operation::GetCategory).await?;
    let as_of = request::as_of_query(&app.clock, &request)?;
    let held = request::if_none_match(&request)?;
    let category = app.store.get(&path, as_of).await?;
    response::record(&category, held.as_ref())
}
