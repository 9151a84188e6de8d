//! greenlet_tcp_listener(3) and greenlet_connect_tcp(3): sockets by name, for both families.
//!
//! The look-up is libc's own, so nsswitch.conf holds, with the permit given up. The connection is that of RFC 8305: the
//! addresses take turns by family, and the next is tried beside those under way when one has failed, or after a quarter of a
//! second. The sockets are our own until one is handed out, so they may be non-blocking meanwhile; all system calls are direct,
//! and the program sees none of the sockets that lose.
//!
//! Rejected: a look-up of each family at the same time. It would need two threads, and libc asks for both at once.

use super::{fd, offload, readiness};
use crate::errno::{Errno, Exit};
use crate::real;
use crate::start;
use crate::sys::{fd as sysfd, time};
use crate::syscall;
use core::ffi::{CStr, c_char, c_int};
use core::ptr::null;
use libc::{addrinfo, pollfd, sockaddr_in, sockaddr_in6};

/// RFC 8305, section 8: the connection attempt delay.
const STAGGER: u64 = time::SECOND / 4;

/// What a name stands for: libc's list, which is given back.
struct Found(*mut addrinfo);

impl Drop for Found {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: a list of getaddrinfo's that nobody else has.
            unsafe { real::freeaddrinfo(self.0) };
        }
    }
}

impl Found {
    fn iter(&self) -> impl Iterator<Item = &addrinfo> {
        // SAFETY: the list lives as long as this.
        unsafe { each(self.0) }
    }
}

/// # Safety
/// A list of getaddrinfo's, or null, which lives for `'a`.
pub unsafe fn each<'a>(list: *const addrinfo) -> impl Iterator<Item = &'a addrinfo> {
    // SAFETY: the caller's list.
    core::iter::successors(unsafe { list.as_ref() }, |a| unsafe { a.ai_next.as_ref() })
}

/// The error number that stands for what a look-up says.
fn errno_of(eai: c_int) -> Errno {
    Errno(match eai {
        libc::EAI_NONAME | libc::EAI_NODATA => libc::ENOENT,
        libc::EAI_AGAIN => libc::EAGAIN,
        libc::EAI_MEMORY => libc::ENOMEM,
        libc::EAI_FAMILY | EAI_ADDRFAMILY => libc::EAFNOSUPPORT,
        // SAFETY: libc gives the calling thread's own errno.
        libc::EAI_SYSTEM => unsafe { *libc::__errno_location() },
        libc::EAI_FAIL => libc::EIO,
        _ => libc::EINVAL,
    })
}

/// `netdb.h`: the name has no address of the family that was asked for.
const EAI_ADDRFAMILY: c_int = -9;

/// What `host` stands for, with this port: a bare list, since a cancelled thread unwinds from here.
///
/// # Safety
/// `host` is null or a C string. No caller up to the hook holds a value with a destructor.
unsafe fn look_up(host: *const c_char, port: c_int, flags: c_int) -> Result<*mut addrinfo, Errno> {
    let Ok(port) = u16::try_from(port) else { return Err(Errno::INVAL) };
    // SAFETY: all zeros is a valid value.
    let mut hints: addrinfo = unsafe { core::mem::zeroed() };
    (hints.ai_socktype, hints.ai_flags) = (libc::SOCK_STREAM, flags);
    let mut list = core::ptr::null_mut();
    // Without a host libc wants a service.
    let service = if host.is_null() { c"0".as_ptr() } else { null() };
    let scope = offload::enter();
    // SAFETY: the caller's string, live hints and a place for the list.
    let eai = unsafe { real::getaddrinfo(host, service, &hints, &mut list) };
    offload::leave(scope);
    if eai != 0 {
        return Err(errno_of(eai));
    }
    // SAFETY: libc's list, which is nobody else's.
    for a in unsafe { each(list) }.filter(|a| matches!(a.ai_family, libc::AF_INET | libc::AF_INET6)) {
        // SAFETY: an address of one of these families, which have the port in one place.
        unsafe { (*a.ai_addr.cast::<sockaddr_in>()).sin_port = port.to_be() };
    }
    Ok(list)
}

/// What the system has for a name, now: libc's list, to be given back. No caller up to the hook holds a value with a destructor.
pub fn addresses_of(name: &CStr) -> Result<*mut addrinfo, Errno> {
    // SAFETY: a C string.
    unsafe { look_up(name.as_ptr(), 0, 0) }
}

/// # Safety
/// A list of [`addresses_of`], which nobody has.
pub unsafe fn give_back(list: *mut addrinfo) {
    drop(Found(list));
}

/// A socket that is closed unless it is taken.
struct Socket(c_int);

impl Drop for Socket {
    fn drop(&mut self) {
        if self.0 >= 0 {
            // SAFETY: an integer, and the socket is nobody else's.
            let _ = unsafe { fd::close_now(self.0) };
        }
    }
}

