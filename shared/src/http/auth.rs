//! Who may call.

use std::sync::Arc;

use super::{
    Operation, Request, given,
    request::{self, FromPath},
};
use crate::{
    App, Error, Result,
    domain::{ApiKey, Author, KeyHash, LOCAL_KEYS, Permission, Secret},
    log,
};

/// The header that carries the API key. Its name is the published reference's; what roles the key
/// has is looked up, never taken from the caller.
pub const API_KEY_HEADER: &str = "x-auth-roles";

/// Finds out who calls, what about, whether they may, and that the request asks for nothing that would be
/// passed over: 401 comes before 400 for the path, that before 403, and that before 400 for the rest.
///
/// # Errors
/// [`Error::Unauthorized`], [`Error::Invalid`] for the path, [`Error::Forbidden`], [`Error::Invalid`] for
/// the rest; or the database's failure.
pub async fn authorize<P: FromPath>(
    app: &App,
    request: &Request,
    operation: Operation,
) -> Result<(Author, P)> {
    let key = authenticate(app, request, operation).await?;
    let path = P::from_path(request)?;
    log::org(path.org());
    if !key.orgs.contain(path.org()) {
        return Err(Error::Forbidden("the API key is not for this organisation"));
    }
    let permission = operation.permission();
    if !key.roles.contains(&permission) {
        return Err(Error::Forbidden(match permission {
            Permission::Read => "the API key lacks the role `categories:read`",
            Permission::Write => "the API key lacks the role `categories:write`",
            Permission::Search => "the API key lacks the role `categories:search`",
            Permission::Define => "the API key lacks the role `catalogue:write`",
        }));
    }
    if let Some(customer) = path.customer() {
        log::customer(customer, permission == Permission::Read);
    }
    if permission == Permission::Search {
        log::reads_customers();
    }
    request::understood(request, operation)?;
    Ok((key.author(), path))
}

/// The hash of what was sent, if it can be a key.
fn key_hash(app: &App, request: &Request) -> Result<KeyHash> {
    let mut sent = request.headers().get_all(API_KEY_HEADER).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return Err(Error::Unauthorized);
    };
    let sent = sent.as_bytes();
    let is_local = || app.takes_local_keys && LOCAL_KEYS.iter().any(|name| name.as_bytes() == sent);
    if Secret::is_well_formed(sent) || is_local() { Ok(KeyHash::of(sent)) } else { Err(Error::Unauthorized) }
}

async fn authenticate(app: &App, request: &Request, operation: Operation) -> Result<Arc<ApiKey>> {
    let given = || given::given(request, operation);
    let key = app.store.cached_api_key(key_hash(app, request)?, given).await?;
    if let Some(key) = &key {
        log::used_key(&key.name);
    }
    key.filter(|key| key.is_valid(app.clock.timestamp())).ok_or(Error::Unauthorized)
}
