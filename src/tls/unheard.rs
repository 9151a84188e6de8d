//! Ports that were to speak TLS, and on which the program has never listened: said when it exits, since a slip in a number is seen by
//! nobody else, and what the program listens on instead speaks in the clear.
//!
//! Only where it is certain: by the process that has read the setting first, whatever it has become by exec, if it never had a child, which
//! may be the server; and on the standard error that it began with, since a daemon may have something else by that number.

use crate::atomic::{AtomicBool, Ordering};
use crate::config;
use crate::errno::Errno;
use crate::sys;
use crate::syscall;
use std::sync::OnceLock;

struct Awaited {
    process: i32,
    stderr: Option<[u64; 2]>,
    /// And whether the program has listened there.
    ports: Vec<(u16, AtomicBool)>,
}

static AWAITED: OnceLock<Awaited> = OnceLock::new();

/// The program is to listen on these.
pub fn expect(ports: impl Iterator<Item = u16>) {
    let ports = ports.map(|port| (port, AtomicBool::new(false))).collect();
    let _ = AWAITED.set(Awaited { process: sys::getpid(), stderr: stderr(), ports });
}

/// The program listens on that one.
pub fn heard(port: u16) {
    for (_, is_heard) in AWAITED.get().iter().flat_map(|awaited| &awaited.ports).filter(|(of, _)| *of == port) {
        is_heard.store(true, Ordering::Relaxed);
    }
}

/// The process exits.
pub fn say(variable: &str) {
    let Some(awaited) = AWAITED.get().filter(|awaited| awaited.process == sys::getpid()) else { return };
    let missing = awaited.ports.iter().filter(|(_, is_heard)| !is_heard.load(Ordering::Relaxed));
    let missing: Vec<String> = missing.map(|(port, _)| port.to_string()).collect();
    if missing.is_empty() || has_had_children() || awaited.stderr != stderr() {
        return;
    }
    config::say(format_args!(
        "{variable}: {}: the program has never listened there, and any other port is in the clear; name the one that it listens on",
        missing.join(", ")
    ));
}

/// By which the file is known that is standard error now.
fn stderr() -> Option<[u64; 2]> {
    // SAFETY: all zeros is a valid value.
    let mut about: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: a live structure; the kernel's layout is libc's.
    unsafe { syscall!(libc::SYS_fstat, 2, &raw mut about) }.ok()?;
    Some([about.st_dev, about.st_ino])
}

/// Whether there is a child, or was one that has been waited for.
fn has_had_children() -> bool {
    const ANY: i32 = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: all zeros is a valid value.
    let mut used: libc::rusage = unsafe { core::mem::zeroed() };
    // SAFETY: integers, null pointers and a live structure.
    unsafe {
        let none = syscall!(libc::SYS_waitid, libc::P_ALL, 0, 0usize, ANY, 0usize) == Err(Errno(libc::ECHILD));
        let _ = syscall!(libc::SYS_getrusage, libc::RUSAGE_CHILDREN, &raw mut used);
        !none || used.ru_minflt != 0
    }
}