impl Socket {
    fn new(family: c_int, flags: c_int) -> Result<Socket, Errno> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags;
        // SAFETY: integers.
        let made = unsafe { syscall!(libc::SYS_socket, family, kind, 0) }? as c_int;
        if start::active() {
            fd::opened(made);
        }
        Ok(Socket(made))
    }

    fn into_fd(mut self) -> c_int {
        core::mem::replace(&mut self.0, -1)
    }

    fn set(&self, level: c_int, name: c_int, value: c_int) -> Result<(), Errno> {
        // SAFETY: a live int of that size.
        unsafe { syscall!(libc::SYS_setsockopt, self.0, level, name, &raw const value, size_of::<c_int>()) }.map(|_| ())
    }

    /// # Safety
    /// `addr` has `len` bytes.
    unsafe fn bind(&self, addr: *const libc::sockaddr, len: u32) -> Result<(), Errno> {
        // SAFETY: the caller's address.
        unsafe { syscall!(libc::SYS_bind, self.0, addr, len) }.map(|_| ())
    }
}

/// greenlet_tcp_listener(3).
///
/// # Safety
/// `host` is null or a C string.
pub unsafe fn tcp_listener(host: *const c_char, port: c_int, backlog: c_int) -> Result<c_int, Exit> {
    if host.is_null() {
        return Ok(listen_anywhere(port, backlog)?);
    }
    // SAFETY: the caller's string.
    let found = Found(unsafe { look_up(host, port, libc::AI_PASSIVE) }?);
    let mut failure = Errno(libc::ENOENT);
    for a in found.iter() {
        match listen_at(a, backlog) {
            Ok(made) => return Ok(made),
            Err(e) => failure = e,
        }
    }
    Err(failure.into())
}

fn listen_at(a: &addrinfo, backlog: c_int) -> Result<c_int, Errno> {
    // SAFETY: the list's address.
    unsafe { listen(a.ai_family, true, a.ai_addr, a.ai_addrlen, backlog) }
}

/// On all addresses: of both families by one socket, or of IPv4 where there is no other.
fn listen_anywhere(port: c_int, backlog: c_int) -> Result<c_int, Errno> {
    let Ok(port) = u16::try_from(port) else { return Err(Errno::INVAL) };
    // SAFETY: all zeros are valid values, and mean any address.
    let (mut both, mut four): (sockaddr_in6, sockaddr_in) = unsafe { core::mem::zeroed() };
    (both.sin6_family, both.sin6_port) = (libc::AF_INET6 as u16, port.to_be());
    (four.sin_family, four.sin_port) = (libc::AF_INET as u16, port.to_be());
    // SAFETY: live addresses of these sizes.
    unsafe {
        match listen(libc::AF_INET6, false, (&raw const both).cast(), size_of_val(&both) as u32, backlog) {
            Err(Errno(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)) => {}
            end => return end,
        }
        listen(libc::AF_INET, true, (&raw const four).cast(), size_of_val(&four) as u32, backlog)
    }
}

/// A listener; one of IPv6 takes that alone, or both.
///
/// # Safety
/// `addr` has `len` bytes.
unsafe fn listen(
    family: c_int, alone: bool, addr: *const libc::sockaddr, len: u32, backlog: c_int,
) -> Result<c_int, Errno> {
    let socket = Socket::new(family, 0)?;
    socket.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if family == libc::AF_INET6 {
        socket.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, alone.into())?;
    }
    // SAFETY: the caller's address; integers.
    unsafe {
        socket.bind(addr, len)?;
        syscall!(libc::SYS_listen, socket.0, backlog)?;
    }
    Ok(socket.into_fd())
}

/// greenlet_connect_tcp(3).
///
/// # Safety
/// `host` and `local` are null or C strings.
pub unsafe fn connect_tcp(host: *const c_char, port: c_int, local: *const c_char) -> Result<c_int, Exit> {
    // SAFETY: the caller's strings; only bare pointers so far.
    let (found, from) = unsafe {
        let found = look_up(host, port, 0)?;
        (found, if local.is_null() { Ok(core::ptr::null_mut()) } else { look_up(local, 0, libc::AI_PASSIVE) })
    };
    let found = Found(found);
    let from = Found(from?);
    Race::new(&from).run(&by_turns(&found))
}

/// Waits until a connection that is under way is made.
pub fn await_connection(fd: c_int) -> Result<(), Exit> {
    await_events(fd, libc::POLLOUT)?;
    match sysfd::sockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(()),
        e => Err(Exit::Errno(e)),
    }
}

