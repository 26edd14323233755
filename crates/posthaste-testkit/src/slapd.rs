//! An OpenLDAP server of the test's own.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// Starts `slapd` with an empty `dc=example,dc=com` on free ports of 127.0.0.1, with and without TLS, and waits until it listens.
///
/// It lets those search who are bound as [`SpawnedSlapd::READER`], grants anonymous binds to who gives a name without a password, as
/// servers may, and keeps `memberOf`. It is ended when the value is dropped.
///
/// # Panics
/// When the program is missing or does not come up: tests that need it fail, they are never skipped.
pub fn spawn_slapd() -> SpawnedSlapd {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let key = rcgen::KeyPair::generate().expect("a key can be made");
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate can be made");
    write(&dir.path().join("cert.pem"), &certificate.pem());
    write(&dir.path().join("key.pem"), &key.serialize_pem());
    fs::create_dir(dir.path().join("db")).expect("a folder can be made");
    write(&dir.path().join("slapd.conf"), &configuration(dir.path()));
    let (child, port, tls_port) = (0..PORT_TRIES)
        .find_map(|_| {
            let (port, tls_port) = (free_port(), free_port());
            Some((start(&dir, port, tls_port)?, port, tls_port))
        })
        .unwrap_or_else(|| panic!("slapd did not come up at {PORT_TRIES} pairs of ports"));
    let slapd = SpawnedSlapd { child: Some(child), port, tls_port, dir };
    slapd.apply(BASE);
    slapd
}

/// A running `slapd`; see [`spawn_slapd`].
#[derive(Debug)]
pub struct SpawnedSlapd {
    child: Option<Child>,
    port: u16,
    tls_port: u16,
    dir: TempDir,
}

impl SpawnedSlapd {
    /// Below what everything is.
    pub const BASE: &'static str = "dc=example,dc=com";
    /// Who may search.
    pub const READER: &'static str = "cn=reader,dc=example,dc=com";
    /// The reader's password.
    pub const READER_PASSWORD: &'static str = "dummy-reader";

    /// Its address without TLS, where it also takes StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Its address with TLS.
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The certificate that it shows, which is its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    /// Makes and changes entries, as LDIF tells them; those without a `changetype` are made.
    ///
    /// # Panics
    /// When the server does not take them.
    pub fn apply(&self, ldif: &str) {
        let mut child = Command::new("ldapmodify")
            .args(["-a", "-x", "-H", &self.url(), "-D", ROOT, "-w", ROOT_PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("could not start ldapmodify ({error}): install it, on Debian with `apt-get install ldap-utils`"));
        let mut input = child.stdin.take().expect("it was piped");
        input.write_all(ldif.as_bytes()).expect("ldapmodify reads");
        drop(input);
        let done = child.wait_with_output().expect("ldapmodify ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Makes a person below `ou=people`.
    ///
    /// # Panics
    /// As [`apply`](Self::apply).
    pub fn add_person(&self, uid: &str, password: &str) {
        self.apply(&format!(
            "dn: uid={uid},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: The {uid}\nsn: {uid}\n\
             mail: {uid}@example.com\nuserPassword: {password}\n"
        ));
    }

    /// Makes a group below `ou=groups` of people below `ou=people`.
    ///
    /// # Panics
    /// As [`apply`](Self::apply).
    pub fn add_group(&self, name: &str, people: &[&str]) {
        let members: String =
            people.iter().map(|uid| format!("member: uid={uid},ou=people,dc=example,dc=com\n")).collect();
        self.apply(&format!(
            "dn: cn={name},ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: {name}\n{members}"
        ));
    }

    /// Kills the server as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when it has ended already, which is what was asked for.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same ports and with the same entries.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        let child = start(&self.dir, self.port, self.tls_port);
        self.child = Some(child.unwrap_or_else(|| panic!("slapd did not come back at port {}", self.port)));
    }
}

impl Drop for SpawnedSlapd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the server and waits until both ports take connections; `None` when it ended at once, as it does when a port is taken.
fn start(dir: &TempDir, port: u16, tls_port: u16) -> Option<Child> {
    let mut child = command()
        .args(["-d", "0", "-h", &format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"), "-f"])
        .arg(dir.path().join("slapd.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("could not start slapd ({error}): install it, on Debian with `apt-get install slapd`")
        });
    for _ in 0..TRIES {
        if child.try_wait().expect("a child can be asked for its state").is_some() {
            return None;
        }
        if [port, tls_port].iter().all(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
            return Some(child);
        }
        thread::sleep(PAUSE);
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("slapd at port {port} took no connection within {:?}", PAUSE * TRIES);
}

/// Debian has it where only root's search path leads.
fn command() -> Command {
    let there = Path::new("/usr/sbin/slapd");
    if there.exists() { Command::new(there) } else { Command::new("slapd") }
}

fn configuration(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         moduleload memberof\n\
         pidfile {dir}/slapd.pid\n\
         TLSCertificateFile {dir}/cert.pem\n\
         TLSCertificateKeyFile {dir}/key.pem\n\
         allow bind_anon_dn\n\
         database mdb\n\
         suffix \"{base}\"\n\
         rootdn \"{ROOT}\"\n\
         rootpw {ROOT_PASSWORD}\n\
         directory {dir}/db\n\
         overlay memberof\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.exact=\"{reader}\" read by * none\n",
        base = SpawnedSlapd::BASE,
        reader = SpawnedSlapd::READER,
    )
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file in a temporary folder can be written");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

const ROOT: &str = "cn=root,dc=example,dc=com";
const ROOT_PASSWORD: &str = "dummy-root";
const BASE: &str = "\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: dummy-reader
";
const PORT_TRIES: usize = 5;
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);
