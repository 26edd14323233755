//! `[users]`

use posthaste_admin::OwnKeyRules;

use super::section::section;

section! {
    /// What people may do for themselves.
    "users" => Users {
        /// How many client keys somebody may have at once, unless `posthaste users update --max-keys` says otherwise; 0 for
        /// none.
        max_keys: u32 = "5",
        /// Whether people may remove their own client keys.
        delete_keys: bool = "true",
    }
}

impl Users {
    /// The same, for the services.
    pub fn own_keys(&self) -> OwnKeyRules {
        OwnKeyRules { most: self.max_keys, may_delete: self.delete_keys }
    }
}
