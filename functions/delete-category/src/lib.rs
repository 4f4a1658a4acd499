//! Takes a category from a customer.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{CategoryPath, Permission},
    http::{Request, Response, authorize, request, response},
};

/// DELETE `/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404, 412; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, path) = authorize::<CategoryPath>(&app, &request, Permission::Write).await?;
    let reason = request::reason_query(&request)?;
    let expected = request::if_match(&request)?;
    app.store.delete(&path, reason, &expected, &author).await?;
    Ok(response::no_content())
}
