//! The environment, read once at load.
//!
//! | variable            | meaning                                        | default            |
//! |---------------------|------------------------------------------------|--------------------|
//! | GREENLET_WORKERS    | kernel threads that run green threads, 1-1024  | usable CPUs        |
//! | GREENLET_STACK_SIZE | stack of a thread that asks for none; K, M     | libc's default     |
//! | GREENLET_PATCH      | which calls park: see [`crate::patch`]         | all                |
//! | GREENLET_DISABLE    | 1: do nothing                                  | unset              |
//! | GREENLET_LOG        | 1: say on stderr what is decided at start      | unset              |
//! | GREENLET_REPORT     | 1: report on stderr at exit; else a file       | unset              |
//! | GREENLET_TLS_LISTEN | ports that speak TLS: see [`crate::tls`]       | unset              |
//! | GREENLET_TLS_CONNECT| servers that speak it: [`crate::tls::connect`] | unset              |
//! | GREENLET_TLS_TIMEOUT| seconds that a TLS handshake may take, 1-3600  | 30                 |
//! | GREENLET_FORCE      | for tests, a list: see [`Force`]               | unset              |
//!
//! A value that cannot be used ends the program at start with one line that names it: a typing error must
//! not silently give other limits than the operator asked for.

use crate::patch::Set;
use crate::sys::time::SECOND;
use crate::sys::{self, Line};
use crate::syscall;
use core::ffi::CStr;
use core::fmt::Write;
use std::ffi::CString;
use std::sync::OnceLock;

/// Where the report goes.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Stderr,
    File(&'static CStr),
}

/// What tests force, in a comma-separated list.
#[derive(Clone, Copy, Debug)]
pub struct Force {
    /// `arch_prctl`: the thread pointer is set by system call, even where the CPU has an instruction for it.
    pub arch_prctl: bool,
    /// `no-verify`: the reactor believes in its registrations for ever, so that a wake-up lost on a descriptor is a hang
    /// and not a second's delay.
    pub no_verify: bool,
    /// `no-slabs`: libc maps every stack, as where the kernel has no guard markers.
    pub no_slabs: bool,
    /// `no-templates`: libc makes every pair.
    pub no_templates: bool,
    /// `no-preempt`: a thread that computes is never made to yield, only rescued from.
    pub no_preempt: bool,
    /// `templates`: the proof is made for a shape's first pair.
    pub templates: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub workers: usize,
    /// 0: libc's default.
    pub stack_size: usize,
    pub patch: Set,
    pub disabled: bool,
    pub log: bool,
    pub report: Option<Target>,
    /// In nanoseconds.
    pub tls_timeout: u64,
    pub force: Force,
}

const OFF: Config = Config {
    workers: 1,
    stack_size: 0,
    patch: Set::ALL,
    disabled: true,
    log: false,
    report: None,
    tls_timeout: 30 * SECOND,
    force: Force {
        arch_prctl: false,
        no_verify: false,
        no_slabs: false,
        no_templates: false,
        no_preempt: false,
        templates: false,
    },
};
static CONFIG: OnceLock<Config> = OnceLock::new();

/// The configuration; before `load`, one that does nothing.
pub fn get() -> &'static Config {
    CONFIG.get().unwrap_or(&OFF)
}

/// Reads the environment. In a set-uid process (AT_SECURE) the library is inert.
pub fn load() {
    let config = if is_secure() { OFF } else { read() };
    let _ = CONFIG.set(config);
}

