//! `GREENLET_TLS_LISTEN`: which ports speak TLS, as whom.
//!
//! ```text
//! GREENLET_TLS_LISTEN=PORT=CERTIFICATES:KEY[:OPTION...][,PORT=...]      or @FILE, with one of these a line, # before a comment
//!
//!     alpn=NAME+NAME     the application protocols, best first (RFC 7301)
//!     client-ca=FILE     clients must have a certificate of one of these authorities
//!     client-may=FILE    the same, but a client may have none
//!     min=1.3            no TLS 1.2
//! ```
//!
//! A port that is named more than once has several certificates; a client gets the first one that is for the name it asks for (SNI), else
//! the very first. The files are PEM. They are read at start, because a server may give up the right to read them then, and again
//! when they have changed, which counts for connections made after that; if they are of no use any more the old ones stay.

use super::{pump, unheard};
use crate::config;
use crate::errno::Errno;
use crate::sys::fd::{self as sysfd, Fd};
use crate::sys::lock::Lock;
use crate::sys::{self, Line, alloc, time, vm};
use crate::syscall;
use core::ffi::CStr;
use core::fmt::{self, Write as _};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

pub const VARIABLE: &str = "GREENLET_TLS_LISTEN";
/// No certificate or list is longer.
const LARGEST_FILE: usize = 4 << 20;

/// A port, and what its files had in them when it was named.
type Named = (Port, Option<Arc<Material>>);

/// What is said of a port, by name.
#[derive(Debug, Default)]
struct Port {
    number: u16,
    /// Certificates and key.
    files: Vec<[String; 2]>,
    protocols: Vec<Vec<u8>>,
    clients: Option<Clients>,
    only_newest: bool,
}

#[derive(Debug)]
struct Clients {
    authorities: String,
    may_have_none: bool,
}

/// What the files had in them. Nothing in it changes: the child of a fork may use it.
#[derive(Debug)]
struct Material {
    keys: Vec<Arc<CertifiedKey>>,
    authorities: Arc<RootCertStore>,
    stamps: Vec<Stamp>,
}

/// By which a changed file is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    file: u64,
    size: i64,
    changed: [i64; 2],
}

/// A file or a word, and what is wrong with it.
#[derive(Debug)]
pub struct Problem {
    pub errno: Errno,
    with: String,
    what: String,
    remedy: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.with, self.what, self.remedy)
    }
}

pub fn problem(with: &str, what: impl fmt::Display, remedy: &'static str) -> Problem {
    Problem { errno: Errno::INVAL, with: in_a_line(with), what: in_a_line(&what.to_string()), remedy }
}

/// What came from outside, and is shown: it may not look like more than one line, nor hide what comes after it.
fn in_a_line(text: &str) -> String {
    const MOST: usize = 300;
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(MOST).collect()
}

/// Reads the variable and the files that it names. Whether there is one; ends the process where it cannot be used.
pub fn load(why_not: Option<&str>) -> bool {
    let Some(value) = config::variable(c"GREENLET_TLS_LISTEN").filter(|v| !v.is_empty()) else { return false };
    insist(VARIABLE, why_not);
    alloc::keep_out_of_core_dumps();
    let may_lack_files = may_lack_files();
    let read = |port: Port| match port.read() {
        Ok(material) => Ok((port, Some(Arc::new(material)))),
        Err(problem) if may_lack_files => {
            config::log(format_args!("{VARIABLE}: {problem} (port {} accepts nobody)", port.number));
            Ok((port, None))
        }
        Err(problem) => Err(problem),
    };
    let named = parse(value).and_then(|ports| ports.into_iter().map(read).collect::<Result<Vec<Named>, _>>());
    vm::wipe_stack_below();
    match named {
        Ok(ports) => {
            if is_first() {
                unheard::expect(ports.iter().map(|(port, _)| port.number));
            }
            SHARED.lock().ports.extend(ports.into_iter().map(|named| &*Box::leak(Box::new(named))));
            true
        }
        Err(problem) => config::end(format_args!("{VARIABLE}: {problem}")),
    }
}

