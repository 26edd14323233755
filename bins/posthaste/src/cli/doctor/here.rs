//! This machine: the data folder, the master key, the disk, and settings that go together badly.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::Finding;
use crate::{Config, config::StoreKind, wiring};

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut found = vec![folder(config)];
    found.extend(disk(&config.data.dir));
    found.push(master_key(config));
    found.extend(reach(config));
    found
}

fn folder(config: &Config) -> Finding {
    let (what, dir) = ("data folder", config.data.dir.display());
    if let Err(error) = wiring::check_folder(config) {
        return Finding::bad(what, error.to_string(), "name a folder with --data or data.dir");
    }
    let Ok(about) = fs::metadata(&config.data.dir) else {
        return Finding::odd(
            what,
            format!("{dir} is not there yet"),
            "posthaste init makes it; is --data right?",
        );
    };
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let seen = format!("{dir} has mode {mode:04o}, which lets other users in");
        return Finding::odd(what, seen, format!("chmod 700 {dir}"));
    }
    if rustix::fs::access(&config.data.dir, rustix::fs::Access::WRITE_OK).is_err() {
        let seen = format!("{dir} cannot be written by this user");
        return Finding::bad(
            what,
            seen,
            "run the relay as the folder's owner, or give the folder to its user",
        );
    }
    Finding::good(what, dir.to_string())
}

fn disk(dir: &Path) -> Option<Finding> {
    let about = rustix::fs::statvfs(dir).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let seen = format!("{} MiB free", free >> 20);
    Some(match free {
        free if free < FULL => Finding::bad("disk", seen, "make room: with a full disk nothing is booked"),
        free if free < NARROW => Finding::odd("disk", seen, "make room before the books and records fill it"),
        _ => Finding::good("disk", seen),
    })
}

fn master_key(config: &Config) -> Finding {
    let what = "master key";
    if config.vault.master_key.is_some() {
        return Finding::good(what, "from the environment");
    }
    let path =
        config.vault.master_key_file.clone().unwrap_or_else(|| config.data.dir.join(wiring::MASTER_KEY_FILE));
    let shown = path.display();
    match fs::metadata(&path) {
        Err(_) if !wiring::is_initialised(config) => Finding::skipped(what, "made with the first start"),
        Err(error) => Finding::bad(
            what,
            format!("{shown} cannot be read: {error}"),
            "put the key back with which the store was made; another one does not open it",
        ),
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            Finding::bad(what, format!("{shown} can be read by others"), format!("chmod 600 {shown}"))
        }
        Ok(_) => Finding::good(what, format!("{shown}; is a copy of it kept elsewhere?")),
    }
}

/// What strangers reach.
fn reach(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let mut found = Vec::new();
    if server.listen.ip().is_loopback() {
        return found;
    }
    let proxied = server.trusted_proxies.as_ref().is_some_and(|proxies| !proxies.0.is_empty());
    if server.tls_certificate_file.is_none() && !proxied {
        found.push(Finding::odd(
            "listen",
            format!("{} is reached from outside without TLS and without a proxy that is named", server.listen),
            "set server.tls_certificate_file, or put a proxy with TLS before it and name it in server.trusted_proxies",
        ));
    }
    if config.admin.enabled && config.admin.hosts.is_none() {
        found.push(Finding::odd(
            "admin API",
            "answers under any host name",
            "name the relay's own in admin.hosts",
        ));
    }
    if config.data.store == StoreKind::Memory {
        found.push(Finding::odd("store", "memory forgets everything at the end", "data.store = \"sqlite\""));
    }
    found
}

const FULL: u64 = 64 << 20;
const NARROW: u64 = 1 << 30;
