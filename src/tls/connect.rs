//! `GREENLET_TLS_CONNECT`: which servers an unmodified client talks to in TLS.
//!
//! ```text
//! GREENLET_TLS_CONNECT=HOST:PORT=[CA][:OPTION...][,HOST:PORT=...]      or @FILE, as for GREENLET_TLS_LISTEN
//! ```
//!
//! HOST is a name, an address (of IPv6 in brackets), or `*` for whatever has the port, which wants `name=NAME`. The options are those of
//! `client`; CA is the file of `ca=`. A connection is the host's if its address is one that the program was told when it asked for that
//! name, or that the system has for it when the program connects.
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
use core::net::{IpAddr, Ipv6Addr};
use rustls::ClientConnection;
use std::ffi::CString;
use std::sync::OnceLock;

const VARIABLE: &str = "GREENLET_TLS_CONNECT";
const FORM: &str = "it takes HOST:PORT=[CA][:OPTION...], several with commas between them, or @FILE";
/// How long what the system says of a name counts.
const FRESH: u64 = 60 * time::SECOND;

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
    let mut servers = Vec::new();
    match listen::each_entry(value, FORM, |entry| {
        servers.push(parse(entry)?);
        Ok(())
    }) {
        Ok(()) => {
            KNOWN.lock().asked = vec![0; servers.len()];
            SERVERS.set(servers).is_ok()
        }
        Err(problem) => config::end(format_args!("{VARIABLE}: {problem}")),
    }
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
    let of_port = servers.iter().enumerate().filter(|(_, server)| server.port == port);
    let (_, server) = of_port.into_iter().find(|(at, server)| is_host(*at, &server.host, address))?;
    let begun = server.terms.as_ref().ok_or(Errno(libc::EACCES));
    Some(begun.and_then(|terms| terms.clone().begin().map_err(|_| Errno(libc::ENOMEM))))
}

fn is_host(at: usize, host: &Host, address: IpAddr) -> bool {
    match host {
        Host::Any => true,
        Host::Address(host) => host.to_canonical() == address,
        Host::Name(name) => is_known(at, address) || ask_for(at, name) && is_known(at, address),
    }
}

fn is_known(server: usize, address: IpAddr) -> bool {
    KNOWN.lock().addresses.contains(&(server, address))
}

/// Asks the system, unless it was asked a moment ago. Whether it was.
fn ask_for(server: usize, name: &CStr) -> bool {
    let now = time::now();
    let before = core::mem::replace(&mut KNOWN.lock().asked[server], now);
    if before != 0 && now - before < FRESH {
        return false;
    }
    let Ok(list) = net::addresses_of(name) else { return false };
    // SAFETY: libc's list, which is given back then.
    unsafe {
        learn(server, list);
        net::give_back(list);
    }
    true
}

/// The program asked for `name` and was told these addresses.
///
/// # Safety
/// A C string, or null; a list of getaddrinfo's, or null.
pub unsafe fn resolved(name: *const c_char, list: *const libc::addrinfo) {
    let Some(servers) = SERVERS.get() else { return };
    if name.is_null() {
        return;
    }
    // SAFETY: the caller's string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    for (at, server) in servers.iter().enumerate() {
        if let Host::Name(host) = &server.host
            && host.to_bytes().eq_ignore_ascii_case(name)
        {
            // SAFETY: the caller's list.
            unsafe { learn(at, list) };
        }
    }
}

/// # Safety
/// A list of getaddrinfo's, or null.
unsafe fn learn(server: usize, list: *const libc::addrinfo) {
    // SAFETY: the caller's list.
    let addresses = unsafe { net::each(list) }.filter_map(|a| address_of(a.ai_addr, a.ai_addrlen));
    let mut known = KNOWN.lock();
    for (address, _) in addresses {
        if !known.addresses.contains(&(server, address)) {
            known.addresses.push((server, address));
        }
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
            Some((IpAddr::from(four.sin_addr.s_addr.to_ne_bytes()), u16::from_be(four.sin_port)))
        }
        libc::AF_INET6 if len as usize >= 24 => {
            let six = mem::read(address.cast::<[u8; 24]>()).ok()?;
            let bytes: [u8; 16] = six[8..24].try_into().ok()?;
            Some((Ipv6Addr::from(bytes).to_canonical(), u16::from_be_bytes([six[2], six[3]])))
        }
        _ => None,
    }
}
