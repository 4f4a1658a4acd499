//! Changes categories of many customers.

use std::sync::Arc;

use shared::{
    App, Result,
    domain::{Batch, OrgId},
    http::{Operation, Request, Response, authorize, request, response},
};

/// POST `/v4/orgs/{org_id}/customers/categories/batch`
///
/// # Errors
/// 400, 401, 403; or the database's failure where nothing has been written.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Response> {
    let (author, org) = authorize::<OrgId>(&app, &request, Operation::ChangeCategories).await?;
    request::no_query(&request)?;
    let batch = Batch::parse(request::batch_body(&request)?)?;
    let of_customer =
        |changes| request::terms(&request, author.clone(), &(Operation::ChangeCategories, changes));
    let terms = batch.customers.iter().map(of_customer).collect::<Result<Vec<_>>>()?;
    let made = app.store.make_batch(&org, &batch, &terms, request::deadline(&request)).await?;
    response::changes(&batch, &made, &app.docs_url)
}
