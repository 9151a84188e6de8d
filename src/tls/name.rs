//! The abstract name of the program's end: who is behind it.
//!
//! Both addresses of the connection, and which process has it. The kernel keeps it for as long as there is a
//! descriptor, and tells it to whoever has one. Nobody can connect to it, since nobody listens there; a part of it is
//! drawn by lot, so that nobody can take it beforehand, and no other process of the same number has it.

use crate::atomic::{AtomicU32, Ordering};
use crate::errno::Errno;
use crate::sys;
use crate::syscall;
use core::ffi::c_int;
use libc::sockaddr_un;

/// A NUL, as abstract names begin, and what no other program calls its sockets.
const MAGIC: [u8; 16] = *b"\0greenlet-tls/1\0";
/// The longest of an Internet socket.
const ADDRESS: usize = size_of::<libc::sockaddr_in6>();

/// An address of TCP, with its length.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Address {
    bytes: [u8; ADDRESS],
    len: u32,
}

impl Address {
    /// Of a peer that has gone.
    const NONE: Address = Address { bytes: [0; ADDRESS], len: 0 };

    /// What `call`, getsockname(2) or getpeername(2), says of the socket; `None` where it is none of TCP's.
    fn of(fd: c_int, call: i64) -> Option<Address> {
        let mut address = Address { bytes: [0; ADDRESS], len: ADDRESS as u32 };
        // SAFETY: the kernel writes at most the buffer's length, and how long it is.
        unsafe { syscall!(call, fd, address.bytes.as_mut_ptr(), &raw mut address.len) }.ok()?;
        matches!(address.family(), libc::AF_INET | libc::AF_INET6).then_some(address)
    }

    pub fn family(&self) -> c_int {
        u16::from_ne_bytes([self.bytes[0], self.bytes[1]]).into()
    }

    fn port(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..(self.len as usize).min(ADDRESS)]
    }
}

#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
pub struct Names {
    magic: [u8; 16],
    /// Tells the connections of a process apart: which it is, below what was drawn by lot.
    pub serial: u64,
    pub process: i32,
    pub here: Address,
    /// Empty where the peer had gone already.
    pub there: Address,
}

/// What of a `sockaddr_un` comes before the name.
const BEFORE: usize = size_of::<libc::sa_family_t>();
const _: () = assert!(size_of::<Names>() + BEFORE <= size_of::<sockaddr_un>());

/// The latest serial number of this process.
static LATEST: AtomicU32 = AtomicU32::new(0);

/// 31 bits that nobody can foretell.
fn lot() -> u64 {
    let mut drawn = 0u32;
    // SAFETY: the kernel writes at most four bytes.
    let _ = unsafe { syscall!(libc::SYS_getrandom, &raw mut drawn, size_of_val(&drawn), libc::GRND_NONBLOCK) };
    u64::from(drawn >> 1)
}

impl Names {
    /// Of a connection of TCP, also of one that its peer has cut already. `None`: it is something else.
    pub fn of_connection(fd: c_int) -> Option<Names> {
        let here = Address::of(fd, libc::SYS_getsockname)?;
        Some(Names {
            magic: MAGIC,
            serial: lot() << 32 | u64::from(LATEST.fetch_add(1, Ordering::Relaxed)),
            process: sys::getpid(),
            here,
            there: Address::of(fd, libc::SYS_getpeername).unwrap_or(Address::NONE),
        })
    }

    /// The port that a socket of TCP is bound to.
    pub fn port_of_listener(fd: c_int) -> Option<u16> {
        Address::of(fd, libc::SYS_getsockname).map(|here| here.port())
    }

    /// The port of this side.
    pub fn port(&self) -> u16 {
        self.here.port()
    }

    /// The names that the descriptor bears; `None`: it is not one of ours.
    pub fn read(fd: c_int) -> Option<Names> {
        // SAFETY: all zeros is a valid value.
        let mut address: sockaddr_un = unsafe { core::mem::zeroed() };
        let mut len = size_of::<sockaddr_un>() as u32;
        // SAFETY: the kernel writes at most the structure's length, and how long it is.
        unsafe { syscall!(libc::SYS_getsockname, fd, &raw mut address, &raw mut len) }.ok()?;
        if c_int::from(address.sun_family) != libc::AF_UNIX || len as usize != BEFORE + size_of::<Names>() {
            return None;
        }
        // SAFETY: so many bytes were written, and every pattern is a value.
        let names: Names = unsafe { (&raw const address.sun_path).cast::<Names>().read_unaligned() };
        (names.magic == MAGIC).then_some(names)
    }

    /// Binds the socket to them.
    pub fn give_to(&self, fd: c_int) -> Result<(), Errno> {
        // SAFETY: all zeros is a valid value.
        let mut address: sockaddr_un = unsafe { core::mem::zeroed() };
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        // SAFETY: the path is long enough, as is checked above.
        unsafe { (&raw mut address.sun_path).cast::<Names>().write_unaligned(*self) };
        // SAFETY: a live address of that length.
        unsafe { syscall!(libc::SYS_bind, fd, &raw const address, BEFORE + size_of::<Names>()) }.map(|_| ())
    }
}
