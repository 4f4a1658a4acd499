//! Types that can't be wrong, parsed at the edge, and the decisions made with them. Nothing here
//! knows of HTTP or of DynamoDB.

mod api_key;
mod category;
mod digest;
mod fields;
mod history;
mod idempotency;
mod identifiers;
mod import;
mod paging;
mod precondition;
mod revision;
mod text;
mod timestamp;

pub use api_key::{ApiKey, KeyHash, KeyName, Orgs, Permission, Secret};
pub use category::{Attributes, Category, CategoryPatch, NewCategory, Patch, Record};
pub use fields::Fields;
pub use history::{Author, Change, ChangeKind, HistoryEntry, HistoryFilter};
pub use idempotency::{Idempotency, IdempotencyKey, Remembered, Terms};
pub use identifiers::{CategoryId, CategoryPath, Customer, CustomerId, OrgId};
pub use import::ImportedCategory;
pub use paging::{Page, PageRequest};
pub use precondition::{Alteration, Revisions};
pub use revision::{Revision, RevisionRange};
pub use text::{Description, Reason, Text, Value, is_unprintable};
pub use timestamp::Timestamp;
