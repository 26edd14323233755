//! The audit log.

use posthaste_admin::{AuditInput, AuditPage, AuditReport, Command};
use posthaste_core::Area;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get},
    input::NoBody,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/admin/audit", "Who did what, the newest first").needs(Area::Audit.read()).answers_query(
            |asked: Asked, query: AuditInput, _: NoBody| async move {
                asked.act::<AuditPage>(Command::ListAudit(query)).await
            },
        ),
        get("/admin/audit/verify", "Whether the audit log is as it was written")
            .needs(Area::Audit.read())
            .answers(|asked: Asked, _: NoBody| async move {
                asked.act::<AuditReport>(Command::VerifyAudit).await
            }),
    ]
}