/// Ends the process if nothing can be done here of what a variable wants.
pub fn insist(variable: &str, why_not: Option<&str>) {
    if let Some(why) = why_not {
        config::end(format_args!(
            "{variable}: {why}, and what is to be TLS would be in the clear; unset one of the two"
        ));
    }
    if let Err(e) = pump::is_possible() {
        let why = std::io::Error::from(e);
        config::end(format_args!(
            "{variable}: pidfd_getfd(2): {why}; it takes Linux 5.9, and in a container the right to it (CAP_SYS_PTRACE)"
        ));
    }
}

/// Whether another program has been able to use the settings, and has started this one.
pub fn may_lack_files() -> bool {
    config::variable(CHECKED).is_some()
}

/// Whether that was in this process, before exec(3), or there was none.
fn is_first() -> bool {
    let whose = config::variable(CHECKED).and_then(|pid| pid.to_str().ok()?.parse().ok());
    whose.is_none_or(|pid: i32| pid == sys::getpid())
}

/// This program can use them, or need not.
pub fn say_checked() {
    if may_lack_files() {
        return;
    }
    let mut pid = Line::new();
    let _ = write!(pid, "{}\0", sys::getpid());
    // SAFETY: C strings; there is one thread.
    unsafe { libc::setenv(CHECKED.as_ptr(), pid.bytes().as_ptr().cast(), 1) };
}

/// Set by the first program that could use the setting, to its process. One that it starts, perhaps when it has given up the right to read
/// the files, does without them until it accepts a connection: a script behind a server need not be able to be that server.
const CHECKED: &CStr = c"GREENLET_TLS_CHECKED";

/// Which of the ports that is.
pub fn find(number: u16) -> Option<usize> {
    SHARED.lock().ports.iter().rposition(|(port, _)| port.number == number)
}

/// Certificates and key of one more port, which is not known yet.
pub struct Identity(Port, Material);

impl Identity {
    pub fn read(certificates: &str, key: &str) -> Result<Identity, Problem> {
        alloc::keep_out_of_core_dumps();
        let port = Port { files: vec![[certificates.to_owned(), key.to_owned()]], ..Port::default() };
        let material = port.read()?;
        Ok(Identity(port, material))
    }

    /// The port speaks TLS from now on.
    pub fn serve(mut self, number: u16) {
        self.0.number = number;
        SHARED.lock().ports.push(Box::leak(Box::new((self.0, Some(Arc::new(self.1))))));
    }
}

const FORM: &str = "it takes PORT=CERTIFICATES:KEY[:OPTION...], several with commas between them, or @FILE";

/// Whether a value of the variable can be used.
pub fn check(value: &CStr) -> Result<(), Problem> {
    parse(value)?.iter().try_for_each(|port| port.read().map(|_| ()))
}

fn parse(value: &CStr) -> Result<Vec<Port>, Problem> {
    let mut ports = Vec::new();
    each_entry(value, FORM, |entry| add(&mut ports, entry))?;
    Ok(ports)
}

/// The entries of a variable, or of the file that it names. There is at least one.
pub fn each_entry(
    value: &CStr, form: &'static str, mut each: impl FnMut(&str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let text = value.to_str().map_err(|_| problem("value", "not UTF-8", form))?;
    let mut count = 0;
    let mut all = |entries: &mut dyn Iterator<Item = &str>| {
        entries.map(str::trim).filter(|entry| !entry.is_empty()).try_for_each(|entry| {
            count += 1;
            each(entry)
        })
    };
    match text.strip_prefix('@') {
        None => all(&mut text.split(','))?,
        Some(path) => {
            let file = read_file(path)?;
            let lines = core::str::from_utf8(&file).map_err(|_| problem(path, "not UTF-8", form))?;
            all(&mut lines.lines().map(|line| line.split('#').next().unwrap_or_default()))?;
        }
    }
    if count == 0 { Err(problem(text, "names nothing", form)) } else { Ok(()) }
}

