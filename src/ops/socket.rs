//! connect and accept.

use super::fd;
use super::green;
use super::ready::{On, Slow, finish, until_ready};
use crate::errno::{Errno, Exit};
use crate::reactor::{self, FirstTry};
use crate::report::Call;
use crate::sys::{fd as sysfd, time};
use crate::syscall;
use crate::thread::cancel;
use crate::thread::wait::Wait;
use core::ffi::c_int;
use libc::{sockaddr, socklen_t};

/// accept(2).
///
/// # Safety
/// As the C function.
pub unsafe fn accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { accept4(fd, addr, len, 0) }
}

/// What accept is to do where nothing is ready: only of a listener it waits, and only if there is a number for what may come.
fn why_not_ready(socket: c_int) -> Errno {
    if let Err(e @ Errno(libc::EMFILE | libc::ENFILE)) = reactor::reserve_number() {
        return e;
    }
    match sysfd::sockopt::<c_int>(socket, libc::SOL_SOCKET, libc::SO_ACCEPTCONN) {
        Ok(0) => Errno::BLOCKS,
        Ok(_) => Errno::AGAIN,
        Err(e) => e,
    }
}

/// Whether a call on it says EAGAIN rather than wait.
fn never_waits(socket: c_int) -> Result<bool, Errno> {
    Ok(!reactor::is_plain(socket) && sysfd::status_flags(socket)? & libc::O_NONBLOCK != 0)
}

/// accept4(2). Poll first, then accept, one green thread at a time per listener: between the two another
/// process may take the connection, and then the kernel blocks this worker and rescue covers it.
///
/// # Safety
/// As the C function.
pub unsafe fn accept4(listener: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> Result<c_int, Exit> {
    if flags & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) != 0 {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's arguments.
    let accept_now = |listener| unsafe { syscall!(libc::SYS_accept4, listener, addr, len, flags) };
    let attempt = |listener| {
        let when_polled = || match sysfd::poll_now(listener, libc::POLLIN) {
            0 => Err(why_not_ready(listener)),
            _ => accept_now(listener),
        };
        // Who is alone may have looked before a connection came of which the caller has just been told, for the last time if its
        // set is edge-triggered. A call that does not wait need not be alone.
        let beside = || if never_waits(listener)? { accept_now(listener) } else { Err(Errno::AGAIN) };
        reactor::alone(listener, when_polled, beside)
    };
    let made = until_ready(On::read(listener, Call::Accept), attempt)?;
    fd::opened(made as c_int);
    Ok(made as c_int)
}

/// connect(2). The description is non-blocking for the moment of the call only.
///
/// # Safety
/// As the C function.
pub unsafe fn connect(socket: c_int, addr: *const sockaddr, len: socklen_t) -> Result<c_int, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    let Some(first) = FirstTry::begin(socket) else { return Err(Exit::Native) };
    let flags = sysfd::status_flags(socket)?;
    if flags & libc::O_NONBLOCK != 0 {
        return Err(Exit::Native);
    }
    sysfd::set_status_flags(socket, flags | libc::O_NONBLOCK)?;
    // SAFETY: the caller's address.
    let begun = unsafe { syscall!(libc::SYS_connect, socket, addr, len) };
    let _ = sysfd::set_status_flags(socket, flags);
    match begun {
        Ok(_) => Ok(0),
        // Begun by this call, or by one before it that a limit, a handler or O_NONBLOCK ended: both wait for it.
        // SAFETY: the caller's address.
        Err(begun @ Errno(libc::EINPROGRESS | libc::EALREADY)) => unsafe {
            await_connection(socket, first, begun, addr, len)
        },
        // A Unix listener's backlog is full, and nothing tells when it no longer is: libc's own call, which can be cancelled.
        Err(Errno::AGAIN) => Err(Exit::Offloaded),
        Err(e) => Err(e.into()),
    }
}

/// The handshake is under way: wait for its end, or the socket's send timeout, when the call says what it would have said without
/// waiting (`begun`).
///
/// # Safety
/// As [`connect`].
#[inline(never)]
unsafe fn await_connection(
    socket: c_int, first: FirstTry, begun: Errno, addr: *const sockaddr, len: socklen_t,
) -> Result<c_int, Exit> {
    let limit = sysfd::socket_timeout(socket, libc::SO_SNDTIMEO);
    let hold = first.hold();
    let how = Wait::until(Call::Connect, limit.map(time::after)).cancellable().failing();
    let mut attempt = |socket| {
        if sysfd::poll_now(socket, libc::POLLOUT) == 0 {
            return Err(Errno::AGAIN);
        }
        // The call that collects the outcome, as a blocking one does at its end: a refused socket can then be
        // used again. Another thread that waits for the same connection, or the family itself (AF_VSOCK), may have collected it.
        // SAFETY: the caller's address.
        match unsafe { syscall!(libc::SYS_connect, socket, addr, len) } {
            Ok(_) | Err(Errno(libc::EISCONN)) => Ok(0),
            Err(e) => Err(e),
        }
    };
    match finish(On::write(socket, Call::Connect), hold, &Slow { how, timed: limit.is_some() }, &mut attempt) {
        Err(Exit::Errno(libc::EAGAIN)) => Err(begun.into()),
        end => end,
    }
}
