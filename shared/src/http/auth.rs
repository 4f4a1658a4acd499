//! Who may call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Request, request::FromPath};
use crate::{
    App, Error, Result,
    clock::{Clock, Moment},
    domain::{ApiKey, Author, KeyHash, Permission},
    log,
    store::Store,
};

/// The header that carries the API key. Its name is the published reference's; what roles the key
/// has is looked up, never taken from the caller.
pub const API_KEY_HEADER: &str = "x-auth-roles";

const KNOWN_KEY_TTL: Duration = Duration::from_secs(30);
const UNKNOWN_KEY_TTL: Duration = Duration::from_secs(5);
const CAPACITY: usize = 1000;

/// Finds out who calls, what about, and whether they may: 401 comes before 400 for the path, and
/// that before 403.
///
/// # Errors
/// [`Error::Unauthorized`], [`Error::Invalid`] for the path, [`Error::Forbidden`]; or the
/// database's failure.
pub async fn authorize<P: FromPath>(
    app: &App,
    request: &Request,
    permission: Permission,
) -> Result<(Author, P)> {
    let key = authenticate(app, request).await?;
    let path = P::from_path(request)?;
    log::org(path.org());
    if !key.orgs.contain(path.org()) {
        return Err(Error::Forbidden("the API key is not for this organisation"));
    }
    if !key.roles.contains(&permission) {
        return Err(Error::Forbidden(match permission {
            Permission::Read => "the API key lacks the role `categories:read`",
            Permission::Write => "the API key lacks the role `categories:write`",
        }));
    }
    Ok((key.author(), path))
}

async fn authenticate(app: &App, request: &Request) -> Result<Arc<ApiKey>> {
    let mut sent = request.headers().get_all(API_KEY_HEADER).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return Err(Error::Unauthorized);
    };
    if sent.is_empty() {
        return Err(Error::Unauthorized);
    }
    let key = app.keys.get(KeyHash::of(sent.as_bytes()), &app.store, &app.clock).await?;
    if let Some(key) = &key {
        log::used_key(&key.name);
    }
    key.filter(|key| key.is_valid(app.clock.timestamp())).ok_or(Error::Unauthorized)
}

/// Keys looked up lately, and hashes that turned out to be no key's. A revocation takes hold when
/// the entry is 30 s old. Failed look-ups are not kept.
#[derive(Debug, Default)]
pub struct KeyCache(Mutex<HashMap<KeyHash, Entry>>);

#[derive(Debug)]
struct Entry {
    key: Option<Arc<ApiKey>>,
    read: Moment,
}

impl Entry {
    fn is_fresh(&self, now: Moment) -> bool {
        self.read.is_within(if self.key.is_some() { KNOWN_KEY_TTL } else { UNKNOWN_KEY_TTL }, now)
    }
}

impl KeyCache {
    async fn get(&self, hash: KeyHash, store: &Store, clock: &Clock) -> Result<Option<Arc<ApiKey>>> {
        // Taken before the look-up, so that the time that it takes counts.
        let now = clock.now();
        if let Some(entry) = self.entries().get(&hash).filter(|entry| entry.is_fresh(now)) {
            return Ok(entry.key.clone());
        }
        log::key_looked_up();
        let key = store.api_key(&hash).await?.map(Arc::new);
        self.insert(hash, Entry { key: key.clone(), read: now });
        Ok(key)
    }

    fn insert(&self, hash: KeyHash, entry: Entry) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            let now = entry.read;
            entries.retain(|_, entry| entry.is_fresh(now));
        }
        if entries.len() >= CAPACITY {
            // Whoever floods us with made-up keys pushes out those first.
            entries.retain(|_, entry| entry.key.is_some());
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(hash, entry);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<KeyHash, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
