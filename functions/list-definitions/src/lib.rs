//! Lists the categories that an organisation's catalogue defines.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::OrgId,
    http::{ListQuery, Operation, Request, Response, authorize, response},
};

/// GET `/v4/orgs/{org_id}/categories`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, org) = authorize::<OrgId>(&app, &request, Operation::ListDefinitions).await?;
    let query = ListQuery::parse(&app.clock, &org, &request)?;
    let page = app.store.list(&org, query.page, query.as_of).await?;
    response::records(&page, &query)
}