fn add(ports: &mut Vec<Port>, entry: &str) -> Result<(), Problem> {
    let wrong = |what: &str| problem(entry, what, FORM);
    let (number, rest) = entry.split_once('=').ok_or_else(|| wrong("has no ="))?;
    let number =
        number.parse().ok().filter(|n| *n != 0).ok_or_else(|| wrong("does not begin with a port from 1 to 65535"))?;
    let mut words = rest.split(':');
    let (Some(certificates), Some(key)) =
        (words.next().filter(|w| !w.is_empty()), words.next().filter(|w| !w.is_empty()))
    else {
        return Err(wrong("does not name two files"));
    };
    let at = ports.iter().position(|p| p.number == number).unwrap_or_else(|| {
        ports.push(Port { number, ..Port::default() });
        ports.len() - 1
    });
    ports[at].files.push([certificates.to_owned(), key.to_owned()]);
    words.try_for_each(|word| ports[at].set(word))
}

impl Port {
    fn set(&mut self, word: &str) -> Result<(), Problem> {
        const OPTIONS: &str = "the options are alpn=NAME+NAME, client-ca=FILE, client-may=FILE and min=1.3";
        match word.split_once('=') {
            Some(("alpn", names)) if names.split('+').all(|name| (1..256).contains(&name.len())) => {
                self.protocols = names.split('+').map(|name| name.as_bytes().to_vec()).collect();
            }
            Some((option @ ("client-ca" | "client-may"), path)) if !path.is_empty() => {
                self.clients = Some(Clients { authorities: path.to_owned(), may_have_none: option == "client-may" });
            }
            Some(("min", "1.2")) => self.only_newest = false,
            Some(("min", "1.3")) => self.only_newest = true,
            _ => return Err(problem(word, "not an option", OPTIONS)),
        }
        Ok(())
    }

    fn paths(&self) -> impl Iterator<Item = &String> {
        self.files.iter().flatten().chain(self.clients.iter().map(|clients| &clients.authorities))
    }

    fn read(&self) -> Result<Material, Problem> {
        // Before the files: what changes meanwhile is read again.
        let stamps = self.paths().map(|path| Stamp::of(path)).collect::<Result<_, _>>()?;
        let keys =
            self.files.iter().map(|[certificates, key]| read_key(certificates, key)).collect::<Result<_, _>>()?;
        let mut authorities = RootCertStore::empty();
        if let Some(clients) = &self.clients {
            for certificate in read_certificates(&clients.authorities)? {
                authorities.add(certificate).map_err(|e| problem(&clients.authorities, e, IS_PEM))?;
            }
        }
        Ok(Material { keys, authorities: Arc::new(authorities), stamps })
    }

    /// What a server of TLS is to do, with nothing in it that another thread has been using.
    fn config(&self, material: &Material) -> Result<ServerConfig, rustls::Error> {
        let provider = provider();
        let versions: &[&rustls::SupportedProtocolVersion] =
            if self.only_newest { &[&version::TLS13] } else { &[&version::TLS13, &version::TLS12] };
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions)?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(material.authorities.clone(), provider);
                let verifier = if clients.may_have_none { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().map_err(|e| rustls::Error::General(e.to_string()))?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(ByName(material.keys.clone())));
        config.alpn_protocols = self.protocols.clone();
        Ok(config)
    }
}

/// What all pumps of a process have in common.
struct Shared {
    /// Those that are named more than once count by the last.
    ports: Vec<&'static Named>,
    /// By the port's place.
    current: BTreeMap<usize, Current>,
}

/// What there is behind a port now.
struct Current {
    /// What its files had in them when they were last looked at, and when that was.
    material: Option<Arc<Material>>,
    looked: u64,
    /// What tickets are made with: a client comes back to any pump. But not to another port, nor when the files have changed: who
    /// has a ticket is not asked for a certificate.
    tickets: Option<Arc<dyn ProducesTickets>>,
}

