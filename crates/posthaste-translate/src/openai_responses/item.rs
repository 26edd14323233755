//! Items of the conversation and the parts inside them.

mod hosted;
mod kept;
mod part;
mod read;
mod write;

pub(super) use self::{
    kept::{Kept, NAMESPACE},
    part::{AnnotationOut, PartOut, user_part},
    read::{BETWEEN_PARTS, ITEM, Item, PART, citation, item, mark, trivial},
    write::{ItemOut, Place, SummaryOut, item_id, missing_result, model_items, result_item},
};
