//! Lists who changed what of a customer, when and why.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::Customer,
    http::{HistoryQuery, Operation, Request, Response, authorize, response},
};

/// GET `/v4/orgs/{org_id}/customers/{customer_id}/categories/historical`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, customer) = authorize::<Customer>(&app, &request, Operation::ListCategoryHistory).await?;
    let query = HistoryQuery::parse(&customer, &request)?;
    let page = app.store.history(&customer, query.page, query.filter).await?;
    response::history(&page, &query)
}
