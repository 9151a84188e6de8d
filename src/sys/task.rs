//! What the kernel says of one of this process's kernel threads.

use super::sig::Mask;
use super::time;
use crate::syscall;
use core::ffi::CStr;
use core::fmt::Write;

/// What holds a thread up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It runs, or would if it had a CPU.
    Runnable,
    /// It waits for the machine or for another thread of the process: a disk, a page, a lock.
    Held,
    /// It waits for something from outside, which may never come.
    Waiting,
}

/// What the thread does now. One that cannot be asked counts as held.
pub fn state_of(tid: u32) -> State {
    match read(tid, "stat", state) {
        Some(b'R') => State::Runnable,
        Some(b'S') if read(tid, "syscall", call).is_some_and(|nr| nr != libc::SYS_futex) => State::Waiting,
        _ => State::Held,
    }
}

/// Signals that are pending for a thread alone, and for the process. None where that cannot be asked.
pub fn pending(tid: u32) -> (Mask, Mask) {
    let set = |text: &[u8], name| Mask::from_str_radix(field(text, name)?, 16).ok();
    read_up_to::<STATUS, _>(tid, "status", |text| Some((set(text, "SigPnd:")?, set(text, "ShdPnd:")?)))
        .unwrap_or((0, 0))
}

/// How many descriptors the table of the process has room for before it grows.
pub fn table_size() -> Option<u32> {
    read_up_to::<STATUS, _>(super::getpid() as u32, "status", |text| field(text, "FDSize:")?.parse().ok())
        .filter(|&size| size != 0)
}

/// What is read of a thread's `status`.
const STATUS: usize = 4096;

/// A line of it, after its name.
fn field<'a>(text: &'a [u8], name: &str) -> Option<&'a str> {
    let text = core::str::from_utf8(text).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Whether `is_it` holds of some kernel thread of this process.
pub fn any(is_it: impl FnMut(u32) -> bool) -> bool {
    any_number_in(c"/proc/self/task", is_it)
}

/// Whether `is_it` holds of some descriptor of this process, which may have been closed meanwhile.
pub fn any_descriptor(is_it: impl FnMut(u32) -> bool) -> bool {
    any_number_in(c"/proc/self/fd", is_it)
}

fn any_number_in(directory: &CStr, mut is_it: impl FnMut(u32) -> bool) -> bool {
    /// In `struct linux_dirent64`: the record's length, and the name.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut records = [0u8; 2048];
    // SAFETY: the path is NUL-terminated; the kernel writes at most the buffer's size.
    unsafe {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
        let Ok(fd) = syscall!(libc::SYS_openat, libc::AT_FDCWD, directory.as_ptr(), flags) else {
            return false;
        };
        let mut found = false;
        while !found && let Ok(n @ 1..) = syscall!(libc::SYS_getdents64, fd, records.as_mut_ptr(), records.len()) {
            let mut at = 0;
            while at + NAME < n && !found {
                let length = u16::from_ne_bytes([records[at + LENGTH], records[at + LENGTH + 1]]) as usize;
                let name = &records[at + NAME..(at + length).min(n)];
                let digits = name.iter().position(|b| !b.is_ascii_digit()).unwrap_or(name.len());
                let tid = core::str::from_utf8(&name[..digits]).ok().and_then(|name| name.parse().ok());
                found = tid.is_some_and(&mut is_it);
                at += length.max(1);
            }
        }
        let _ = syscall!(libc::SYS_close, fd);
        found
    }
}

/// Reads a file of the thread's, or the beginning of it.
fn read<T>(tid: u32, file: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    read_up_to::<128, T>(tid, file, parse)
}

fn read_up_to<const N: usize, T>(tid: u32, file: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut path = super::Line::new();
    let _ = write!(path, "/proc/self/task/{tid}/{file}\0");
    let mut text = [0u8; N];
    // SAFETY: the path is NUL-terminated; the kernel writes at most the buffer's size.
    let n = unsafe {
        let Ok(fd) =
            syscall!(libc::SYS_openat, libc::AT_FDCWD, path.bytes().as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC)
        else {
            return None;
        };
        let n = syscall!(libc::SYS_read, fd, text.as_mut_ptr(), text.len());
        let _ = syscall!(libc::SYS_close, fd);
        n.unwrap_or(0)
    };
    parse(&text[..n])
}

/// Gives a kernel thread of this process a name, which ends with a NUL.
pub fn set_name(tid: u32, name: &[u8; 16]) {
    let mut path = super::Line::new();
    let _ = write!(path, "/proc/self/task/{tid}/comm\0");
    let len = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    // SAFETY: the path is NUL-terminated; the name is a live array of at least that length.
    unsafe {
        let Ok(fd) =
            syscall!(libc::SYS_openat, libc::AT_FDCWD, path.bytes().as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC)
        else {
            return;
        };
        let _ = syscall!(libc::SYS_write, fd, name.as_ptr(), len);
        let _ = syscall!(libc::SYS_close, fd);
    }
}

/// The number of the system call that a blocked thread is in: the first word.
fn call(text: &[u8]) -> Option<i64> {
    core::str::from_utf8(text).ok()?.split_ascii_whitespace().next()?.parse().ok()
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
    fn call_is_the_first_word() {
        assert_eq!(call(b"202 0x7f 0x89"), Some(libc::SYS_futex));
        assert_eq!(call(b"running\n"), None);
    }

    #[test]
    fn the_asking_thread_runs() {
        assert_eq!(state_of(super::super::gettid()), State::Runnable);
        assert!(cpu_time(super::super::gettid()) > 0);
        assert_eq!(state_of(0), State::Held);
    }
}
