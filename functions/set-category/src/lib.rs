//! Has a customer's category say this, be it there or not.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{CategoryAttributes, CategoryPath},
    http::{Operation, Request, Response, authorize, request, response},
};

/// PUT `/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404, 409, 412; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, path) = authorize::<CategoryPath>(&app, &request, Operation::SetCategory).await?;
    request::no_query(&request)?;
    let attributes = CategoryAttributes::parse(request::json_body(&request)?)?;
    let terms = request::terms(&request, author, &(Operation::SetCategory, path.id, &attributes))?;
    let outcome = app.store.set(&path, &attributes, &terms).await?;
    response::set(outcome)
}
