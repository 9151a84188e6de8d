//! `syscall(2)`, the function: futexes reach the kernel through it from Rust, glib and others. Every number that is
//! not ours goes on untouched, to the real function, from the program's own frame: it may be a clone that returns
//! elsewhere.
//!
//! Six arguments of register size are taken whatever the number, as x86-64 passes them.

use crate::ret::{Answer, Convention};
use core::ffi::c_long;
use engine::{Exit, ops, real::Next};

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
unsafe extern "C-unwind" fn decide_syscall(
    number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
) -> Answer {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(syscall);
    proof!(syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long);
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
