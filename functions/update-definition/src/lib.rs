//! Changes what an organisation's catalogue says of a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{DefinitionPatch, DefinitionPath},
    http::{Operation, Request, Response, authorize, request, response},
};

/// PATCH `/v4/orgs/{org_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404, 409, 412; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, path) = authorize::<DefinitionPath>(&app, &request, Operation::UpdateDefinition).await?;
    request::no_query(&request)?;
    let patch = DefinitionPatch::parse(request::merge_patch_body(&request)?)?;
    let terms = request::terms(&request, author, &(Operation::UpdateDefinition, path.id, &patch))?;
    let revision = app.store.update(&path, &patch, &terms).await?;
    response::updated(revision)
}
