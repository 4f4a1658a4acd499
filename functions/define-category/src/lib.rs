//! Adds a category to an organisation's catalogue.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{NewDefinition, OrgId},
    http::{Operation, Request, Response, authorize, request, response},
};

/// POST `/v4/orgs/{org_id}/categories`
///
/// # Errors
/// 400, 401, 403, 409; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, org) = authorize::<OrgId>(&app, &request, Operation::DefineCategory).await?;
    request::no_query(&request)?;
    let new = NewDefinition::parse(request::json_body(&request)?)?;
    let terms = request::terms(&request, author, &(Operation::DefineCategory, &new))?;
    let revision = app.store.create(&org, &new, &terms).await?;
    response::created(&org, &new, revision)
}
