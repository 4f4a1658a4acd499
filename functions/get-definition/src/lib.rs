//! Reads what an organisation's catalogue says of one category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::DefinitionPath,
    http::{Operation, Request, Response, authorize, request, response},
};

/// GET `/v4/orgs/{org_id}/categories/{category_id}`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, path) = authorize::<DefinitionPath>(&app, &request, Operation::GetDefinition).await?;
    let as_of = request::as_of_query(&app.clock, &request)?;
    let held = request::if_none_match(&request)?;
    let definition = app.store.get(&path, as_of).await?;
    response::record(&definition, held.as_ref())
}
