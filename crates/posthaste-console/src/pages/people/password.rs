//! Passwords that are typed twice.

use posthaste_admin::{AdminError, Disclosed};
use posthaste_core::Secret;

use crate::{asked::Asked, fields::Fields, pages::reading::invalid};

/// The password of the field, if the one in `again` is the same; `None` where neither is given.
pub(in crate::pages) fn twice_the_same(
    asked: &Asked,
    form: &Fields,
    field: &'static str,
) -> Result<Option<Disclosed>, AdminError> {
    let (password, again) = (form.value(field), form.value("again"));
    if password != again {
        return Err(invalid(field, asked.say("The two passwords differ.")));
    }
    Ok((!password.is_empty()).then(|| Disclosed::new(Secret::new(password))))
}
