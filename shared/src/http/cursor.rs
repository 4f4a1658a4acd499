//! Opaque positions in a list: base64url of a version, a checksum and the position.
//!
//! The checksum covers what is paged through, so a cursor fits only the operation, customer and
//! filters that it was given for. It carries no secret and needs none: the customer always comes
//! from the path, so a cursor computed by hand can't say more than "behind this position".

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::domain::{CarrierKey, CarrierPosition, CategoryId, CustomerId, Revision, Shard, ValueHash};

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 12;

/// What is wrong with a cursor.
pub const MISFIT: &str = "must be the next_cursor of the same list with the same filters";

/// A place in the order of a list.
pub trait Position: Copy {
    fn to_bytes(self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Position for CategoryId {
    fn to_bytes(self) -> Vec<u8> {
        self.get().to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::new(i32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl Position for Revision {
    fn to_bytes(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_bytes(bytes.try_into().ok()?))
    }
}

/// The shard; behind a carrier then whether it has a value, the value's hash if so, and the customer's id.
impl Position for CarrierPosition {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![self.shard.number()];
        if let Some(CarrierKey { value, customer }) = self.after {
            bytes.push(u8::from(value.is_some()));
            bytes.extend(value.iter().flat_map(ValueHash::as_bytes));
            bytes.extend(customer.as_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&shard, rest) = bytes.split_first()?;
        let shard = Shard::numbered(shard)?;
        let Some((&has_value, rest)) = rest.split_first() else { return Some(Self::start_of(shard)) };
        let (value, customer) = match has_value {
            0 => (None, rest),
            1 => {
                let (hash, customer) = rest.split_first_chunk()?;
                (Some(ValueHash::from_bytes(*hash)), customer)
            }
            _ => return None,
        };
        let customer = CustomerId::from_bytes(customer.try_into().ok()?);
        let after = Some(CarrierKey { value, customer });
        (Shard::of(customer) == shard).then_some(Self { shard, after })
    }
}

pub fn write(scope: &str, position: impl Position) -> String {
    let position = position.to_bytes();
    let bytes = [&[VERSION][..], &checksum(scope, &position), &position].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub fn read<P: Position>(scope: &str, cursor: &str) -> Result<P, String> {
    let position = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (sum, position) = rest.split_at_checked(CHECKSUM_BYTES)?;
        let fits = version == VERSION && sum == checksum(scope, position);
        fits.then(|| P::from_bytes(position)).flatten()
    };
    position().ok_or_else(|| MISFIT.into())
}

fn checksum(scope: &str, position: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::new().chain_update(scope).chain_update([0]).chain_update(position).finalize();
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.copy_from_slice(&digest[..CHECKSUM_BYTES]);
    checksum
}
