//! An nginx with the site in `packaging/`, before a relay.

use std::{
    fs,
    net::TcpListener,
    os::unix,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::support::{PATIENCE, Server, eventually};

/// A running nginx. It ends with the value.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) folder: TempDir,
}

impl Nginx {
    /// One that listens on a socket in its folder, which cannot be taken by somebody else meanwhile, as a port can.
    pub(crate) async fn before(server: &Server) -> Self {
        let mut nginx = Self::start(server, |folder| format!("unix:{}", socket(folder).display()), &[]);
        let socket = nginx.socket();
        eventually("nginx listens", || {
            assert_eq!(nginx.child.try_wait().unwrap(), None, "nginx ended");
            unix::net::UnixStream::connect(&socket).ok()
        })
        .await;
        nginx
    }

    /// One that listens on a port, for whoever can only reach those, with parts of its site replaced; with its address.
    pub(crate) async fn at_a_port(server: &Server, changes: &[(&str, &str)]) -> (Self, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "nginx does not start");
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut nginx = Self::start(server, |_| free.to_string(), changes);
            // The file is written once it listens; it ends where somebody else took the port meanwhile.
            let pid = nginx.folder.path().join("pid");
            while nginx.child.try_wait().unwrap().is_none() {
                if pid.exists() {
                    return (nginx, format!("http://{free}"));
                }
                sleep(std::time::Duration::from_millis(10)).await;
            }
            let log = fs::read_to_string(nginx.folder.path().join("nginx.log")).unwrap_or_default();
            assert!(log.contains("Address already in use"), "{log}");
        }
    }

    fn start(server: &Server, listen: impl Fn(&Path) -> String, changes: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, at) = (folder.path(), folder.path().display());
        fs::write(path.join("site.conf"), site(path, server.address(), &listen(path), changes)).unwrap();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("  {what}_temp_path {at}/{what};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/nginx.log;\nevents {{}}\nhttp {{\n\
             {temporary}  include {at}/site.conf;\n}}\n"
        );
        fs::write(path.join("nginx.conf"), config).unwrap();
        // Debian keeps it where only root's PATH leads.
        #[expect(
            clippy::disallowed_methods,
            reason = "a program of the system is looked for, nothing is configured"
        )]
        let programs = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let child = Command::new("nginx")
            .env("PATH", programs)
            .arg("-c")
            .arg(path.join("nginx.conf"))
            .arg("-e")
            .arg(path.join("nginx.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed (`cargo xtask setup` does it)");
        Self { child, folder }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The packaged site with only that changed which depends on the machine: where it listens, where it logs, and where the
/// relay is. And what a test is about.
fn site(folder: &Path, relay: &str, listen: &str, changes: &[(&str, &str)]) -> String {
    let mut site = include_str!("../../../../packaging/nginx/posthaste.conf").to_owned();
    let logs = format!("{}/posthaste", folder.display());
    let listen = format!("listen {listen};");
    let own = [
        ("127.0.0.1:3001;", format!("{relay};").as_str()),
        ("listen 443 ssl http2;", &listen),
        ("listen [::]:443 ssl http2;", ""),
        ("ssl_certificate /etc/ssl/relay.example.com.pem;", ""),
        ("ssl_certificate_key /etc/ssl/relay.example.com.key;", ""),
        ("/var/log/nginx/posthaste", &logs),
    ]
    .map(|(here, there)| (here.to_owned(), there.to_owned()));
    let more = changes.iter().map(|(here, there)| ((*here).to_owned(), (*there).to_owned()));
    for (here, there) in own.into_iter().chain(more) {
        assert!(site.contains(&here), "the site has no `{here}`");
        site = site.replace(&here, &there);
    }
    site
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("nginx.sock")
}