/// Whether the process has rights that whoever started it has not: nothing of the environment counts.
pub fn is_secure() -> bool {
    // SAFETY: getauxval reads a table left by the kernel.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

fn read() -> Config {
    Config {
        workers: variable(c"GREENLET_WORKERS").map_or_else(usable_cpus, |v| {
            parse(v)
                .filter(|n| (1..=1024).contains(n))
                .unwrap_or_else(|| refuse("GREENLET_WORKERS", v, "a number from 1 to 1024"))
        }),
        stack_size: variable(c"GREENLET_STACK_SIZE").map_or(0, |v| {
            parse_size(v)
                .filter(|n| (16 << 10..=1 << 30).contains(n))
                .unwrap_or_else(|| refuse("GREENLET_STACK_SIZE", v, "bytes from 16K to 1024M, as 262144, 256K or 1M"))
        }),
        patch: patched(),
        disabled: flag(c"GREENLET_DISABLE"),
        log: flag(c"GREENLET_LOG"),
        report: variable(c"GREENLET_REPORT").and_then(|v| match v.to_bytes() {
            b"" | b"0" => None,
            b"1" => Some(Target::Stderr),
            _ => Some(Target::File(v)),
        }),
        tls_timeout: variable(c"GREENLET_TLS_TIMEOUT").map_or(OFF.tls_timeout, |v| {
            let seconds = parse(v).filter(|n| (1..=3600).contains(n));
            seconds.unwrap_or_else(|| refuse("GREENLET_TLS_TIMEOUT", v, "seconds from 1 to 3600")) as u64 * SECOND
        }),
        force: forced(),
    }
}

fn patched() -> Set {
    let Some(list) = variable(c"GREENLET_PATCH").filter(|v| !v.is_empty()) else { return Set::ALL };
    let words = list.to_bytes().split(|&b| b == b',').filter(|w| !w.is_empty());
    words.fold(Set::NONE, |sets, word| match Set::of_word(word) {
        Some(set) => sets.and(set),
        None => refuse(
            "GREENLET_PATCH",
            list,
            "a list of socket, select, thread, time, dns, process, signal, file and all, with commas between them",
        ),
    })
}

fn forced() -> Force {
    let mut force = OFF.force;
    let Some(list) = variable(c"GREENLET_FORCE") else { return force };
    for word in list.to_bytes().split(|&b| b == b',').filter(|w| !w.is_empty()) {
        match word {
            b"arch_prctl" => force.arch_prctl = true,
            b"no-verify" => force.no_verify = true,
            b"no-slabs" => force.no_slabs = true,
            b"no-templates" => force.no_templates = true,
            b"no-preempt" => force.no_preempt = true,
            b"templates" => force.templates = true,
            _ => refuse(
                "GREENLET_FORCE",
                list,
                "a list of arch_prctl, no-verify, no-slabs, no-templates, no-preempt and templates",
            ),
        }
    }
    force
}

/// Its value; `None` where it is not set.
pub(crate) fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the name is NUL-terminated; the value lives in the environment, which programs leave in place
    // or copy, and is read at load only (the report's path is the one that is kept).
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

fn flag(name: &CStr) -> bool {
    variable(name).is_some_and(|v| !matches!(v.to_bytes(), b"" | b"0"))
}

fn parse(v: &CStr) -> Option<usize> {
    v.to_str().ok()?.parse().ok()
}

fn parse_size(v: &CStr) -> Option<usize> {
    let text = v.to_str().ok()?;
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

fn refuse(name: &str, value: &CStr, want: &str) -> ! {
    end(format_args!(
        "{name}={} cannot be used: it takes {want}; unset it for the default",
        value.to_str().unwrap_or("?")
    ))
}

/// Ends the process, which has not started, with a line.
pub(crate) fn end(why: core::fmt::Arguments<'_>) -> ! {
    say(why);
    // SAFETY: ends the process before the program has started.
    let _ = unsafe { syscall!(libc::SYS_exit_group, 2usize) };
    sys::fatal(format_args!("exit_group returned"))
}

/// Says what is decided, if that is wanted.
pub fn log(what: core::fmt::Arguments<'_>) {
    if get().log {
        say(what);
    }
}

pub fn say(what: core::fmt::Arguments<'_>) {
    let mut line = Line::new();
    let _ = writeln!(line, "libgreenlet: {what}");
    sys::stderr(line.bytes());
}

/// CPUs that this process may use: its affinity, and the quota of its cgroups rounded up.
fn usable_cpus() -> usize {
    let mut set = [0u64; 128];
    // SAFETY: the kernel writes at most the array's size.
    let bytes =
        unsafe { syscall!(libc::SYS_sched_getaffinity, 0usize, size_of_val(&set), set.as_mut_ptr()) }.unwrap_or(0);
    let affinity: u32 = set[..bytes / 8].iter().map(|w| w.count_ones()).sum();
    (affinity.max(1) as usize).min(cgroup_quota().unwrap_or(usize::MAX)).min(1024)
}

/// The least quota of the process's cgroups, of either version, and of those above them that can be seen.
fn cgroup_quota() -> Option<usize> {
    let mut room = [0u8; 4096];
    let memberships = read_start("/proc/self/cgroup", &mut room)?;
    let read = |path: String| read_start(&path, &mut [0; 64]).map(str::to_owned);
    let newer = groups(memberships, "").filter_map(|group| read(format!("/sys/fs/cgroup{group}/cpu.max")));
    let older = groups(memberships, "cpu").filter_map(|group| {
        let [quota, period] = ["quota", "period"].map(|of| read(format!("/sys/fs/cgroup/cpu{group}/cpu.cfs_{of}_us")));
        Some(quota? + &period?)
    });
    newer.chain(older).filter_map(|limit| parse_quota(&limit)).min()
}

/// The group that has this controller (version 2: none is named), and those above it, the root (an empty name) last.
fn groups<'a>(memberships: &'a str, controller: &str) -> impl Iterator<Item = &'a str> {
    let own = memberships.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then(|| group.trim_end_matches('/'))
    });
    core::iter::successors(own, |group| group.rsplit_once('/').map(|(above, _)| above))
}

/// Quota and period as a number of CPUs, rounded up; `None` where there is no limit.
fn parse_quota(text: &str) -> Option<usize> {
    let mut words = text.split_ascii_whitespace();
    let quota: usize = words.next()?.parse().ok()?;
    let period: usize = words.next()?.parse().ok()?;
    (period != 0).then(|| quota.div_ceil(period).max(1))
}

/// As much of a file of the kernel's as there is room for.
fn read_start<'a>(path: &str, room: &'a mut [u8]) -> Option<&'a str> {
    let path = CString::new(path).ok()?;
    // SAFETY: a NUL-terminated path; the kernel writes at most the buffer's size.
    let n = unsafe {
        let fd = syscall!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC).ok()?;
        let n = syscall!(libc::SYS_read, fd, room.as_mut_ptr(), room.len());
        let _ = syscall!(libc::SYS_close, fd);
        n.ok()?
    };
    core::str::from_utf8(&room[..n]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_rounded_up() {
        for (text, cpus) in
            [("150000 100000\n", Some(2)), ("1000 100000\n", Some(1)), ("max 100000\n", None), ("-1\n100000\n", None)]
        {
            assert_eq!(parse_quota(text), cpus, "{text}");
        }
    }

    #[test]
    fn groups_reach_the_root() {
        const MEMBERSHIPS: &str = "4:memory:/m\n2:cpuset,cpu:/a/b\n0::/system.slice/web.service\n";
        let of = |controller| groups(MEMBERSHIPS, controller).collect::<Vec<_>>();
        assert_eq!(of(""), ["/system.slice/web.service", "/system.slice", ""]);
        assert_eq!(of("cpu"), ["/a/b", "/a", ""]);
        assert!(of("io").is_empty());
        assert_eq!(groups("0::/\n", "").collect::<Vec<_>>(), [""]);
    }
}