/// Waits for one of `events`, for the socket's send time-out at most: as connect(2), which says EINPROGRESS then.
pub fn await_events(fd: c_int, events: i16) -> Result<(), Exit> {
    let limit = sysfd::socket_timeout(fd, libc::SO_SNDTIMEO).map(time::after);
    loop {
        let left = limit.map_or(-1, |at| at.saturating_sub(time::now()).div_ceil(1_000_000) as c_int);
        match poll(&mut [pollfd { fd, events, revents: 0 }], left) {
            Err(Exit::Errno(libc::EINTR)) => {}
            Err(e) => return Err(e),
            Ok(0) => return Err(Exit::Errno(libc::EINPROGRESS)),
            Ok(_) => return Ok(()),
        }
    }
}

/// The addresses in libc's order, but the families by turns, beginning with that of the first.
fn by_turns(found: &Found) -> Vec<&addrinfo> {
    let Some(first) = found.iter().next() else { return Vec::new() };
    let mut preferred = found.iter().filter(|a| a.ai_family == first.ai_family);
    let mut others = found.iter().filter(|a| a.ai_family != first.ai_family);
    let mut order = Vec::new();
    loop {
        let pair = [preferred.next(), others.next()];
        order.extend(pair.into_iter().flatten());
        if pair.iter().all(Option::is_none) {
            return order;
        }
    }
}

/// Connections under way. Those that have not won are closed with it.
struct Race<'a> {
    from: &'a Found,
    sockets: Vec<Socket>,
    /// Why the last that failed has.
    failure: Errno,
}

impl<'a> Race<'a> {
    fn new(from: &'a Found) -> Race<'a> {
        Race { from, sockets: Vec::new(), failure: Errno(libc::ENOENT) }
    }

    fn run(mut self, addresses: &[&addrinfo]) -> Result<c_int, Exit> {
        let mut left = addresses.iter();
        loop {
            match left.next().map(|a| self.begin(a)) {
                Some(Ok(won)) => return hand_out(won),
                Some(Err(Errno(libc::EINPROGRESS))) => {}
                Some(Err(e)) => {
                    self.failure = e;
                    continue;
                }
                None if self.sockets.is_empty() => return Err(self.failure.into()),
                None => {}
            }
            let until = (left.len() != 0).then(|| time::after(STAGGER));
            if let Some(won) = self.wait(until)? {
                return hand_out(won);
            }
        }
    }

    /// Begins a connection, which is done at once only rarely.
    fn begin(&mut self, to: &addrinfo) -> Result<Socket, Errno> {
        let socket = Socket::new(to.ai_family, libc::SOCK_NONBLOCK)?;
        if !self.from.0.is_null() {
            let of_family = self.from.iter().find(|a| a.ai_family == to.ai_family);
            let a = of_family.ok_or(Errno(libc::EADDRNOTAVAIL))?;
            // SAFETY: the list's address.
            unsafe { socket.bind(a.ai_addr, a.ai_addrlen) }?;
        }
        // SAFETY: the list's address.
        match unsafe { syscall!(libc::SYS_connect, socket.0, to.ai_addr, to.ai_addrlen) } {
            Ok(_) => Ok(socket),
            Err(e) => {
                if e == Errno(libc::EINPROGRESS) {
                    self.sockets.push(socket);
                }
                Err(e)
            }
        }
    }

    /// Waits until one has won, which is returned, or one has failed, or it is time to begin another.
    fn wait(&mut self, until: Option<u64>) -> Result<Option<Socket>, Exit> {
        loop {
            let mut all: Vec<pollfd> =
                self.sockets.iter().map(|s| pollfd { fd: s.0, events: libc::POLLOUT, revents: 0 }).collect();
            let left = until.map(|u| u.saturating_sub(time::now()).div_ceil(1_000_000) as c_int);
            match poll(&mut all, left.unwrap_or(-1)) {
                Err(Exit::Errno(libc::EINTR)) => continue,
                Err(e) => return Err(e),
                Ok(0) => return Ok(None),
                Ok(_) => {}
            }
            let Some(at) = all.iter().position(|p| p.revents != 0) else { return Ok(None) };
            let socket = self.sockets.swap_remove(at);
            match sysfd::sockopt::<c_int>(socket.0, libc::SOL_SOCKET, libc::SO_ERROR)? {
                0 => return Ok(Some(socket)),
                e => self.failure = Errno(e),
            }
            return Ok(None);
        }
    }
}

fn poll(all: &mut [pollfd], timeout: c_int) -> Result<usize, Exit> {
    // SAFETY: a live array of that length.
    unsafe {
        match readiness::poll(all.as_mut_ptr(), all.len() as u64, timeout) {
            // A kernel thread waits in the kernel.
            Err(Exit::Native) => Ok(syscall!(libc::SYS_poll, all.as_mut_ptr(), all.len(), timeout)?),
            end => end.map(|n| n as usize),
        }
    }
}

/// The program's sockets block.
fn hand_out(socket: Socket) -> Result<c_int, Exit> {
    let flags = sysfd::status_flags(socket.0)?;
    sysfd::set_status_flags(socket.0, flags & !libc::O_NONBLOCK)?;
    Ok(socket.into_fd())
}
