//! Which category a request is to give, read before it is known whether it may, so that the catalogue can be asked in
//! the call that looks the API key up.

use serde::Deserialize;

use super::{
    Operation, Request,
    request::{self, FromPath},
};
use crate::{
    domain::{CategoryId, Customer},
    store::Given,
};

/// What a body says of it. Whatever is wrong with the body is found, and told, later.
#[derive(Deserialize)]
struct Sent {
    id: i32,
}

/// The category that the catalogue will have to allow, if all goes well. Of what changes a category this is known only
/// once the category has been read: what stays as it is needs no leave.
pub fn given(request: &Request, operation: Operation) -> Option<Given> {
    if operation != Operation::CreateCategory {
        return None;
    }
    let Customer { org, .. } = Customer::from_path(request).ok()?;
    let Sent { id } = serde_json::from_slice(request::json_body(request).ok()?).ok()?;
    Some(Given { org, id: CategoryId::new(id) })
}
