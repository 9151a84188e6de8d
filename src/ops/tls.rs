//! getsockname(2), getpeername(2), getsockopt(2) and setsockopt(2) of a connection that speaks TLS: the program's descriptor is
//! a local socket (`crate::tls`), and what it is told is the connection's.

use crate::errno::{Errno, Exit};
use crate::sys::mem;
use crate::tls::{self, Names};
use core::ffi::{c_int, c_void};
use libc::{sockaddr, socklen_t};

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
    let names = Names::read(fd).ok_or(Exit::Native)?;
    // SAFETY: the caller's arguments.
    unsafe { tell(names.there.bytes(), address.cast(), len) }
}

/// As the kernel tells addresses: as much as there is room for, and how long it is.
///
/// # Safety
/// `to` has room for `*len` bytes.
unsafe fn tell(what: &[u8], to: *mut u8, len: *mut socklen_t) -> Result<c_int, Exit> {
    let room = usize::try_from(mem::read(len)? as i32).map_err(|_| Errno::INVAL)?;
    // SAFETY: the caller's promise.
    unsafe {
        to.copy_from_nonoverlapping(what.as_ptr(), room.min(what.len()));
        len.write(what.len() as socklen_t);
    }
    Ok(0)
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
    let room = usize::try_from(mem::read(len)? as i32).map_err(|_| Errno::INVAL)?.min(size_of_val(&known));
    // SAFETY: the caller's arguments.
    unsafe {
        value.cast::<u8>().copy_from_nonoverlapping(known.to_ne_bytes().as_ptr(), room);
        len.write(room as socklen_t);
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
