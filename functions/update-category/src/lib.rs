//! Changes what a category of a customer says.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{CategoryPatch, CategoryPath},
    http::{Operation, Request, Response, authorize, request, response},
};

/// PATCH `/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404, 412; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, path) = authorize::<CategoryPath>(&app, &request, Operation::UpdateCategory).await?;
    request::no_query(&request)?;
    let patch = CategoryPatch::parse(request::merge_patch_body(&request)?)?;
    let terms = request::terms(&request, author, &(Operation::UpdateCategory, path.id, &patch))?;
    let revision = app.store.update(&path, &patch, &terms).await?;
    response::updated(revision)
}
