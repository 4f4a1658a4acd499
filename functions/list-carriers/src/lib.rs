//! Lists the customers who carry a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::DefinitionPath,
    http::{CarriersQuery, Operation, Request, Response, authorize, response},
};

/// GET `/v4/orgs/{org_id}/categories/{category_id}/customers`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, path) = authorize::<DefinitionPath>(&app, &request, Operation::ListCarriers).await?;
    let query = CarriersQuery::parse(&path, &request)?;
    let page = app.store.carriers(&path, &query.filter, query.page).await?;
    response::carriers(&page, &query)
}
