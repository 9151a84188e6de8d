//! `GREENLET_TLS_CONNECT`: which servers an unmodified client talks to in TLS.
//!
//! ```text
//! GREENLET_TLS_CONNECT=HOST:PORT=[CA][:OPTION...][,HOST:PORT=...]      or @FILE, as for GREENLET_TLS_LISTEN
//! ```
//!
//! HOST is a name, an address (of IPv6 in brackets), or `*` for whatever has the port, which wants `name=NAME`. The options are those of
//! `client`; CA is the file of `ca=`. A connection is the host's if its address is one that the program was told when it asked for that
//! name, or that the system has for it when the program connects. Where the system cannot say, it may be the host's: there is none.
//!
//! `connect` returns when the handshake is done; with a non-blocking descriptor when the connection is made, which it waits for: until
//! then there is nothing to put in the descriptor's place.

use super::client::Terms;
use super::listen::{self, Problem, problem};
use crate::config;
use crate::errno::Errno;
use crate::ops::net;
use crate::sys::lock::Lock;
use crate::sys::{mem, time};
use core::ffi::{CStr, c_char};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use rustls::ClientConnection;
use std::ffi::CString;
use std::sync::OnceLock;

const VARIABLE: &str = "GREENLET_TLS_CONNECT";
const FORM: &str = "it takes HOST:PORT=[CA][:OPTION...], several with commas between them, or @FILE";
/// How long what the system says of a name counts. Meanwhile an address that it has for it since would pass for another host's.
const FRESH: u64 = time::SECOND;

/// Who is meant.
#[derive(Debug)]
enum Host {
    Any,
    Address(IpAddr),
    Name(CString),
}

struct Server {
    host: Host,
    port: u16,
    /// `None`: the files could not be read by this process.
    terms: Option<Terms>,
}

static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();

/// The addresses of the servers that have names, by the server's place; and when the system was asked last.
struct Known {
    addresses: Vec<(usize, IpAddr)>,
    asked: Vec<u64>,
}

static KNOWN: Lock<Known> = Lock::new(Known { addresses: Vec::new(), asked: Vec::new() });

pub fn fork_prepare() {
    KNOWN.hold();
}

pub fn fork_done() {
    KNOWN.let_go();
}

/// Reads the variable and the files that it names. Whether there is one; ends the process where it cannot be used.
pub fn load(why_not: Option<&str>) -> bool {
    let Some(value) = config::variable(c"GREENLET_TLS_CONNECT").filter(|v| !v.is_empty()) else { return false };
    listen::insist(VARIABLE, why_not);
    match parse_all(value) {
        Ok(servers) => {
            KNOWN.lock().asked = vec![0; servers.len()];
            SERVERS.set(servers).is_ok()
        }
        Err(problem) => config::end(format_args!("{VARIABLE}: {problem}")),
    }
}

/// Whether a value of the variable can be used.
pub fn check(value: &CStr) -> Result<(), Problem> {
    parse_all(value).map(|_| ())
}

fn parse_all(value: &CStr) -> Result<Vec<Server>, Problem> {
    let mut servers = Vec::new();
    listen::each_entry(value, FORM, |entry| {
        servers.push(parse(entry)?);
        Ok(())
    })?;
    Ok(servers)
}

fn parse(entry: &str) -> Result<Server, Problem> {
    let wrong = |what: &str| problem(entry, what, FORM);
    let (server, rest) = entry.split_once('=').ok_or_else(|| wrong("has no ="))?;
    let (host, port) = server.rsplit_once(':').ok_or_else(|| wrong("names no port"))?;
    let port = port.parse().ok().filter(|n| *n != 0).ok_or_else(|| wrong("has no port from 1 to 65535"))?;
    let plain = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let host = match (plain, plain.parse()) {
        ("", _) => return Err(wrong("names no host")),
        ("*", _) => Host::Any,
        (_, Ok(address)) => Host::Address(address),
        (name, Err(_)) => Host::Name(CString::new(name).map_err(|_| wrong("has a NUL in it"))?),
    };
    let (authorities, options) = rest.split_once(':').unwrap_or((rest, ""));
    let options = if authorities.is_empty() { options.to_owned() } else { format!("ca={authorities}:{options}") };
    if matches!(host, Host::Any) && !options.split(':').any(|word| word.starts_with("name=")) {
        return Err(wrong("means any host, and lacks name=NAME"));
    }
    match Terms::read(plain, &options) {
        Ok(terms) => Ok(Server { host, port, terms: Some(terms.without_memory()) }),
        Err(problem) if listen::may_lack_files() => {
            config::log(format_args!("{VARIABLE}: {problem} (no connection to {plain}:{port} is made)"));
            Ok(Server { host, port, terms: None })
        }
        Err(problem) => Err(problem),
    }
}

/// Of a server that is wanted in TLS, what to begin with. EACCES: this process cannot.
///
/// No caller up to the hook holds a value with a destructor: a cancelled thread unwinds from the look-up.
pub fn client_for(address: *const libc::sockaddr, len: libc::socklen_t) -> Option<Result<ClientConnection, Errno>> {
    let servers = SERVERS.get()?;
    let (address, port) = address_of(address, len)?;
    for (at, server) in servers.iter().enumerate().filter(|(_, server)| server.port == port) {
        match is_host(at, &server.host, address) {
            Ok(false) => {}
            Ok(true) => {
                let begun = server.terms.as_ref().ok_or(Errno(libc::EACCES));
                return Some(begun.and_then(|terms| terms.clone().begin().map_err(|_| Errno(libc::ENOMEM))));
            }
            Err(e) => return Some(Err(e)),
        }
    }
    None
}