/// As a pump serves it.
struct Now {
    port: &'static Port,
    material: Arc<Material>,
    tickets: Arc<dyn ProducesTickets>,
}

static SHARED: Lock<Shared> = Lock::new(Shared { ports: Vec::new(), current: BTreeMap::new() });

pub fn fork_prepare() {
    SHARED.hold();
}

pub fn fork_done() {
    SHARED.let_go();
}

/// In the child, which has no pumps. Its parent's may be using what makes tickets.
pub fn after_fork() {
    for current in SHARED.lock().current.values_mut() {
        core::mem::forget(current.tickets.take());
    }
}

pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// What there is now behind the port that [`find`] told: the files are looked at once a second.
/// EACCES: they cannot be used, and never could by this process.
fn current(at: usize) -> Result<Now, Errno> {
    let mut shared = SHARED.lock();
    let (port, at_start) = shared.ports[at];
    let first = || Current { material: at_start.clone(), looked: 0, tickets: None };
    let current = shared.current.entry(at).or_insert_with(first);
    if time::now() - current.looked >= time::SECOND {
        current.look(port);
    }
    let material = current.material.clone().ok_or(Errno(libc::EACCES))?;
    let tickets = match &current.tickets {
        Some(tickets) => tickets.clone(),
        None => ring::Ticketer::new().map_err(|_| Errno(libc::ENOMEM))?,
    };
    current.tickets = Some(tickets.clone());
    Ok(Now { port, material, tickets })
}

impl Current {
    fn look(&mut self, port: &Port) {
        self.looked = time::now();
        let stamps: Result<Vec<_>, _> = port.paths().map(|path| Stamp::of(path)).collect();
        let is_unchanged = self.material.as_ref().is_some_and(|old| stamps.is_ok_and(|stamps| stamps == old.stamps));
        match (!is_unchanged).then(|| port.read()) {
            None => {}
            Some(Ok(changed)) => (self.material, self.tickets) = (Some(Arc::new(changed)), None),
            Some(Err(problem)) => config::log(format_args!("{VARIABLE}: {problem} (what there was stays)")),
        }
    }
}

impl Now {
    fn config(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = self.port.config(&self.material)?;
        config.ticketer = self.tickets.clone();
        Ok(Arc::new(config))
    }
}

/// A port as a pump serves it.
pub struct Served {
    place: usize,
    material: Arc<Material>,
    config: Arc<ServerConfig>,
}

impl Served {
    /// `place` as [`find`] says.
    pub fn new(place: usize) -> Result<Served, Errno> {
        let now = current(place)?;
        let config = now.config().map_err(|_| Errno(libc::ENOMEM))?;
        Ok(Served { place, material: now.material, config })
    }

    /// For a new connection.
    pub fn config(&mut self) -> Arc<ServerConfig> {
        if let Ok(now) = current(self.place)
            && !Arc::ptr_eq(&now.material, &self.material)
        {
            match now.config() {
                Ok(config) => (self.material, self.config) = (now.material, config),
                Err(e) => config::log(format_args!("{VARIABLE}: port {}: {e} (the old ones stay)", now.port.number)),
            }
        }
        self.config.clone()
    }
}

/// Server Name Indication: the first certificate for the name, or the first.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let is_for = |key: &&Arc<CertifiedKey>| {
            let certificate = key.end_entity_cert().ok().and_then(|c| ParsedCertificate::try_from(c).ok());
            certificate.zip(name.as_ref()).is_some_and(|(c, name)| rustls::client::verify_server_name(&c, name).is_ok())
        };
        self.0.iter().find(is_for).or(self.0.first()).cloned()
    }
}

const IS_PEM: &str = "name a file with certificates in PEM (-----BEGIN CERTIFICATE-----), the server's own first";
const IS_KEY: &str =
    "name a file with the certificate's private key in PEM (-----BEGIN PRIVATE KEY-----), without a password";
