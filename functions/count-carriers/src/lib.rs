//! Counts the customers who carry a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::DefinitionPath,
    http::{Operation, Request, Response, authorize, request, response},
    lambda,
};

/// GET `/v4/orgs/{org_id}/categories/{category_id}/customers/count`
///
/// # Errors
/// 400, 401, 403, 404; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (_, path) = authorize::<DefinitionPath>(&app, &request, Operation::CountCarriers).await?;
    let filter = request::filter_query(&request)?;
    // The other half is for what comes behind the counting.
    let within = lambda::time_for(&request) / 2;
    let counted = app.store.count_carriers(&path, &filter, within).await?;
    response::carrier_count(counted)
}
