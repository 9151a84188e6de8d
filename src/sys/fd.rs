//! System calls on descriptors, without blocking where that can be asked for.

use super::time::Timespec;
use crate::errno::Errno;
use crate::syscall;

pub type Fd = i32;

/// `poll` with a zero timeout on one descriptor; the ready events, or 0.
pub fn poll_now(fd: Fd, events: i16) -> i16 {
    let mut p = libc::pollfd { fd, events, revents: 0 };
    loop {
        // SAFETY: one live pollfd.
        match unsafe { syscall!(libc::SYS_poll, &raw mut p, 1usize, 0usize) } {
            Ok(1..) => return p.revents,
            // Even a call that does not wait says so, and would pass for one that found nothing.
            Err(Errno::INTR) => {}
            _ => return 0,
        }
    }
}

/// Waits in the kernel until there is something to read, or the end; or for a signal.
pub fn await_input(fd: Fd) {
    let mut p = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one live pollfd.
    let _ = unsafe { syscall!(libc::SYS_poll, &raw mut p, 1usize, -1isize) };
}

pub fn close(fd: Fd) -> Result<(), Errno> {
    // SAFETY: closing affects the kernel's table only.
    unsafe { syscall!(libc::SYS_close, fd) }.map(|_| ())
}

/// Whether it is a terminal, one that has been hung up included.
pub fn is_terminal(fd: Fd) -> bool {
    let mut settings = [0u8; 64];
    // SAFETY: the kernel's termios is 36 bytes.
    let got = unsafe { syscall!(libc::SYS_ioctl, fd, libc::TCGETS, settings.as_mut_ptr()) };
    got != Err(Errno(libc::ENOTTY))
}

/// Whether it is an end of a pipe.
pub fn is_pipe(fd: Fd) -> bool {
    // SAFETY: F_GETPIPE_SZ takes no pointer.
    unsafe { syscall!(libc::SYS_fcntl, fd, libc::F_GETPIPE_SZ) }.is_ok()
}

/// Whether it is an end of a pipe without a name.
pub fn is_unnamed_pipe(fd: Fd) -> bool {
    /// PIPEFS_MAGIC (linux/magic.h), the first word of `struct statfs`.
    const PIPEFS: u64 = 0x5049_5045;
    let mut statfs = [0u64; 15];
    // SAFETY: the kernel's structure is 120 bytes.
    let got = unsafe { syscall!(libc::SYS_fstatfs, fd, statfs.as_mut_ptr()) };
    got.is_ok() && statfs[0] == PIPEFS
}

/// Whether it is a socket that knows no messages.
pub fn is_stream(fd: Fd) -> bool {
    sockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE) == Ok(libc::SOCK_STREAM)
}

/// The file status flags of the description (`F_GETFL`).
pub fn status_flags(fd: Fd) -> Result<i32, Errno> {
    // SAFETY: F_GETFL takes no pointer.
    unsafe { syscall!(libc::SYS_fcntl, fd, libc::F_GETFL) }.map(|f| f as i32)
}

pub fn set_status_flags(fd: Fd, flags: i32) -> Result<(), Errno> {
    // SAFETY: F_SETFL takes an integer.
    unsafe { syscall!(libc::SYS_fcntl, fd, libc::F_SETFL, flags) }.map(|_| ())
}

/// A socket option of type `T`.
pub fn sockopt<T: Copy + Default>(fd: Fd, level: i32, name: i32) -> Result<T, Errno> {
    let mut value = T::default();
    let mut len = size_of::<T>() as u32;
    // SAFETY: the kernel writes at most `len` bytes into `value` and the length into `len`.
    unsafe { syscall!(libc::SYS_getsockopt, fd, level, name, &raw mut value, &raw mut len) }.map(|_| value)
}

/// A socket's error, which it then has no more.
pub fn take_error(fd: Fd) -> Option<Errno> {
    sockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR).ok().filter(|&e| e != 0).map(Errno)
}

/// How many bytes there are to read, or 0.
pub fn queued(fd: Fd) -> i32 {
    let mut n = 0;
    // SAFETY: the kernel writes one int.
    match unsafe { syscall!(libc::SYS_ioctl, fd, libc::FIONREAD, &raw mut n) } {
        Ok(_) => n,
        Err(_) => 0,
    }
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Timeval {
    sec: i64,
    usec: i64,
}

/// `SO_RCVTIMEO` or `SO_SNDTIMEO` in nanoseconds; `None` when unset or not a socket.
pub fn socket_timeout(fd: Fd, name: i32) -> Option<u64> {
    let tv: Timeval = sockopt(fd, libc::SOL_SOCKET, name).ok()?;
    let ns = Timespec { sec: tv.sec, nsec: tv.usec * 1000 }.nanos();
    (ns != 0).then_some(ns)
}
