//! The operator's commands for API keys.

use std::io::{self, Read};

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;
use shared::{
    clock::Clock,
    domain::{ApiKey, KeyHash, Orgs, Secret, Timestamp},
    store::Store,
};

use super::database::{self, DatabaseError, Remote, retry_while_unavailable};
use crate::{
    options::{EngineOptions, KeysCommand, KeysOptions, NewKey},
    output::{self, OutputError},
};

/// Digits of a key's hash that are shown.
const SHOWN_HASH_DIGITS: usize = 12;

/// Digits of a key's hash that it takes at least to name the key.
const MIN_HASH_DIGITS: usize = 6;

/// Bytes of standard input that can be a key, and the end of a line.
const MAX_KEY_BYTES: u64 = 256;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database can't be opened, read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No key is meant.
    #[error("no key that is not revoked has the name or hash prefix {0:?}")]
    Unknown(String),
    /// What was read from standard input is no key, or none that is in the table.
    #[error("standard input is no key that is in the table and not revoked; has it been copied whole?")]
    NotAKey,
    /// Standard input can't be read.
    #[error("standard input can't be read")]
    Input(#[source] io::Error),
    /// Several keys could be meant.
    #[error("{which:?} could mean any of {}; say which by its hash", hashes.join(", "))]
    Ambiguous {
        /// The name or hash prefix.
        which: String,
        /// The first digits of the hash of each.
        hashes: Vec<String>,
    },
    /// The key would expire later than a time can be told.
    #[error("the time of expiry is out of range")]
    Expiry,
    /// The new key can't be shown, so nobody has it.
    #[error("the key can't be shown, so it has been revoked")]
    Unshown(#[source] OutputError),
    /// The new key can't be shown, and stays valid.
    #[error("nobody was shown the key whose hash starts with {hash}, and it can't be revoked; do so")]
    NotRevoked {
        /// The first digits of the key's hash.
        hash: String,
        /// What the database failed with.
        source: DatabaseError,
    },
    /// What was asked for can't be shown.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A key can't be made.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

impl From<shared::Error> for KeysError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Runs a command. What it has to show is on standard output, remarks are on standard error.
///
/// # Errors
/// [`KeysError`]; then nothing has been changed, unless it says so.
pub async fn run(options: &KeysOptions, engine: &EngineOptions) -> Result<(), KeysError> {
    let clock = Clock::default();
    let remote = options.table.clone().map(Remote::Keys);
    let (store, _engine) = database::open(remote, engine, &clock).await?;
    match &options.command {
        KeysCommand::Create(new) => create(&store, new, clock.timestamp()).await,
        KeysCommand::List { json } => list(&store, clock.timestamp(), *json).await,
        KeysCommand::Revoke { which: Some(which), .. } => revoke(&store, which, clock.timestamp()).await,
        KeysCommand::Revoke { which: None, .. } => revoke_read(&store, clock.timestamp()).await,
    }
}

async fn create(store: &Store, new: &NewKey, now: Timestamp) -> Result<(), KeysError> {
    let expires_at = match new.expires_in {
        None => None,
        Some(duration) => Some(now.checked_add(duration).ok_or(KeysError::Expiry)?),
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(KeysError::Random)?;
    let secret = Secret::new(random);
    let key = ApiKey {
        hash: KeyHash::of(secret.reveal().as_bytes()),
        name: new.name.clone(),
        orgs: if new.all_orgs { Orgs::All } else { Orgs::Named(new.orgs.iter().cloned().collect()) },
        roles: new.roles.iter().copied().collect(),
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    store.put_api_key(&key).await?;
    if let Err(unwritable) = output::line(secret.reveal()) {
        let revoked = retry_while_unavailable(|| store.revoke_api_key(&key.hash, now)).await;
        return Err(match revoked {
            Ok(()) => KeysError::Unshown(unwritable),
            Err(source) => KeysError::NotRevoked { hash: shown(&key).to_owned(), source: source.into() },
        });
    }
    let hash = shown(&key);
    output::remark(format_args!("This is the only time that the key is shown. Its hash starts with {hash}."));
    Ok(())
}

/// A key as `list --json` shows it: the whole hash, and times that are `null` where there is none.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    key: &'a ApiKey,
    state: &'static str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

async fn list(store: &Store, now: Timestamp, json: bool) -> Result<(), KeysError> {
    let mut keys = store.api_keys().await?;
    keys.sort_by_key(|key| (key.name.to_string(), key.created_at));
    if json {
        for key in &keys {
            let ApiKey { expires_at, revoked_at, .. } = *key;
            let listed = Listed { key, state: state(key, now), expires_at, revoked_at };
            output::json_line(io::stdout(), &listed).map_err(OutputError::from)?;
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["NAME", "ORGS", "ROLES", "CREATED", "EXPIRES", "STATE", "HASH"]);
    for key in keys {
        let roles: Vec<&str> = key.roles.iter().map(|role| role.role()).collect();
        table.add_row([
            output::printable(&key.name.to_string()).into_owned(),
            key.orgs.names().join(","),
            roles.join(","),
            key.created_at.to_string(),
            key.expires_at.map_or_else(|| "never".to_owned(), |expiry| expiry.to_string()),
            state(&key, now).to_owned(),
            shown(&key).to_owned(),
        ]);
    }
    Ok(output::line(table.trim_fmt())?)
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    match () {
        () if key.revoked_at.is_some() => "revoked",
        () if !key.is_valid(now) => "expired",
        () => "active",
    }
}

/// Revokes the key that is on standard input.
async fn revoke_read(store: &Store, now: Timestamp) -> Result<(), KeysError> {
    let mut read = Vec::new();
    io::stdin().take(MAX_KEY_BYTES).read_to_end(&mut read).map_err(KeysError::Input)?;
    let hash = KeyHash::of(read.trim_ascii());
    match store.api_key(&hash).await? {
        Some(key) if key.revoked_at.is_none() => revoke_key(store, &key, now).await,
        _ => Err(KeysError::NotAKey),
    }
}

async fn revoke_key(store: &Store, key: &ApiKey, now: Timestamp) -> Result<(), KeysError> {
    store.revoke_api_key(&key.hash, now).await?;
    output::remark(format_args!(
        "Revoked the key of {} with the hash {}…. Functions that have looked it up take it for 30 seconds more.",
        key.name,
        shown(key)
    ));
    Ok(())
}

async fn revoke(store: &Store, which: &str, now: Timestamp) -> Result<(), KeysError> {
    let keys = store.api_keys().await?;
    let is_meant = |key: &&ApiKey| {
        let by_hash = which.len() >= MIN_HASH_DIGITS && key.hash.as_str().starts_with(which);
        key.revoked_at.is_none() && (by_hash || key.name.to_string() == which)
    };
    let meant: Vec<&ApiKey> = keys.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [] => Err(KeysError::Unknown(which.to_owned())),
        [key] => revoke_key(store, key, now).await,
        several => Err(KeysError::Ambiguous {
            which: which.to_owned(),
            hashes: several.iter().map(|key| shown(key).to_owned()).collect(),
        }),
    }
}

fn shown(key: &ApiKey) -> &str {
    key.hash.as_str().get(..SHOWN_HASH_DIGITS).unwrap_or_default()
}
