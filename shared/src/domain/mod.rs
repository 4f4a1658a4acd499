//! Types that can't be wrong, parsed at the edge, and the decisions made with them. Nothing here
//! knows of HTTP or of DynamoDB.

mod api_key;
mod batch;
mod carriers;
mod catalogue;
mod category;
mod decision;
mod definition;
mod digest;
mod fields;
mod history;
mod idempotency;
mod identifiers;
mod import;
mod moved;
mod name;
mod outcome;
mod paging;
mod patch;
mod precondition;
mod record;
mod revision;
mod text;
mod timestamp;
mod undo;

pub use api_key::{ApiKey, KeyHash, KeyName, LOCAL_KEYS, Orgs, Permission, Secret};
pub use batch::{Batch, BatchChange, BatchOperation, CustomerChanges, Failed, Made, Unmade};
pub use carriers::{
    Carrier, CarrierCount, CarrierFilter, CarrierKey, CarrierPosition, Precision, Shard, ValueHash,
};
pub use catalogue::{Policy, Rule};
pub use category::{Category, CategoryAttributes, CategoryPatch, NewCategory};
pub use decision::{Action, Decision, Request, decide_together};
pub use definition::{Definition, DefinitionAttributes, DefinitionPatch, NewDefinition, ValidValues};
pub use fields::Fields;
pub use history::{After, Author, Change, ChangeKind, Claims, HistoryEntry, HistoryFilter};
pub use idempotency::{Idempotency, IdempotencyKey, Remembered, Terms};
pub use identifiers::{
    CategoryId, CategoryPath, Customer, CustomerId, DefinitionPath, OrgId, Owner, RecordPath,
};
pub use import::{ImportLine, ImportedCategory};
pub use moved::{Moved, MovedLine};
pub use name::Name;
pub use outcome::Outcome;
pub use paging::{Page, PageRequest};
pub use patch::Patch;
pub use precondition::{Alteration, Precondition, Revisions};
pub use record::{Assignment, Attributes, New, Record, Versioned};
pub use revision::{Revision, RevisionRange};
pub use text::{Description, Reason, Text, Value, is_unprintable};
pub use timestamp::Timestamp;
pub use undo::{Trail, Undo, Undoing};