const IS_READABLE: &str = "name a file that this program may read";

pub fn read_certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let text = read_file(path)?;
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|e| problem(path, e, IS_PEM))?;
    if all.is_empty() { Err(problem(path, "no certificate in it", IS_PEM)) } else { Ok(all) }
}

/// Of the key there is nothing left in memory but what the provider keeps to sign with.
pub fn read_key(certificates: &str, key: &str) -> Result<Arc<CertifiedKey>, Problem> {
    alloc::wiping(|| parse_key(certificates, key))
}

fn parse_key(certificates: &str, key: &str) -> Result<Arc<CertifiedKey>, Problem> {
    let chain = read_certificates(certificates)?;
    check_dates(certificates, &chain[0])?;
    let der = PrivateKeyDer::from_pem_slice(&read_file(key)?).map_err(|e| problem(key, e, IS_KEY))?;
    match CertifiedKey::from_der(chain, der, &provider()) {
        Ok(both) => Ok(Arc::new(both)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(problem(key, format_args!("not the key of {certificates}"), "name the two files of one request"))
        }
        Err(e) => Err(problem(key, e, IS_KEY)),
    }
}

fn check_dates(path: &str, certificate: &CertificateDer<'_>) -> Result<(), Problem> {
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|e| problem(path, e, IS_PEM))?;
    let algorithms = provider().signature_verification_algorithms.all;
    let usage = webpki::KeyUsage::server_auth();
    // The dates come first; of whom it is is for the clients to judge.
    match parsed.verify_for_usage(algorithms, &[], &[], UnixTime::now(), usage, None, None) {
        Err(e @ (webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. })) => {
            Err(problem(path, e, "have a certificate made that is valid now, or set the clock"))
        }
        _ => Ok(()),
    }
}

fn with_path<R>(path: &str, call: impl FnOnce(&CStr) -> Result<R, Errno>) -> Result<R, Problem> {
    let name = CString::new(path).map_err(|_| problem(path, "a NUL in it", IS_READABLE))?;
    call(&name).map_err(|errno| Problem { errno, ..problem(path, std::io::Error::from(errno), IS_READABLE) })
}

impl Stamp {
    fn of(path: &str) -> Result<Stamp, Problem> {
        with_path(path, |path| {
            // SAFETY: all zeros is a valid value.
            let mut about: libc::stat = unsafe { core::mem::zeroed() };
            // SAFETY: a C string and a live structure; the kernel's layout is libc's.
            unsafe { syscall!(libc::SYS_stat, path.as_ptr(), &raw mut about) }?;
            let changed = [about.st_mtime, about.st_mtime_nsec];
            Ok(Stamp { file: about.st_ino, size: about.st_size, changed })
        })
    }
}

/// All of a file, which may be a key: it is wiped when it is not needed any more.
fn read_file(path: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    with_path(path, |path| {
        // A named pipe without a writer is empty; else it would be waited for, for ever.
        const FLAGS: i32 = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: a C string.
        let fd = unsafe { syscall!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), FLAGS) }?;
        // Once, so that no copy is left behind.
        let mut text = Zeroizing::new(vec![0; LARGEST_FILE]);
        let mut len = 0;
        let end = loop {
            let rest = &mut text[len..];
            // SAFETY: the kernel writes at most the slice's length.
            match unsafe { syscall!(libc::SYS_read, fd, rest.as_mut_ptr(), rest.len()) } {
                Ok(0) if len == LARGEST_FILE => break Err(Errno(libc::EFBIG)),
                Ok(0) => break Ok(()),
                Ok(n) => len += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => sysfd::await_input(fd as Fd),
                Err(e) => break Err(e),
            }
        };
        // SAFETY: an integer.
        let _ = unsafe { syscall!(libc::SYS_close, fd) };
        text.truncate(len);
        end.map(|()| text)
    })
}
