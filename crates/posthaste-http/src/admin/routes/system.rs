//! The relay as a whole.

use posthaste_admin::{Command, StatusView};
use posthaste_core::Area;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get},
    input::NoBody,
    openapi,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/admin/status", "The whole at a glance")
            .needs(Area::System.read())
            .answers(|asked: Asked, _: NoBody| async move { asked.act::<StatusView>(Command::Status).await }),
        get("/admin/openapi.json", "This document")
            .open()
            .document(|asked: &Asked| openapi::document(asked.version)),
    ]
}
