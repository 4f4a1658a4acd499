//! Counts the customers who carry a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::DefinitionPath,
    http::{Operation, Request, Response, authorize, request, response},
};

/// GET `/v4/orgs/{org_id}/categories/{category_id}/customers/count`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, path) = authorize::<DefinitionPath>(&app, &request, Operation::CountCarriers).await?;
    let filter = request::filter_query(&request)?;
    let counted = app.store.count_carriers(&path, &filter, request::deadline(&request)).await?;
    response::carrier_count(counted)
}
