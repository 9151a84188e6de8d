//! Operations: what the program asked for. One function a C function, same arguments, `Result` out.
//!
//! An operation never touches the program's `errno`. It ends with [`Exit::Native`](crate::Exit) when the call
//! is not ours: the thread is foreign or bound, the descriptor cannot be polled, the object is process-shared.

pub mod about;
pub mod alarm;
pub mod c11;
pub mod channel;
pub mod create;
pub mod fd;
pub mod greenlet;
pub mod ids;
pub mod io;
pub mod low_mark;
pub mod net;
pub mod offload;
pub mod old_signal;
pub mod process;
pub mod readiness;
pub mod ready;
pub mod signal;
pub mod socket;
pub mod stdio;
pub mod task;
pub mod thread;
pub mod time;
pub mod tls;
pub mod transfer;

pub use crate::sync::{barrier, cond, mutex, once, rwlock, sem, spin};

pub mod futex {
    //! `syscall(2)`.

    use crate::errno::Exit;
    use core::ffi::c_long;

    /// syscall(2): the numbers that concern threads and descriptors; the others are the real call.
    ///
    /// # Safety
    /// As the system call.
    pub unsafe fn syscall(
        n: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
    ) -> Result<c_long, Exit> {
        match n {
            // SAFETY: the caller's arguments.
            libc::SYS_futex => Ok(unsafe { crate::sync::futex::futex([a, b, c, d, e, f]) }? as c_long),
            // SAFETY: no arguments.
            libc::SYS_gettid => Ok(unsafe { super::about::gettid() }? as c_long),
            // SAFETY: integers.
            libc::SYS_tgkill => Ok(unsafe { super::signal::tgkill(a as i32, b as i32, c as i32) }? as c_long),
            // SAFETY: an integer.
            libc::SYS_close => Ok(unsafe { super::fd::close_now(a as i32) }? as c_long),
            // SAFETY: integers.
            libc::SYS_dup2 => Ok(unsafe { super::fd::dup2(a as i32, b as i32) }? as c_long),
            // SAFETY: integers.
            libc::SYS_dup3 => Ok(unsafe { super::fd::dup3(a as i32, b as i32, c as i32) }? as c_long),
            // SAFETY: integers.
            libc::SYS_close_range => Ok(unsafe { super::fd::close_range(a as u32, b as u32, c as i32) }? as c_long),
            libc::SYS_fork | libc::SYS_clone | libc::SYS_clone3 => {
                // SAFETY: the caller's arguments.
                unsafe { super::process::fork_by_syscall(n, [a, b, c, d, e, f]) }
            }
            libc::SYS_execve | libc::SYS_execveat => {
                // SAFETY: the caller's arguments.
                unsafe { super::process::exec_by_syscall(n, [a, b, c, d, e, f]) }
            }
            libc::SYS_fcntl | libc::SYS_ioctl | libc::SYS_setsockopt => {
                if n == libc::SYS_setsockopt {
                    super::low_mark::note(b as i32, c as i32, d as *const _);
                }
                super::fd::mode_changed();
                Err(Exit::Native)
            }
            // SAFETY: the caller's arguments.
            _ => unsafe { super::task::by_number(n, [a, b, c, d, e, f]) },
        }
    }
}

use crate::thread::Thread;

/// The calling green thread, `None` on foreign and bound threads, whose calls are the real ones.
#[inline]
pub(crate) fn green() -> Option<&'static Thread> {
    crate::thread::current().filter(|t| !t.is_bound())
}
