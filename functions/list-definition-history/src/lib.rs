//! Lists who changed what of an organisation's catalogue, when and why.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::OrgId,
    http::{HistoryQuery, Operation, Request, Response, authorize, response},
};

/// GET `/v4/orgs/{org_id}/categories/historical`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, org) = authorize::<OrgId>(&app, &request, Operation::ListDefinitionHistory).await?;
    let query = HistoryQuery::parse(&org, &request)?;
    let page = app.store.history(&org, query.page, query.filter).await?;
    response::history(&page, &query)
}
