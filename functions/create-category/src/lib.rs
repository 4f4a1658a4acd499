//! Gives a customer a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{Customer, NewCategory},
    http::{Operation, Request, Response, authorize, request, response},
};

/// POST `/v4/orgs/{org_id}/customers/{customer_id}/categories`
///
/// # Errors
/// 400, 401, 403, 404, 409; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, customer) = authorize::<Customer>(&app, &request, Operation::CreateCategory).await?;
    request::no_query(&request)?;
    let new = NewCategory::parse(request::json_body(&request)?)?;
    let terms = request::terms(&request, author, &(Operation::CreateCategory, &new))?;
    let revision = app.store.create(&customer, &new, &terms).await?;
    response::created(&customer, &new, revision)
}
