//! The tables in the local engine: their names, a client for them, and the API keys that they have from the
//! start.

use aws_sdk_dynamodb::{Client, config::Credentials};
use shared::{
    clock::Clock,
    domain::{ApiKey, KeyHash, KeyName, LOCAL_KEYS, Orgs, Permission},
    store::{
        FORMAT, Store, Tables,
        client::{self, RootCertStore},
    },
};

use super::error::StartError;

/// The API keys that the local server has from the start, and no deployed one: the literal that the published
/// reference's commands send, and one that may only read and search.
const SEEDS: [(&str, &[Permission]); 2] =
    [(LOCAL_KEYS[0], &Permission::ALL), (LOCAL_KEYS[1], &[Permission::Read, Permission::Search])];

/// Makes the tables that are missing, and the keys that the local server has from the start, unless they have been
/// revoked.
///
/// # Errors
/// [`StartError::Engine`].
pub async fn prepare(store: &Store, clock: &Clock) -> Result<(), StartError> {
    store.create_tables().await.map_err(StartError::engine)?;
    for (key, permissions) in SEEDS {
        let key = ApiKey {
            hash: KeyHash::of(key.as_bytes()),
            name: KeyName::parse(key).map_err(StartError::engine)?,
            orgs: Orgs::All,
            roles: permissions.iter().copied().collect(),
            created_at: clock.timestamp(),
            expires_at: None,
            revoked_at: None,
        };
        // Whoever revoked it wants it to stay so.
        let _revoked = !store.put_api_key(&key).await.map_err(StartError::engine)?;
    }
    Ok(())
}

/// Refuses data that a later version of this program has written; notes the version where none is noted.
///
/// # Errors
/// [`StartError::Newer`], [`StartError::Engine`].
pub async fn check_format(store: &Store) -> Result<(), StartError> {
    match store.format().await.map_err(StartError::engine)? {
        Some(found) if found > FORMAT => Err(StartError::Newer { found }),
        Some(_) => Ok(()),
        None => store.note_format().await.map_err(StartError::engine),
    }
}

/// A client of an endpoint that asks for credentials but doesn't check them.
#[must_use]
pub fn client(endpoint: String) -> Client {
    Client::from_conf(client_config(endpoint).build())
}

/// The configuration of [`client()`].
#[must_use]
pub fn client_config(endpoint: String) -> aws_sdk_dynamodb::config::Builder {
    let credentials = Credentials::new("local", "local", None, None, "local");
    // The engine speaks plain HTTP, so no certificate has to be trusted.
    let trusted = RootCertStore::empty();
    client::client_config("us-east-1".into(), Some(endpoint), trusted).credentials_provider(credentials)
}

/// The names of the tables in the local engine.
#[must_use]
pub fn tables() -> Tables {
    Tables { categories: "customers-categories".into(), keys: "customers-categories-keys".into() }
}
