//! What the kernel says of one of this process's kernel threads.

use super::time;
use crate::syscall;
use core::fmt::Write;

/// Whether it runs, or would if it had a CPU. A thread that cannot be asked counts as blocked.
pub fn is_runnable(tid: u32) -> bool {
    let mut path = super::Line::new();
    let _ = write!(path, "/proc/self/task/{tid}/stat\0");
    let mut text = [0u8; 128];
    // SAFETY: the path is NUL-terminated; the kernel writes at most the buffer's size.
    let n = unsafe {
        let Ok(fd) =
            syscall!(libc::SYS_openat, libc::AT_FDCWD, path.bytes().as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC)
        else {
            return false;
        };
        let n = syscall!(libc::SYS_read, fd, text.as_mut_ptr(), text.len());
        let _ = syscall!(libc::SYS_close, fd);
        n.unwrap_or(0)
    };
    state(&text[..n]) == Some(b'R')
}

/// The state letter: after the name, which may hold anything but ends at the last parenthesis.
fn state(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|&b| b == b')')?;
    stat.get(end + 2).copied()
}

/// CPU time it has used, in nanoseconds; 0 when it is gone.
pub fn cpu_time(tid: u32) -> u64 {
    const PER_THREAD_SCHED: i32 = 6;
    time::clock((!(tid as i32) << 3) | PER_THREAD_SCHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_after_the_name() {
        assert_eq!(state(b"12 (a) R b) S 1 2"), Some(b'S'));
        assert_eq!(state(b"12 (x"), None);
    }

    #[test]
    fn the_asking_thread_runs() {
        assert!(is_runnable(super::super::gettid()));
        assert!(cpu_time(super::super::gettid()) > 0);
        assert!(!is_runnable(0));
    }
}
