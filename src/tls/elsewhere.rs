//! What else the program has of a socket that is about to be replaced at its number: copies at other numbers, by which it could speak in the
//! clear, and places in epoll sets, where the socket, which the pump has now, would go on to be reported.
//!
//! Programs have both before they connect: an event loop registers a socket when it is made.

use crate::ops::fd as descriptors;
use crate::sys::Line;
use crate::sys::fd::{self as sysfd, Fd};
use crate::sys::task;
use crate::syscall;
use core::fmt::Write;

/// In an epoll set: by which number, for what, and what it says then.
struct Watch {
    set: Fd,
    number: Fd,
    event: libc::epoll_event,
}

pub struct Elsewhere {
    /// And their close-on-exec flag, as dup3 takes it.
    copies: Vec<(Fd, i32)>,
    watches: Vec<Watch>,
}

impl Elsewhere {
    /// Finds all of it, and takes the socket out of the sets.
    pub fn of(socket: Fd) -> Elsewhere {
        let mut found = Elsewhere { copies: Vec::new(), watches: Vec::new() };
        let Some(it) = about(socket) else { return found };
        let mut sets = Vec::new();
        task::any_descriptor(|number| {
            let number = number as Fd;
            match about(number) {
                _ if number == socket || descriptors::is_hidden(number) => {}
                Some(other) if (other.st_dev, other.st_ino) == (it.st_dev, it.st_ino) => {
                    found.copies.push((number, close_on_exec(number)));
                }
                Some(other) if may_be_set(&other) && is_set(number) => sets.push(number),
                _ => {}
            }
            false
        });
        for set in sets {
            found.watches.extend(watches(set, it.st_ino));
        }
        for watch in &found.watches {
            watch.control(libc::EPOLL_CTL_DEL);
        }
        found
    }

    /// What has come in its place is what the program has there too.
    pub fn follow(self, made: Fd) {
        for (number, closes) in self.copies {
            // SAFETY: integers; the number is one of the socket that `made` was.
            let _ = unsafe { syscall!(libc::SYS_dup3, made, number, closes) };
            if crate::start::active() {
                descriptors::opened(number);
            }
        }
        for watch in &self.watches {
            watch.control(libc::EPOLL_CTL_ADD);
        }
    }
}

impl Watch {
    fn control(&self, how: i32) {
        // SAFETY: integers and a live event.
        let _ = unsafe { syscall!(libc::SYS_epoll_ctl, self.set, how, self.number, &raw const self.event) };
    }
}

fn about(fd: Fd) -> Option<libc::stat> {
    // SAFETY: all zeros is a valid value.
    let mut about: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: a live structure; the kernel's layout is libc's.
    unsafe { syscall!(libc::SYS_fstat, fd, &raw mut about) }.ok()?;
    Some(about)
}

fn close_on_exec(fd: Fd) -> i32 {
    // SAFETY: F_GETFD takes no pointer.
    let flags = unsafe { syscall!(libc::SYS_fcntl, fd, libc::F_GETFD) }.unwrap_or(0) as i32;
    if flags & libc::FD_CLOEXEC == 0 { 0 } else { libc::O_CLOEXEC }
}

/// Most descriptors of a client are of a kind that is none.
fn may_be_set(about: &libc::stat) -> bool {
    !matches!(about.st_mode & libc::S_IFMT, libc::S_IFSOCK | libc::S_IFIFO | libc::S_IFCHR | libc::S_IFDIR)
}

fn is_set(fd: Fd) -> bool {
    let mut path = Line::new();
    let _ = write!(path, "/proc/self/fd/{fd}\0");
    let mut name = [0u8; 32];
    // SAFETY: a C string; the kernel writes at most the array's size.
    let len = unsafe { syscall!(libc::SYS_readlink, path.bytes().as_ptr(), name.as_mut_ptr(), name.len()) };
    len.is_ok_and(|len| &name[..len] == b"anon_inode:[eventpoll]")
}

/// What the set has of the socket with that inode, as the kernel shows it:
/// `tfd:        5 events: 8000201d data:      7f0012345678  pos:0 ino:1a2b sdev:8`.
fn watches(set: Fd, inode: u64) -> Vec<Watch> {
    let text = read_info(set);
    let text = String::from_utf8_lossy(&text);
    let parse = |line: &str| {
        let field = |name: &str| line.split(name).nth(1)?.trim_start().split(' ').next();
        let hex = |name: &str| u64::from_str_radix(field(name)?, 16).ok();
        let event = libc::epoll_event { events: hex("events:")? as u32, u64: hex("data:")? };
        (hex("ino:")? == inode).then_some(Watch { set, number: field("tfd:")?.parse().ok()?, event })
    };
    text.lines().filter_map(parse).collect()
}

fn read_info(fd: Fd) -> Vec<u8> {
    let mut path = Line::new();
    let _ = write!(path, "/proc/self/fdinfo/{fd}\0");
    let mut text = Vec::new();
    let mut part = vec![0u8; 16 * 1024];
    // SAFETY: a C string; the kernel writes at most the slice's length.
    unsafe {
        const FLAGS: i32 = libc::O_RDONLY | libc::O_CLOEXEC;
        let Ok(info) = syscall!(libc::SYS_openat, libc::AT_FDCWD, path.bytes().as_ptr(), FLAGS) else { return text };
        while let Ok(n @ 1..) = syscall!(libc::SYS_read, info, part.as_mut_ptr(), part.len()) {
            text.extend_from_slice(&part[..n]);
        }
        let _ = sysfd::close(info as Fd);
    }
    text
}
