//! Lists the categories that a customer carries.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::Customer,
    http::{ListQuery, Operation, Request, Response, authorize, response},
};

/// GET `/v4/orgs/{org_id}/customers/{customer_id}/categories`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, customer) = authorize::<Customer>(&app, &request, Operation::ListCategories).await?;
    let query = ListQuery::parse(&app.clock, &customer, &request)?;
    let page = app.store.list(&customer, query.page, query.as_of).await?;
    response::records(&page, &query)
}
