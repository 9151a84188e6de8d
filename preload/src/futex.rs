//! `syscall(2)`, the function: futexes reach the kernel through it from Rust, glib and others. Every number that is
//! not ours goes on untouched, to the real function, from the program's own frame: it may be a clone that returns
//! elsewhere.
//!
//! Six arguments of register size are taken whatever the number, as x86-64 passes them.

use crate::ret::{Answer, Convention};
use crate::socket;
use core::ffi::{c_int, c_long};
use engine::{Exit, ops, real::Next};
use libc::{sockaddr, socklen_t};

jump! { syscall => decide_syscall }

/// Whether the call is ours in a process that shares memory or descriptors with its parent: who is woken may be a thread of that
/// one, and who is closed under.
fn concerns_others(number: c_long) -> bool {
    match number {
        libc::SYS_futex => engine::started(),
        libc::SYS_close | libc::SYS_dup2 | libc::SYS_dup3 | libc::SYS_close_range => engine::is_table_watched(),
        _ => false,
    }
}

/// What `syscall` does: the operation's answer, or where to jump.
/// What makes connections that may be to speak TLS: as the functions of these names.
///
/// # Safety
/// As these.
unsafe fn secure(number: c_long, a: usize, b: usize, c: usize, d: usize) -> Option<c_int> {
    let (fd, address) = (a as c_int, b as *mut sockaddr);
    // SAFETY: the caller's arguments.
    unsafe {
        match number {
            libc::SYS_accept => Some(socket::accept(fd, address, c as *mut socklen_t)),
            libc::SYS_accept4 => Some(socket::accept4(fd, address, c as *mut socklen_t, d as c_int)),
            libc::SYS_connect => Some(socket::connect(fd, address, c as socklen_t)),
            _ => None,
        }
    }
}

unsafe extern "C-unwind" fn decide_syscall(
    number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
) -> Answer {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(syscall);
    proof!(syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long);
    if engine::tls::is_on()
        // SAFETY: syscall's own contract.
        && let Some(answer) = unsafe { secure(number, a, b, c, d) }
    {
        return Answer::value(c_long::from(answer));
    }
    while engine::active() || concerns_others(number) {
        // SAFETY: the operation has syscall's own contract.
        match unsafe { ops::futex::syscall(number, a, b, c, d, e, f) } {
            Ok(value) => return Answer::value(value),
            Err(Exit::Errno(errno)) => return Answer::value(Convention::failed(errno)),
            // SAFETY: nothing in this frame has a destructor, and the operation has returned.
            Err(Exit::Cancelled) => unsafe { crate::real::test_cancel() },
            Err(Exit::Native | Exit::Offloaded) => break,
        }
    }
    Answer::jump(&NEXT)
}
