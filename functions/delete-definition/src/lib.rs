//! Takes a category out of an organisation's catalogue.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::DefinitionPath,
    http::{Operation, Request, Response, authorize, request, response},
};

/// DELETE `/v4/orgs/{org_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404, 412; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, path) = authorize::<DefinitionPath>(&app, &request, Operation::DeleteDefinition).await?;
    let reason = request::reason_query(&request)?;
    let terms = request::terms(&request, author, &(Operation::DeleteDefinition, path.id, &reason))?;
    app.store.delete(&path, reason.as_ref(), &terms).await?;
    Ok(response::no_content())
}
