//! Gives a customer a category.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{Customer, NewCategory, Permission},
    http::{Request, Response, authorize, request, response},
};

/// POST `/v4/orgs/{org_id}/customers/{customer_id}/categories`
///
/// # Errors
/// 400, 401, 403, 409; or the database's failure.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, customer) = authorize::<Customer>(&app, &request, Permission::Write).await?;
    request::no_query(&request)?;
    let key = request::idempotency_key(&request)?;
    let new = NewCategory::parse(request::json_body(&request)?)?;
    let (id, idempotency) = (new.id, key.map(|key| new.idempotency(key)));
    let revision = app.store.create(&customer, new, idempotency, &author).await?;
    response::created(&customer, id, revision)
}