fn is_host(at: usize, host: &Host, address: IpAddr) -> Result<bool, Errno> {
    match host {
        Host::Any => Ok(true),
        Host::Address(host) => Ok(reached(host.to_canonical()) == address),
        Host::Name(_) if is_known(at, address) => Ok(true),
        Host::Name(name) => {
            ask_for(at, name)?;
            Ok(is_known(at, address))
        }
    }
}

fn is_known(server: usize, address: IpAddr) -> bool {
    KNOWN.lock().addresses.contains(&(server, address))
}

/// Asks the system, unless it has answered a moment ago. EACCES: it cannot say.
fn ask_for(server: usize, name: &CStr) -> Result<(), Errno> {
    let now = time::now();
    let before = KNOWN.lock().asked[server];
    if before != 0 && now - before < FRESH {
        return Ok(());
    }
    match net::addresses_of(name) {
        // SAFETY: libc's list, which is given back then.
        Ok(list) => unsafe {
            learn(server, list);
            net::give_back(list);
        },
        // There is no such host.
        Err(Errno(libc::ENOENT)) => {}
        Err(_) => {
            let name = name.to_string_lossy();
            config::log(format_args!(
                "{VARIABLE}: who {name} is cannot be told now (no connection to its port is made)"
            ));
            return Err(Errno(libc::EACCES));
        }
    }
    KNOWN.lock().asked[server] = now;
    Ok(())
}

/// The program asked for `name` and was told these addresses.
///
/// # Safety
/// A C string, or null; a list of getaddrinfo's, or null.
pub unsafe fn resolved(name: *const c_char, list: *const libc::addrinfo) {
    // SAFETY: the caller's list.
    each_of_name(name, |server| unsafe { learn(server, list) });
}

/// The same of gethostbyname(3) and its kin.
///
/// # Safety
/// A C string, or null; an entry of libc's, or null.
pub unsafe fn resolved_host(name: *const c_char, entry: *const libc::hostent) {
    // SAFETY: the caller's entry, whose list ends with a null pointer.
    let Some(entry) = (unsafe { entry.as_ref() }) else { return };
    each_of_name(name, |server| {
        for place in 0.. {
            // SAFETY: as above; an address has the length that is said.
            unsafe {
                match (*entry.h_addr_list.add(place), entry.h_addrtype) {
                    (address, _) if address.is_null() => break,
                    (address, libc::AF_INET) => know(server, IpAddr::from(address.cast::<[u8; 4]>().read())),
                    (address, libc::AF_INET6) => know(server, IpAddr::from(address.cast::<[u8; 16]>().read())),
                    _ => {}
                }
            }
        }
    });
}

/// The servers that are called so; a dot at the end makes no other name of it.
fn each_of_name(name: *const c_char, mut call: impl FnMut(usize)) {
    let Some(servers) = SERVERS.get().filter(|_| !name.is_null()) else { return };
    let plain = |name: &CStr| name.to_bytes().strip_suffix(b".").unwrap_or(name.to_bytes()).to_ascii_lowercase();
    // SAFETY: the caller's string.
    let name = plain(unsafe { CStr::from_ptr(name) });
    for (at, server) in servers.iter().enumerate() {
        if matches!(&server.host, Host::Name(host) if plain(host) == name) {
            call(at);
        }
    }
}

/// # Safety
/// A list of getaddrinfo's, or null.
unsafe fn learn(server: usize, list: *const libc::addrinfo) {
    // SAFETY: the caller's list.
    for (address, _) in unsafe { net::each(list) }.filter_map(|a| address_of(a.ai_addr, a.ai_addrlen)) {
        know(server, address);
    }
}

fn know(server: usize, address: IpAddr) {
    let mut known = KNOWN.lock();
    if !known.addresses.contains(&(server, address)) {
        known.addresses.push((server, address));
    }
}

/// Who connects to no address reaches its own machine.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        _ => address,
    }
}

/// Address and port; of IPv4 also where it is written as one of IPv6. `address` has `len` bytes, or cannot be read.
fn address_of(address: *const libc::sockaddr, len: libc::socklen_t) -> Option<(IpAddr, u16)> {
    if len < 2 {
        return None;
    }
    match i32::from(mem::read(address.cast::<u16>()).ok()?) {
        libc::AF_INET if len as usize >= size_of::<libc::sockaddr_in>() => {
            let four = mem::read(address.cast::<libc::sockaddr_in>()).ok()?;
            Some((reached(IpAddr::from(four.sin_addr.s_addr.to_ne_bytes())), u16::from_be(four.sin_port)))
        }
        libc::AF_INET6 if len as usize >= 24 => {
            let six = mem::read(address.cast::<[u8; 24]>()).ok()?;
            let bytes: [u8; 16] = six[8..24].try_into().ok()?;
            Some((reached(Ipv6Addr::from(bytes).to_canonical()), u16::from_be_bytes([six[2], six[3]])))
        }
        _ => None,
    }
}
