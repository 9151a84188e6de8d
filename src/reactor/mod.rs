//! Readiness: threads that wait for a descriptor.
//!
//! Each descriptor number has a slot with its waiters and two readiness bits. A description is registered
//! once, edge-triggered, in both directions, through `polling`; the events are read from the epoll
//! descriptor directly (`Poller::wait` makes four system calls where one does), and a TCP socket that is read again and
//! again is re-registered with EPOLLRDHUP, which `polling` has no flag for: then a request costs the two system calls
//! that an event loop makes, and no third one that finds nothing (`trust_short_reads`).
//!
//! The contract. A waiter has *tried and failed* before it comes here. An edge that arrives between its try
//! and its enqueueing leaves a bit in the slot, which makes [`wait`] return at once: nothing is lost, a stale
//! bit costs one more try. One exclusive waiter per direction is woken at a time; when its operation is done
//! it passes the turn on ([`Turn`]), so that several readers of one descriptor are served without a herd. A bit
//! that a waiter uses up is a turn too, whoever the waiter is and however its wait ends: others may have tried
//! before that edge and not be linked yet.
//!
//! Registrations and reused numbers. A slot believes in its registration until the number is closed or made
//! anew through any call we see (`closing`, `forget`); what those do who were waiting is told in `hold`, and in `watch`. Should libc close a number behind our back (a raw system call), a
//! thread could wait on a registration that died with the old description: so `verify` re-arms, once per
//! wait, every waiter that has been here for a second. The worst case is that second, not a hang.
//!
//! Rejected: re-arming at each park (one more system call a request: 14% of an echo's), io_uring (measured
//! slower for this pattern, see the README).

mod edges;
mod hold;
mod slots;
mod watch;

pub use hold::{
    Closing, FirstTry, Hold, Pair, Side, closing, forget, fork_done, fork_prepare, life, shutting, shutting_inside,
    unshare_table,
};
pub use watch::{Wanted, Watches};

use crate::arch;
use crate::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use crate::config;
use crate::errno::Errno;
use crate::park::Wake;
use crate::sched;
use crate::sys::time::Timespec;
use crate::sys::{fd as sysfd, sig, time};
use crate::syscall;
use polling::{Event, PollMode, Poller};
use slots::{Kind, Link, ShortReads, Slot};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Which directions a waiter cares for. Errors and hang-ups wake both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u8);

impl Interest {
    pub const READ: Interest = Interest(1);
    pub const WRITE: Interest = Interest(2);
    pub const BOTH: Interest = Interest(3);
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Try again.
    Woken(Wake),
    /// epoll does not take such a descriptor (a regular file), or the reactor has no more memory.
    NotPollable,
    /// The number has got another meaning before this operation held the one it had.
    OtherMeaning,
    /// A poller's: what it waits for was closed, and nothing has happened that it has to look at.
    Moved,
}

static POLLER: AtomicPtr<Poller> = AtomicPtr::new(core::ptr::null_mut());
static NOTIFIER: AtomicI32 = AtomicI32::new(-1);
/// Bumped in a forked child: slots of the parent's reactor are void.
static GENERATION: AtomicU32 = AtomicU32::new(1);
/// Descriptors that are registered; too many where one was closed behind our back.
static REGISTERED: AtomicU32 = AtomicU32::new(0);
static NOTIFIED: AtomicBool = AtomicBool::new(false);
/// A signal has become pending for the process that no kernel thread takes.
static SIGNALLED: AtomicBool = AtomicBool::new(false);
/// CLOCK_REALTIME has been set.
static CLOCK_SET: AtomicBool = AtomicBool::new(false);
/// The timer that tells.
static CLOCK_WATCH: AtomicI32 = AtomicI32::new(-1);
static NEXT_VERIFY: AtomicU64 = AtomicU64::new(0);

const NOTIFY_KEY: usize = usize::MAX - 1;
const SIGNAL_KEY: usize = usize::MAX - 2;
const CLOCK_KEY: usize = usize::MAX - 3;
/// Few enough that the slots and records of those woken are still in the cache when they run.
const BATCH: usize = 64;
const VERIFY_EVERY: u64 = time::SECOND / 2;
/// Our own descriptors start here if the limit allows: out of the program's sight and of its small numbers.
const HIGH: i32 = 1000;

