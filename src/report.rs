//! What happened: counters, and the report at exit (`GREENLET_REPORT`).
//!
//! Counters are relaxed atomics on a slow path; the report is written with raw system calls when the process
//! exits in the ordinary way. A process that ends by `_exit` or a signal reports nothing.

use crate::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::config;
use crate::sched;
use crate::sys;
use crate::syscall;
use crate::thread;
use core::fmt::Write;

macro_rules! names {
    ($(#[$doc:meta])* $enum:ident, $table:ident, $($(#[$vdoc:meta])* $variant:ident = $name:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum $enum { $($(#[$vdoc])* $variant,)* }
        const $table: &[&str] = &[$($name,)*];
    };
}

names! {
    /// The calls that park, as the report names them.
    Call, CALLS,
    Recv = "recv", Send = "send", Read = "read", Write = "write", Accept = "accept", Connect = "connect",
    Poll = "poll", Select = "select", Epoll = "epoll_wait", Sleep = "sleep", Mutex = "mutex", Cond = "cond",
    Rwlock = "rwlock", Sem = "sem", Barrier = "barrier", Once = "once", Join = "join", Futex = "futex", Signal = "signal",
}

names! {
    /// Other things that are counted.
    Event, EVENTS,
    /// A thread was made on a new pair.
    PairMade = "threads made anew",
    /// One was made from a template.
    PairCopied = "made without libc",
    /// A pair was used again.
    PairRecycled = "threads recycled",
    /// A thread was left to the kernel.
    Native = "threads left to the kernel",
    Rescue = "rescues",
    /// A thread that computed was made to yield.
    Preempt = "preemptions",
    Offload = "calls offloaded",
    WorkerRefused = "workers the kernel refused",
    Bind = "threads bound",
    /// A number was closed under its waiters and there was no other for its description.
    Unheld = "closed under waiters",
}

/// How often threads parked, by call.
pub struct Parks([AtomicU64; CALLS.len()]);

impl Parks {
    pub const fn new() -> Parks {
        Parks([const { AtomicU64::new(0) }; CALLS.len()])
    }

    /// One more, where one thread at a time counts: a worker's.
    #[inline]
    pub fn count_alone(&self, call: Call) {
        let n = &self.0[call as usize];
        n.store(n.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn add_to(&self, sums: &mut [u64; CALLS.len()]) {
        for (sum, n) in sums.iter_mut().zip(&self.0) {
            *sum += n.load(Ordering::Relaxed);
        }
    }

    pub fn reset(&self) {
        for n in &self.0 {
            n.store(0, Ordering::Relaxed);
        }
    }
}

impl Default for Parks {
    fn default() -> Parks {
        Parks::new()
    }
}

/// The parks of threads without a worker; each worker counts for itself.
static PARKS: Parks = Parks::new();
static COUNTS: [AtomicU64; EVENTS.len()] = [const { AtomicU64::new(0) }; EVENTS.len()];
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// A thread parks in `call`, on its own kernel thread.
pub fn foreign_parked(call: Call) {
    PARKS.0[call as usize].fetch_add(1, Ordering::Relaxed);
}

pub fn count(event: Event) {
    COUNTS[event as usize].fetch_add(1, Ordering::Relaxed);
}

/// Notes how many green threads live.
pub fn live(n: usize) {
    PEAK.fetch_max(n, Ordering::Relaxed);
}

fn counted(event: Event) -> u64 {
    COUNTS[event as usize].load(Ordering::Relaxed)
}

/// Writes the report where `GREENLET_REPORT` says, if it says so and threads were made.
pub fn at_exit() {
    let Some(target) = config::get().report else { return };
    let made = counted(Event::PairMade) + counted(Event::PairRecycled);
    if made + counted(Event::Native) == 0 {
        return;
    }
    let mut line = sys::Line::new();
    let (workers, most) = sched::counts();
    let _ = writeln!(line, "libgreenlet: report of process {}", sys::getpid());
    let _ = writeln!(
        line,
        "  green threads      {made} made, {} at peak, {} live",
        PEAK.load(Ordering::Relaxed),
        thread::LIVE.load(Ordering::Relaxed)
    );
    if workers > 0 {
        let _ = writeln!(line, "  kernel threads     {workers} workers, {most} at peak, 1 monitor, 1 recruiter");
    }
    for event in [
        Event::PairRecycled,
        Event::PairCopied,
        Event::Native,
        Event::Rescue,
        Event::Preempt,
        Event::Offload,
        Event::Bind,
        Event::WorkerRefused,
    ] {
        let _ = writeln!(line, "  {:<18} {}", EVENTS[event as usize], counted(event));
    }
    let unheld = counted(Event::Unheld);
    if unheld != 0 {
        let _ = writeln!(line, "  {} {unheld}", EVENTS[Event::Unheld as usize]);
    }
    let _ = write!(line, "  parks             ");
    let mut parks = [0; CALLS.len()];
    PARKS.add_to(&mut parks);
    sched::each_worker(|w| w.parks.add_to(&mut parks));
    for (name, n) in CALLS.iter().zip(parks).filter(|&(_, n)| n != 0) {
        let _ = write!(line, " {name}={n}");
    }
    let _ = writeln!(line);
    write_to(target, line.bytes());
}

/// A child counts for itself.
pub fn after_fork() {
    PARKS.reset();
    sched::each_worker(|w| w.parks.reset());
    for counter in &COUNTS {
        counter.store(0, Ordering::Relaxed);
    }
    PEAK.store(0, Ordering::Relaxed);
}

fn write_to(target: config::Target, text: &[u8]) {
    let config::Target::File(path) = target else {
        sys::stderr(text);
        return;
    };
    const FLAGS: i32 = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    // SAFETY: the path is NUL-terminated and lives in the environment; the text is a live slice.
    unsafe {
        match syscall!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), FLAGS, 0o644usize) {
            Ok(fd) => {
                let _ = syscall!(libc::SYS_write, fd, text.as_ptr(), text.len());
                let _ = syscall!(libc::SYS_close, fd);
            }
            Err(e) => {
                let mut line = sys::Line::new();
                let _ = writeln!(
                    line,
                    "libgreenlet: GREENLET_REPORT: cannot write {}: error {}",
                    path.to_str().unwrap_or("?"),
                    e.0
                );
                sys::stderr(line.bytes());
            }
        }
    }
}
