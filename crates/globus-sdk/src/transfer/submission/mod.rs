//! What is submitted: the documents of transfers and deletions.

mod deadline;
mod delete_data;
mod delete_item;
mod document;
mod sync_level;
mod transfer_data;
mod transfer_item;

pub use self::deadline::Deadline;
pub use self::delete_data::DeleteData;
pub use self::delete_item::DeleteItem;
pub use self::sync_level::SyncLevel;
pub use self::transfer_data::{FilterMethod, FilterType, RecursiveSymlinks, TransferData};
pub use self::transfer_item::TransferItem;
