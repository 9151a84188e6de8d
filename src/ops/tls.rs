//! getsockname(2), getpeername(2), getsockopt(2) and setsockopt(2) of a connection that speaks TLS: the program's descriptor is
//! a local socket (`crate::tls`), and what it is told is the connection's. What a send says of addresses. greenlet_ssl_listener(3), greenlet_connect_ssl(3).

use super::{fd, io, net, offload};
use crate::config;
use crate::errno::{Errno, Exit};
use crate::patch::Set;
use crate::start;
use crate::sys::{fd as sysfd, mem};
use crate::tls::{self, Elsewhere, Identity, Names, Problem, Terms};
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use libc::{mmsghdr, msghdr, sockaddr, socklen_t};

/// getsockname(2).
///
/// # Safety
/// As the C function.
pub unsafe fn getsockname(fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> Result<c_int, Exit> {
    let names = Names::read(fd).ok_or(Exit::Native)?;
    // SAFETY: the caller's arguments.
    unsafe { tell(names.here.bytes(), address.cast(), len) }
}

/// getpeername(2).
///
/// # Safety
/// As the C function.
pub unsafe fn getpeername(fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> Result<c_int, Exit> {
    let there = Names::read(fd).ok_or(Exit::Native)?.there;
    if there.bytes().is_empty() {
        return Err(Exit::Errno(libc::ENOTCONN));
    }
    // SAFETY: the caller's arguments.
    unsafe { tell(there.bytes(), address.cast(), len) }
}

/// As the kernel tells addresses: as much as there is room for, and how long it is.
///
/// # Safety
/// `to` has room for `*len` bytes.
unsafe fn tell(what: &[u8], to: *mut u8, len: *mut socklen_t) -> Result<c_int, Exit> {
    let room = room(len)?.min(what.len());
    // SAFETY: the caller's promise.
    unsafe {
        mem::write_all(to, &what[..room])?;
        mem::write(len, what.len() as socklen_t)?;
    }
    Ok(0)
}

fn room(len: *const socklen_t) -> Result<usize, Errno> {
    usize::try_from(mem::read(len)? as i32).map_err(|_| Errno::INVAL)
}

/// getsockopt(2): what only the connection has is asked of it.
///
/// # Safety
/// As the C function.
pub unsafe fn getsockopt(
    fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t,
) -> Result<c_int, Exit> {
    let names = Names::read(fd).ok_or(Exit::Native)?;
    let known = match (level, name) {
        (libc::SOL_SOCKET, libc::SO_DOMAIN) => names.here.family(),
        (libc::SOL_SOCKET, libc::SO_PROTOCOL) => libc::IPPROTO_TCP,
        _ if !is_connections(level, name) => return Err(Exit::Native),
        _ => {
            // SAFETY: the caller's arguments.
            unsafe { tls::option(&names, false, level, name, value, len) }?;
            return Ok(0);
        }
    };
    let room = room(len)?.min(size_of_val(&known));
    // SAFETY: the caller's arguments.
    unsafe {
        mem::write_all(value.cast(), &known.to_ne_bytes()[..room])?;
        mem::write(len, room as socklen_t)?;
    }
    Ok(0)
}

/// setsockopt(2): the same.
///
/// # Safety
/// As the C function.
pub unsafe fn setsockopt(
    fd: c_int, level: c_int, name: c_int, value: *const c_void, len: socklen_t,
) -> Result<c_int, Exit> {
    if !is_connections(level, name) {
        return Err(Exit::Native);
    }
    let names = Names::read(fd).ok_or(Exit::Native)?;
    let mut len = len;
    // SAFETY: the caller's arguments, which are read.
    unsafe { tls::option(&names, true, level, name, value.cast_mut(), &mut len) }?;
    Ok(0)
}

fn is_connections(level: c_int, name: c_int) -> bool {
    match level {
        libc::SOL_SOCKET => name == libc::SO_KEEPALIVE,
        _ => matches!(level, libc::IPPROTO_TCP | libc::IPPROTO_IP | libc::IPPROTO_IPV6),
    }
}

/// listen(2), before the real call.
///
/// # Safety
/// None is needed; it is called as all operations are.
pub unsafe fn listen(fd: c_int, _: c_int) -> Result<c_int, Exit> {
    tls::listens(fd);
    Err(Exit::Native)
}

/// shutdown(2), before the real call.
///
/// # Safety
/// None is needed, as above.
pub unsafe fn shutdown(fd: c_int, how: c_int) -> Result<c_int, Exit> {
    if how == libc::SHUT_WR {
        tls::shuts(fd);
    }
    Err(Exit::Native)
}

/// greenlet_ssl_listener(3).
///
/// # Safety
/// `host` is null or a C string; the others are C strings, or null.
pub unsafe fn ssl_listener(
    host: *const c_char, port: c_int, certificates: *const c_char, key: *const c_char, backlog: c_int,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's strings. The look-up may unwind: what has been read is in a bare pointer meanwhile.
    unsafe {
        let (certificates, key) = (text(certificates)?, text(key)?);
        let identity = Box::into_raw(Box::new(read(|| Identity::read(certificates, key), "greenlet_ssl_listener")?));
        let made = net::tcp_listener(host, port, backlog);
        let identity = *Box::from_raw(identity);
        let listener = made?;
        match Names::port_of_listener(listener) {
            Some(port) => tls::serve(identity, port),
            None => return Err(Exit::Errno(libc::EINVAL)),
        }
        Ok(listener)
    }
}

/// greenlet_connect_ssl(3).
///
/// # Safety
/// C strings, or null.
pub unsafe fn connect_ssl(host: *const c_char, port: c_int, options: *const c_char) -> Result<c_int, Exit> {
    // SAFETY: the caller's strings; as above.
    let (terms, made) = unsafe {
        let name = if host.is_null() { "localhost" } else { text(host)? };
        let options = if options.is_null() { "" } else { text(options)? };
        let terms = Box::into_raw(Box::new(read(|| Terms::read(name, options), "greenlet_connect_ssl")?));
        let made = net::connect_tcp(host, port, core::ptr::null());
        (*Box::from_raw(terms), made)
    };
    let made = made?;
    let begun = terms.begin().map_err(|_| Errno(libc::ENOMEM));
    let done = match begun.and_then(|client| tls::connected(made, libc::SOCK_CLOEXEC, client)) {
        Ok(()) => await_handshake(made),
        Err(e) => Err(e.into()),
    };
    if done.is_err() {
        // SAFETY: the descriptor is nobody else's.
        let _ = unsafe { fd::close_now(made) };
    }
    done.map(|()| made)
}

/// connect(2) has answered. If it was to a server that speaks TLS, and the connection is made or under way, then the descriptor is that of
/// a connection in TLS when this returns. Nothing is said in the clear: where that cannot be, the connection is shut down.
///
/// # Safety
/// As the C function.
pub unsafe fn connected(fd: c_int, address: *const sockaddr, len: socklen_t, answer: c_int) -> Result<c_int, Exit> {
    // SAFETY: libc gives the calling thread's own errno.
    let errno = if answer == 0 { 0 } else { unsafe { *libc::__errno_location() } };
    let is_begun = matches!(errno, 0 | libc::EINPROGRESS | libc::EINTR)
        && sysfd::sockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_TYPE) == Ok(libc::SOCK_STREAM);
    match is_begun.then(|| tls::connect::client_for(address, len)).flatten() {
        None if answer == 0 => Ok(answer),
        // A local socket does not know the address.
        None if errno == libc::EINVAL && Names::read(fd).is_some() => Err(Exit::Errno(libc::EISCONN)),
        None => Err(Exit::Errno(errno)),
        Some(client) => {
            let done = client.map_err(Exit::from).and_then(|client| secure(fd, client, errno));
            if done.is_err() {
                // SAFETY: integers.
                let _ = unsafe { crate::syscall!(libc::SYS_shutdown, fd, libc::SHUT_RDWR) };
            }
            done.map(|()| 0)
        }
    }
}

/// sendto(2). TCP's takes no notice of an address once it is connected; where one would connect by it (TCP Fast Open) and the server is
/// wanted in TLS, it is not to be had: that is what the kernel says where it is turned off.
///
/// # Safety
/// As the C function.
pub unsafe fn sendto(
    fd: c_int, buf: *const c_void, len: usize, flags: c_int, address: *const sockaddr, address_len: socklen_t,
) -> Result<isize, Exit> {
    if !tls::is_on() {
        // SAFETY: the caller's arguments.
        return unsafe { io::sendto(fd, buf, len, flags, address, address_len) };
    }
    let is_ours = !address.is_null() && Names::read(fd).is_some();
    let (address, address_len) = if is_ours { (core::ptr::null(), 0) } else { (address, address_len) };
    refuse_to_open(flags, address, address_len)?;
    // SAFETY: the caller's arguments, or none of its address.
    unsafe {
        send(
            is_ours,
            || io::sendto(fd, buf, len, flags, address, address_len),
            || crate::syscall!(libc::SYS_sendto, fd, buf, len, flags, 0usize, 0usize),
        )
    }
}

/// sendmsg(2): the same.
///
/// # Safety
/// As the C function.
pub unsafe fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> Result<isize, Exit> {
    if !tls::is_on() {
        // SAFETY: the caller's arguments.
        return unsafe { io::sendmsg(fd, message, flags) };
    }
    let mut plain = mem::read(message)?;
    let is_ours = !plain.msg_name.is_null() && Names::read(fd).is_some();
    if is_ours {
        (plain.msg_name, plain.msg_namelen) = (core::ptr::null_mut(), 0);
    }
    refuse_to_open(flags, plain.msg_name.cast(), plain.msg_namelen)?;
    // SAFETY: the caller's message, or it without its address.
    unsafe {
        send(
            is_ours,
            || io::sendmsg(fd, if is_ours { &plain } else { message }, flags),
            || crate::syscall!(libc::SYS_sendmsg, fd, &raw const plain, flags),
        )
    }
}

/// Sends as `parking` does where the runtime serves the call; else as libc, or, if the program's address is left out, as `bare`.
fn send(
    leaves_out: bool, parking: impl FnOnce() -> Result<isize, Exit>, bare: impl FnOnce() -> Result<usize, Errno>,
) -> Result<isize, Exit> {
    let done = match start::serves(Set::SOCKET) {
        Some(true) => parking(),
        otherwise => Err(by_libc(otherwise)),
    };
    match done {
        Err(Exit::Native | Exit::Offloaded) if leaves_out => Ok(bare()? as isize),
        done => done,
    }
}

/// sendmmsg(2): the same.
///
/// # Safety
/// As the C function.
pub unsafe fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> Result<c_int, Exit> {
    // SAFETY: the caller's messages; the first says where to.
    unsafe {
        if flags & libc::MSG_FASTOPEN != 0 {
            let first = mem::read(messages)?.msg_hdr;
            refuse_to_open(flags, first.msg_name.cast(), first.msg_namelen)?;
        }
        match start::serves(Set::SOCKET) {
            Some(true) => io::sendmmsg(fd, messages, count, flags),
            otherwise => Err(by_libc(otherwise)),
        }
    }
}

/// How libc's own call is made where the set is not served.
fn by_libc(serves: Option<bool>) -> Exit {
    if serves.is_some() { Exit::Offloaded } else { Exit::Native }
}

fn refuse_to_open(flags: c_int, address: *const sockaddr, len: socklen_t) -> Result<(), Errno> {
    let opens = flags & libc::MSG_FASTOPEN != 0 && !address.is_null() && tls::connects();
    if opens && tls::connect::client_for(address, len).is_some() {
        return Err(Errno(libc::EOPNOTSUPP));
    }
    Ok(())
}

/// `errno` as connect(2) has left it, or 0.
fn secure(fd: c_int, client: rustls::ClientConnection, errno: c_int) -> Result<(), Exit> {
    let is_waiting = sysfd::status_flags(fd)? & libc::O_NONBLOCK == 0;
    if is_waiting && errno == libc::EINPROGRESS {
        // The socket's send time-out has passed.
        return Err(Exit::Errno(errno));
    }
    // TCP_FASTOPEN_CONNECT puts it off until something is sent, be it nothing.
    if sysfd::sockopt::<c_int>(fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT) == Ok(1) {
        const FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: no bytes.
        let _ = unsafe { crate::syscall!(libc::SYS_sendto, fd, 0usize, 0usize, FLAGS, 0usize, 0usize) };
    }
    net::await_connection(fd)?;
    // SAFETY: F_GETFD takes no pointer.
    let closes = unsafe { crate::syscall!(libc::SYS_fcntl, fd, libc::F_GETFD) }? as c_int & libc::FD_CLOEXEC != 0;
    let flags = if is_waiting { 0 } else { libc::SOCK_NONBLOCK } | if closes { libc::SOCK_CLOEXEC } else { 0 };
    let elsewhere = Elsewhere::of(fd);
    let done = tls::connected(fd, flags, client);
    elsewhere.follow(fd);
    done?;
    if is_waiting { await_handshake(fd) } else { Ok(()) }
}

/// Waits for the byte that says that the handshake is done.
fn await_handshake(made: c_int) -> Result<(), Exit> {
    net::await_events(made, libc::POLLIN)?;
    let mut done = 0u8;
    // SAFETY: a live byte.
    let got =
        unsafe { crate::syscall!(libc::SYS_recvfrom, made, &raw mut done, 1usize, libc::MSG_DONTWAIT, 0usize, 0usize) };
    if got == Ok(1) { Ok(()) } else { Err(Exit::Errno(libc::EPROTO)) }
}

/// Reads files, while others may go on. What is wrong is said in one line.
fn read<R>(call: impl FnOnce() -> Result<R, Problem>, whose: &str) -> Result<R, Errno> {
    if !start::loaded() {
        return Err(Errno(libc::ENOTSUP));
    }
    let scope = offload::enter();
    let done = call();
    offload::leave(scope);
    done.map_err(|problem| {
        config::say(format_args!("{whose}: {problem}"));
        problem.errno
    })
}

/// # Safety
/// A C string that lives for `'a`, or null.
unsafe fn text<'a>(string: *const c_char) -> Result<&'a str, Errno> {
    if string.is_null() {
        return Err(Errno::INVAL);
    }
    // SAFETY: the caller's string.
    unsafe { CStr::from_ptr(string) }.to_str().map_err(|_| Errno::INVAL)
}