fn poller() -> Option<&'static Poller> {
    // SAFETY: stored once per process image, never freed.
    unsafe { POLLER.load(Ordering::Acquire).as_ref() }
}

/// Opens the reactor. The process has one thread: the low descriptor numbers are filled for a moment, so
/// that ours land above them (`Poller` cannot be told where).
pub fn start() -> Result<(), Errno> {
    let filled = fill_low_numbers();
    let made = Poller::new().map_err(|e| Errno(e.raw_os_error().unwrap_or(libc::EMFILE)));
    // SAFETY: eventfd2 takes integers.
    let notifier = unsafe { syscall!(libc::SYS_eventfd2, 0usize, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    let all = sig::ALL & !sig::OF_LIBC;
    // SAFETY: the kernel reads eight bytes of a live set.
    let signals =
        unsafe { syscall!(libc::SYS_signalfd4, -1i32, &raw const all, 8usize, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    let clock = watch_clock();
    for fd in filled {
        let _ = sysfd::close(fd);
    }
    let (poller, notifier, signals, clock) = (made?, notifier? as i32, signals? as i32, clock?);
    for (fd, key) in [(notifier, NOTIFY_KEY), (signals, SIGNAL_KEY), (clock, CLOCK_KEY)] {
        // SAFETY: the descriptor is open and never closed while the poller exists.
        unsafe { poller.add_with_mode(fd, Event::readable(key), PollMode::Edge) }
            .map_err(|e| Errno(e.raw_os_error().unwrap_or(libc::ENOMEM)))?;
    }
    NOTIFIER.store(notifier, Ordering::Release);
    CLOCK_WATCH.store(clock, Ordering::Release);
    slots::own(poller.as_raw_fd(), [notifier, signals, clock]);
    POLLER.store(Box::leak(Box::new(poller)), Ordering::Release);
    Ok(())
}

/// A timer that never expires and becomes readable whenever CLOCK_REALTIME is set, by whomever: so a wait for a time of that
/// clock costs no system call of its own.
fn watch_clock() -> Result<i32, Errno> {
    const FLAGS: i32 = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
    let never = [Timespec::default(), Timespec { sec: i64::MAX, nsec: 0 }];
    // SAFETY: the kernel reads a live pair of times: no interval, and the end of time.
    unsafe {
        let fd = syscall!(libc::SYS_timerfd_create, libc::CLOCK_REALTIME, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK)?;
        syscall!(libc::SYS_timerfd_settime, fd, FLAGS, never.as_ptr(), 0usize)?;
        Ok(fd as i32)
    }
}

/// Occupies every free number below HIGH (less where the limit is small); the numbers taken.
fn fill_low_numbers() -> Vec<i32> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills a live structure.
    let _ = unsafe { syscall!(libc::SYS_getrlimit, libc::RLIMIT_NOFILE, &raw mut limit) };
    let high = (HIGH as u64).min(limit.rlim_cur.saturating_sub(24)) as i32;
    let mut taken = Vec::new();
    // SAFETY: plain descriptor calls; an epoll instance is the cheapest thing to duplicate.
    unsafe {
        let Ok(first) = syscall!(libc::SYS_epoll_create1, libc::EPOLL_CLOEXEC) else { return taken };
        let first = first as i32;
        taken.push(first);
        while let Ok(fd) = syscall!(libc::SYS_fcntl, first, libc::F_DUPFD_CLOEXEC, 0usize) {
            taken.push(fd as i32);
            if fd as i32 >= high {
                break;
            }
        }
    }
    taken
}

/// Whether `fd` is one of the library's own.
pub fn is_own(fd: i32) -> bool {
    slots::is_own(fd)
}

/// The library's own descriptors, for loops that close ranges.
pub fn own_descriptors() -> Vec<i32> {
    slots::own_descriptors()
}

/// Bumped whenever this process may have changed a description's mode: what slots remember of it is void, for
/// every number, because numbers share descriptions. A change that another process makes is seen by `verify`.
static MODES: AtomicU32 = AtomicU32::new(1);

/// A description's O_NONBLOCK or a socket's time-outs may have changed.
pub fn modes_changed() {
    MODES.fetch_add(1, Ordering::Relaxed);
}

/// Whether the description is known to be blocking and without time-outs.
pub fn is_plain(fd: i32) -> bool {
    slots::existing(fd).is_some_and(|s| s.plain.load(Ordering::Relaxed) == MODES.load(Ordering::Relaxed))
}

/// Remembers that, as asked of the kernel after `modes` was read and in `life`; not of the number's next description.
pub fn set_plain(fd: i32, life: u32, modes: u32) {
    if let Some(slot) = slots::existing(fd) {
        slot.plain.store(modes, Ordering::Relaxed);
        // A life that ends after this look is forgotten after the store.
        fence(Ordering::SeqCst);
        if slot.life() != life {
            slot.plain.store(0, Ordering::Relaxed);
        }
    }
}

/// The present epoch of modes.
pub fn modes() -> u32 {
    MODES.load(Ordering::Relaxed)
}

/// Whether a read of `fd` is known to find nothing: the last one took all there was, and no edge has come since.
pub fn is_drained(fd: i32) -> bool {
    slots::existing(fd).is_some_and(Slot::is_drained)
}

/// A read that can prove a TCP socket's buffer empty: `read` says how much came of how much was asked.
pub fn draining<R>(fd: i32, wanted: usize, read: impl FnOnce() -> Result<usize, R>) -> Result<usize, R> {
    let Some(slot) = slots::existing(fd) else { return read() };
    let edges = slot.read_edges();
    let got = read()?;
    // Asked after the edges: what makes a short read prove nothing is noted before it counts as an edge.
    if 0 < got && got < wanted && slot.short_reads_are(ShortReads::Empty) {
        slot.set_drained(edges);
    }
    Ok(got)
}

/// Short reads of `fd` prove nothing from now on.
pub fn doubt_short_reads(fd: i32) {
    if let Some(slot) = slots::existing(fd) {
        slot.set_short_reads(ShortReads::Nothing);
        slot.set_drained(0);
    }
}

/// Whether epoll refuses the number's description, which is asked before the first operation: those of such a one go straight to
/// the kernel, because a regular file answers a try that may not wait with what it happens to have in memory.
#[inline]
pub fn is_unpollable(fd: i32) -> bool {
    let Some(slot) = slots::of(fd) else { return false };
    slot.is_unpollable() || !slot.seems_registered(GENERATION.load(Ordering::Relaxed)) && is_refused(slot, fd)
}

#[cold]
fn is_refused(slot: &Slot, fd: i32) -> bool {
    ensure_registered(slot, fd) == Err(Errno(libc::EPERM))
}

/// Whether epoll takes the number's description, which is registered with that.
pub fn is_pollable(fd: i32) -> bool {
    slots::of(fd).is_some_and(|slot| !slot.is_unpollable() && ensure_registered(slot, fd).is_ok())
}

/// Something is there for the next reader, though no edge tells of it.
pub fn pass_turn(fd: i32) {
    if let Some(slot) = slots::existing(fd) {
        slot.deliver(Interest::READ.0, false);
    }
}

/// Runs `f` unless another thread is in such an `f` for the same number: then `beside`, and if that says `EAGAIN` the caller waits
/// for its turn, which it gets when the other is done.
pub fn alone<R>(
    fd: i32, f: impl FnOnce() -> Result<R, Errno>, beside: impl FnOnce() -> Result<R, Errno>,
) -> Result<R, Errno> {
    let Some(slot) = slots::of(fd) else { return f() };
    if !slot.claim() {
        return beside();
    }
    let r = f();
    if slot.release() {
        slot.deliver(Interest::READ.0, false);
    }
    r
}

/// Above every number that a thread has waited for.
pub fn highest() -> i64 {
    slots::highest()
}

/// Fails like a call that makes a descriptor where there is no number or no file left, and makes none: accept looks for those before it
/// finds that what it is given is no socket. (Older kernels find that first, and then it says nothing.)
pub fn reserve_number() -> Result<(), Errno> {
    let Some(poller) = poller() else { return Ok(()) };
    // SAFETY: no address is wanted.
    unsafe { syscall!(libc::SYS_accept4, poller.as_raw_fd(), 0usize, 0usize, 0) }.map(|_| ())
}

/// Registers the description behind `fd`, unless that is believed to have been done.
#[inline]
fn ensure_registered(slot: &Slot, fd: i32) -> Result<(), Errno> {
    let generation = GENERATION.load(Ordering::Relaxed);
    let life = {
        let inner = slot.inner.lock();
        if inner.registered == generation {
            return Ok(());
        }
        inner.holds.life()
    };
    let armed = arm(slot, fd);
    let mut inner = slot.inner.lock();
    if inner.holds.life() != life {
        // Closed meanwhile: nothing is known of the number's next description.
        return armed;
    }
    if let Err(e) = armed {
        if e.0 == libc::EPERM {
            inner.kind = Kind::Unpollable;
        }
        return Err(e);
    }
    if inner.registered != generation {
        inner.registered = generation;
        REGISTERED.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A reader waits: from the second time on it is worth two system calls to know what a short read proves.
///
/// A TCP socket that gave less than was asked is empty, and the next thing to happen to it makes an edge; so the next
/// read need not look before it waits. Except where something stands behind the data that has told of itself already:
/// the peer's FIN, an error, an urgent byte. Their edges carry a bit of their own (EPOLLRDHUP for the FIN, which
/// `polling` does not ask for), and from then on every read looks. So does every read of a socket with a record
/// layer of the kernel's (TCP_ULP), and after a read of the urgent byte (MSG_OOB): `doubt_short_reads`.
#[cold]
fn trust_short_reads(slot: &Slot, fd: i32) {
    if slot.advance_short_reads(ShortReads::New, ShortReads::AskedFor)
        || !slot.advance_short_reads(ShortReads::AskedFor, ShortReads::BeingAsked)
    {
        return;
    }
    let is_tcp = sysfd::sockopt::<i32>(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL) == Ok(libc::IPPROTO_TCP);
    let becomes = if is_tcp && ask_for_hang_ups(fd).is_ok() { ShortReads::Empty } else { ShortReads::Nothing };
    // Not if its FIN has come meanwhile.
    slot.advance_short_reads(ShortReads::BeingAsked, becomes);
}

/// Re-arms with EPOLLRDHUP, beside what `polling` asks for.
fn ask_for_hang_ups(fd: i32) -> Result<(), Errno> {
    let Some(poller) = poller() else { return Err(Errno(libc::EPERM)) };
    const ASKED: i32 = libc::EPOLLET | libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP | libc::EPOLLOUT;
    let mut event = libc::epoll_event { events: ASKED as u32, u64: fd as u64 };
    // SAFETY: a live event.
    unsafe { syscall!(libc::SYS_epoll_ctl, poller.as_raw_fd(), libc::EPOLL_CTL_MOD, fd, &raw mut event) }.map(|_| ())
}

/// Adds or re-arms: afterwards the present readiness is reported anew.
fn arm(slot: &Slot, fd: i32) -> Result<(), Errno> {
    let Some(poller) = poller() else { return Err(Errno(libc::EPERM)) };
    let event = Event::all(fd as usize);
    let code = |e: std::io::Error| Errno(e.raw_os_error().unwrap_or(libc::EPERM));
    // SAFETY: the descriptor is the caller's; epoll drops the registration when the description closes.
    match unsafe { poller.add_with_mode(fd, event, PollMode::Edge) }.map_err(code) {
        Err(Errno(libc::EEXIST)) => {
            // SAFETY: borrowed for the call only.
            let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
            poller.modify_with_mode(borrowed, event, PollMode::Edge).map_err(code)?;
            // That took the flag away, also from under a thread that is just asking.
            if slot.short_reads_are(ShortReads::Empty) || slot.short_reads_are(ShortReads::BeingAsked) {
                ask_for_hang_ups(fd)?;
            }
            Ok(())
        }
        done => {
            // What was proved was another description's, closed where nobody saw it.
            slot.advance_short_reads(ShortReads::Empty, ShortReads::New);
            done
        }
    }
}

/// The turn of an exclusive waiter, or of whoever used up an edge that was left. It is passed on when the
/// operation is done.
pub struct Turn {
    slot: &'static Slot,
    interest: Interest,
}

impl Turn {
    pub fn pass(self) {
        // Where nothing is left to read the next reader's turn comes with the next edge.
        if self.interest != Interest::READ || !self.slot.is_drained() {
            self.slot.deliver(self.interest.0, false);
        }
    }

    /// A poller's, which has no use for it and is linked: see [`Slot::give_back`].
    fn give_back(self) {
        self.slot.give_back(self.interest.0);
    }
}

/// Whether a node was linked. Should it be the first to be verified, a poller without a deadline must have one.
fn is_linked(link: Link) -> bool {
    if link == Link::FirstToVerify {
        sched::deadline_moved();
    }
    matches!(link, Link::Linked | Link::FirstToVerify)
}

/// Reads events, waiting until the monotonic deadline for the first (`Some(0)`: not at all). How many
/// waiters were woken.
pub fn collect(deadline: Option<u64>) -> usize {
    let Some(poller) = poller() else { return 0 };
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
    let timeout = deadline.map(|d| Timespec::from_nanos(if d == 0 { 0 } else { d.saturating_sub(time::now()) }));
    let timeout = timeout.as_ref().map_or(core::ptr::null(), |t| t as *const Timespec);
    // SAFETY: `events` has room for BATCH entries; the timeout is null or live; no signal mask.
    let n = unsafe {
        syscall!(
            libc::SYS_epoll_pwait2,
            poller.as_fd().as_raw_fd(),
            events.as_mut_ptr(),
            BATCH,
            timeout,
            0usize,
            0usize
        )
    };
    let n = match n {
        Ok(n) => n,
        Err(Errno(libc::ENOSYS)) => return collect_rounded(poller, deadline),
        Err(_) => 0,
    };
    dispatch(&events[..n])
}

/// As [`collect`] for kernels before 5.11: milliseconds, rounded up.
#[cold]
fn collect_rounded(poller: &Poller, deadline: Option<u64>) -> usize {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
    let timeout = deadline
        .map_or(-1, |d| if d == 0 { 0 } else { d.saturating_sub(time::now()).div_ceil(1_000_000).min(60_000) as i64 });
    // SAFETY: as above.
    let n = unsafe {
        syscall!(libc::SYS_epoll_pwait, poller.as_raw_fd(), events.as_mut_ptr(), BATCH, timeout, 0usize, 0usize)
    };
    dispatch(&events[..n.unwrap_or(0)])
}

/// Brings the slots and their first waiters into the cache. (Measured: see `Thread::prefetch`.)
fn prefetch(events: &[libc::epoll_event]) {
    let slot_of = |event: &libc::epoll_event| i32::try_from(event.u64).ok().and_then(slots::existing);
    for slot in events.iter().filter_map(slot_of) {
        arch::prefetch(slot as *const Slot as usize);
    }
    for slot in events.iter().filter_map(slot_of) {
        arch::prefetch(slot.first_hint());
    }
}

fn dispatch(events: &[libc::epoll_event]) -> usize {
    const WAKES_READ: u32 =
        (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
    const WAKES_WRITE: u32 = (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32;
    /// Told once, possibly with data before it: see `trust_short_reads`.
    const LEAVES_NO_EDGE: u32 = (libc::EPOLLPRI | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
    let mut woken = 0;
    prefetch(events);
    for event in events {
        let (key, bits) = (event.u64 as usize, event.events);
        if key == NOTIFY_KEY {
            NOTIFIED.store(true, Ordering::Relaxed);
            continue;
        }
        if key == SIGNAL_KEY {
            SIGNALLED.store(true, Ordering::Relaxed);
            continue;
        }
        if key == CLOCK_KEY {
            CLOCK_SET.store(true, Ordering::Relaxed);
            continue;
        }
        // The poller's own timer and notifier carry keys that no descriptor has.
        let Some(slot) = i32::try_from(key).ok().and_then(slots::existing) else { continue };
        let read = if bits & WAKES_READ != 0 { Interest::READ.0 } else { 0 };
        let write = if bits & WAKES_WRITE != 0 { Interest::WRITE.0 } else { 0 };
        if bits & LEAVES_NO_EDGE != 0 {
            slot.set_short_reads(ShortReads::Nothing);
        }
        let everybody = bits & (libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0;
        woken += slot.deliver(read | write, everybody);
    }
    woken
}

/// Whether a notification was read since this was last asked. It is read once, by whoever collects: if that was not
/// the thread it was meant for, it must be sent again.
pub fn take_notification() -> bool {
    NOTIFIED.load(Ordering::Relaxed) && NOTIFIED.swap(false, Ordering::Relaxed)
}

/// Whether a signal has become pending since this was last asked.
pub fn take_signalled() -> bool {
    SIGNALLED.load(Ordering::Relaxed) && SIGNALLED.swap(false, Ordering::Relaxed)
}

/// Whether CLOCK_REALTIME has been set since this was last asked.
pub fn take_clock_set() -> bool {
    let was_set = CLOCK_SET.load(Ordering::Relaxed) && CLOCK_SET.swap(false, Ordering::Relaxed);
    if was_set {
        let mut expirations = 0u64;
        // The timer tells of the next change only when it has been read, which says ECANCELED of this one.
        // SAFETY: the kernel writes eight bytes to a live word.
        let _ = unsafe { syscall!(libc::SYS_read, CLOCK_WATCH.load(Ordering::Relaxed), &raw mut expirations, 8usize) };
    }
    was_set
}

/// Ends a [`collect`] that waits, or makes the next one return.
pub fn notify() {
    let one: u64 = 1;
    // SAFETY: writes eight bytes of a live word to our eventfd.
    let _ = unsafe { syscall!(libc::SYS_write, NOTIFIER.load(Ordering::Relaxed), &raw const one, 8usize) };
}

/// Whether there can be events at all.
pub fn is_in_use() -> bool {
    REGISTERED.load(Ordering::Relaxed) != 0
}

/// Whether [`verify`] has something to do, sooner or later.
pub fn wants_verification() -> bool {
    slots::any_unverified() && !config::get().force.no_verify
}

/// Re-arms every registration that a thread has been waiting on for a while: see the module's contract.
/// Returns when it wants to be called next, `None` when nothing is left to verify.
pub fn verify(now: u64) -> Option<u64> {
    if !wants_verification() {
        return None;
    }
    let due = NEXT_VERIFY.load(Ordering::Relaxed);
    if due > now && due <= now + VERIFY_EVERY {
        return Some(due);
    }
    NEXT_VERIFY.store(now + VERIFY_EVERY, Ordering::Relaxed);
    if due != 0 {
        slots::look_at_waiters(|fd| {
            let Some(slot) = slots::existing(fd) else { return };
            let _ = arm(slot, fd);
            // Not every end of a blocked send is an edge (a Unix peer that stops reading), and another process may
            // have changed the description's mode: each waiter looks once more for itself.
            slot.plain.store(0, Ordering::Relaxed);
            slot.nudge(Interest::BOTH.0);
        });
    }
    Some(now + VERIFY_EVERY)
}

/// The descriptors of a forked child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    Own,
    /// Its parent's: a number that one of them closes is closed for both.
    Shared,
}

/// Whether this is a forked child that has its parent's table of descriptors.
pub fn is_table_shared() -> bool {
    slots::any_of_parents()
}

/// Closes the parent's reactor in a child; it is opened anew when the child has a second thread.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork(table: Table) {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    REGISTERED.store(0, Ordering::Relaxed);
    POLLER.store(core::ptr::null_mut(), Ordering::Relaxed);
    match table {
        Table::Own => {
            for fd in slots::lasting() {
                let _ = sysfd::close(fd);
            }
            slots::disown();
        }
        Table::Shared => slots::leave_to_parent(),
    }
    // SAFETY: the caller's promise, passed on.
    unsafe { slots::after_fork(table == Table::Own) };
}
