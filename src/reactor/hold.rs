//! What a blocked call holds: the description that it began with, whatever becomes of the number.
//!
//! In Linux a blocked call has a reference to the open file; `close` takes the number away and nothing else. Here nothing
//! but the number names the file, so whoever closes a number that is in use first makes a duplicate, high up and hidden
//! from the program, and ends the number's *life*: its users wake, find the life ended, and go on at the duplicate. The
//! last one that leaves closes it, which is when the peer may see the end.
//!
//! A call counts as a user from its first wait to its end. Its first try comes before that, at no cost: if the number is
//! closed between the two, the call is as one that began after the close, and is begun again, which nobody can tell from a call
//! that came a moment later. But who may do a part in a try (a blocking send, a connect) needs the file from the beginning, for
//! the rest: its first try stands at the number's gate ([`FirstTry`]), where whoever closes the number waits for it, and it is
//! a user before it leaves there. That costs such a call two atomic additions.
//!
//! The same for a call that begins to wait while the close is on its way: the life ends, once more if need be, when the kernel
//! has closed the number.
//!
//! A handler of the program ends the call natively, which then fails or looks the number up again; and it may leave by
//! `longjmp`. So a hold counts as inside the runtime, where handlers are deferred, and is given up before they run.
//!
//! Where no duplicate can be made (`RLIMIT_NOFILE`) the users look the number up again: `EBADF`, or the new file.

use super::slots::{self, Ended, Link, Node, Slot, User};
use super::{
    GENERATION, HIGH, Interest, Outcome, REGISTERED, Turn, ensure_registered, is_linked, poller, trust_short_reads,
};
use crate::arch::{self, tls};
use crate::atomic::Ordering;
use crate::errno::Errno;
use crate::park::Wake;
use crate::report::{self, Event};
use crate::sched;
use crate::signal;
use crate::sys::lock::Lock;
use crate::sys::task::State;
use crate::sys::{self, fd as sysfd, time};
use crate::syscall;
use crate::thread::beside::Shares;
use crate::thread::{
    self,
    wait::{self, Wait, Waiter},
};
use std::os::fd::AsRawFd;

/// The life of a number: to be asked before the first try of an operation that may come to wait.
#[inline]
pub fn life(fd: i32) -> u32 {
    slots::existing(fd).map_or(0, Slot::life)
}

/// How long a close and a try wait for one another at least. Tries do not block, but for an accept whose connection another process
/// takes, and that one is in the kernel with the old file; a close may (SO_LINGER), after it has given the number back.
const SHORT: u64 = 20_000_000;
/// How long a close waits for a try that may want nothing but the processor.
const LONG: u64 = 2 * time::SECOND;

/// Waits while `is_so`, for [`SHORT`], and on to [`LONG`] while `goes_on`.
fn wait_while(is_so: impl Fn() -> bool, goes_on: impl Fn() -> bool) {
    /// Then whoever is waited for may need the processor that this thread has.
    const YIELDS: u32 = 100;
    const NAP: u64 = 200_000;
    let begun = time::now();
    let mut turns = 0;
    while is_so() {
        let waited = time::now() - begun;
        if waited > LONG || waited > SHORT && !goes_on() {
            return;
        }
        turns += 1;
        if turns < YIELDS {
            sys::sched_yield();
        } else {
            time::pause(NAP);
        }
    }
}

fn wait_for_tries(are_under_way: impl Fn() -> bool) {
    wait_while(are_under_way, || {
        let own = sys::gettid();
        let is_runnable = |w: &sched::Worker| w.tid() != own && sys::task::state_of(w.tid()) == State::Runnable;
        sched::scout::send(|| {
            let mut any = false;
            sched::each_worker(|w| any |= is_runnable(w));
            any
        })
    });
}

/// The first try of a call that may do a part in it. While it lasts nobody closes the number, and no handler runs.
pub struct FirstTry {
    fd: i32,
    slot: &'static Slot,
    life: u32,
}

impl FirstTry {
    /// `None` for a number that cannot be waited for.
    #[inline]
    pub fn begin(fd: i32) -> Option<FirstTry> {
        let slot = slots::of(fd)?;
        tls::enter();
        if !slot.gate.enter() {
            FirstTry::begin_again(slot);
        }
        Some(FirstTry { fd, slot, life: slot.life() })
    }

    /// The number is being closed: begins when that is done.
    #[cold]
    fn begin_again(slot: &Slot) {
        slot.gate.leave();
        wait_while(|| slot.gate.is_shut(), || false);
        slot.gate.enter();
    }

    pub fn life(&self) -> u32 {
        self.life
    }

    /// It has done a part, and keeps the file for the rest.
    pub fn hold(self) -> Hold {
        let FirstTry { fd, slot, life } = self;
        let mut user = User { life, entered: false, trying: false };
        slot.enter(&mut user);
        slot.gate.leave();
        core::mem::forget(self);
        Hold { fd, slot, user, at: fd, at_slot: slot }
    }
}

impl Drop for FirstTry {
    #[inline]
    fn drop(&mut self) {
        self.slot.gate.leave();
        tls::leave();
    }
}

/// One operation's hold on the description that its number named in one life.
pub struct Hold {
    fd: i32,
    slot: &'static Slot,
    user: User,
    /// Where the description is to be found: the number, or a duplicate once it is closed.
    at: i32,
    at_slot: &'static Slot,
}

impl Hold {
    /// Holds nothing yet; `None` for a number that cannot be waited for.
    pub fn new(fd: i32, life: u32) -> Option<Hold> {
        let slot = slots::of(fd)?;
        tls::enter();
        Some(Hold { fd, slot, user: User { life, entered: false, trying: false }, at: fd, at_slot: slot })
    }

    /// Whether the number was closed, and this is at a duplicate.
    pub(super) fn is_moved(&self) -> bool {
        self.at != self.fd
    }

    /// Whether the number was closed, and this has not followed yet.
    pub(super) fn is_over(&self) -> bool {
        !self.is_moved() && self.slot.life() != self.user.life
    }

    /// The number to use.
    pub(super) fn number(&self) -> i32 {
        self.at
    }

    /// Holds nothing: the number's present life counts.
    pub(super) fn begin_anew(&mut self) {
        (self.user.life, self.user.entered) = (self.slot.life(), false);
    }

    /// Registers the description that is, or is to be, held.
    pub(super) fn register(&self) -> Result<(), Errno> {
        ensure_registered(self.at_slot, self.at)
    }

    pub(super) fn node(&self, waiter: *const Waiter, interest: Interest, exclusive: bool) -> Node {
        Node::new(self.at_slot, waiter, interest.0, exclusive)
    }

    /// Links a node, which makes this a user.
    ///
    /// # Safety
    /// As [`Slot::link`]; the node is this hold's.
    #[inline(always)]
    pub(super) unsafe fn link(&mut self, node: *mut Node, generation: u32) -> Link {
        // SAFETY: the caller's promise.
        unsafe {
            if self.is_moved() {
                self.at_slot.link(node, generation)
            } else {
                self.at_slot.link_user(node, generation, &mut self.user)
            }
        }
    }

    /// Tries once, with the number that names the description; `None` when there is none any more.
    pub fn attempt<R>(&mut self, attempt: impl FnOnce(i32) -> R) -> Option<R> {
        if !self.is_moved() && !self.slot.begin_try(&mut self.user) && !self.follow() {
            return None;
        }
        Some(attempt(self.at))
    }

    /// The life has ended: goes on at the duplicate, if there is one.
    #[cold]
    pub(super) fn follow(&mut self) -> bool {
        if !core::mem::take(&mut self.user.entered) {
            return false;
        }
        let Some(to) = slots::moved_to(self.fd, self.user.life) else { return false };
        let Some(slot) = slots::existing(to) else { return false };
        (self.at, self.at_slot, self.user.entered) = (to, slot, true);
        true
    }

    /// Waits until the description may be ready. The caller has tried and would have blocked.
    #[inline(always)]
    pub fn wait(&mut self, interest: Interest, how: &Wait) -> (Outcome, Option<Turn>) {
        self.wait_with(interest, how, Hold::let_handlers_run)
    }

    /// The same; `interrupted` is called when handlers may be due.
    #[inline(always)]
    fn wait_with(
        &mut self, interest: Interest, how: &Wait, interrupted: impl Fn(&mut Hold),
    ) -> (Outcome, Option<Turn>) {
        loop {
            let slot = self.at_slot;
            if interest == Interest::READ && slot.short_reads_are_unknown() {
                trust_short_reads(slot, self.at);
            }
            let (link, why) = wait::with_waiter(|waiter| {
                let mut node = self.node(waiter, interest, true);
                let node = &raw mut node;
                waiter.parker.arm();
                let generation = GENERATION.load(Ordering::Relaxed);
                // SAFETY: the node stays in this frame until it is unlinked below.
                let link = unsafe { self.link(node, generation) };
                if !is_linked(link) {
                    return (link, waiter.parker.disarm());
                }
                let why = waiter.sleep(how);
                if why != Wake::Ready {
                    // An edge unlinks the node before it wakes its waiter, and nothing else makes this one ready.
                    // SAFETY: as above.
                    unsafe { slot.unlink(node) };
                }
                (link, Some(why))
            });
            if why == Some(Wake::Interrupted) {
                interrupted(self);
            }
            let turn = || Some(Turn { slot, interest });
            match (link, why) {
                (Link::UsedUp, why) => return (Outcome::Woken(why.unwrap_or(Wake::Ready)), turn()),
                (_, Some(Wake::Ready)) => return (Outcome::Woken(Wake::Ready), turn()),
                (_, Some(why)) => return (Outcome::Woken(why), None),
                (Link::Unregistered, None) => {
                    // The number may be closed by now, and the hold have moved: the next turn tells.
                    let may_have_moved = || self.user.entered && self.is_over();
                    if self.register().is_err() && !may_have_moved() {
                        return (Outcome::NotPollable, None);
                    }
                }
                (_, None) => {
                    // What was tried was the number, and the duplicate is registered anew: look first.
                    let outcome = if self.follow() { Outcome::Woken(Wake::Ready) } else { Outcome::OtherMeaning };
                    return (outcome, None);
                }
            }
        }
    }

    /// Handlers that are due end the call, or make it begin again at the number.
    #[cold]
    fn let_handlers_run(&mut self) {
        if thread::current().is_some_and(signal::is_due) {
            self.leave();
            tls::leave();
            tls::enter();
        }
    }

    /// The try is over, though no wait follows here.
    pub(super) fn end_try(&mut self) {
        self.user.end_try(&mut self.slot.inner.lock());
    }

    fn leave(&mut self) {
        let User { life, entered, .. } = self.user;
        if !self.slot.leave(&mut self.user) && entered {
            leave_duplicate(self.fd, life);
        }
        (self.at, self.at_slot) = (self.fd, self.slot);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.leave();
        tls::leave();
    }
}

/// A side of a [`Pair`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    From,
    To,
}

/// The holds of an operation that takes from one description and gives to another: it waits for one of them and keeps both.
pub struct Pair {
    from: Hold,
    to: Hold,
}

impl Pair {
    /// Each number with its life.
    pub fn new(from: (i32, u32), to: (i32, u32)) -> Option<Pair> {
        Some(Pair { from: Hold::new(from.0, from.1)?, to: Hold::new(to.0, to.1)? })
    }

    /// Of what has begun.
    pub fn of(from: Hold, to: Hold) -> Pair {
        Pair { from, to }
    }

    /// As [`Hold::attempt`]; from now on both are held.
    pub fn attempt<R>(&mut self, attempt: impl FnOnce(i32, i32) -> R) -> Option<R> {
        let Pair { from, to } = self;
        let done = from.attempt(|from| to.attempt(|to| attempt(from, to))).flatten();
        from.end_try();
        to.end_try();
        done
    }

    /// The same on one side.
    pub fn attempt_one<R>(&mut self, side: Side, attempt: impl FnOnce(i32) -> R) -> Option<R> {
        let hold = if side == Side::From { &mut self.from } else { &mut self.to };
        let done = hold.attempt(attempt);
        hold.end_try();
        done
    }

    /// As [`Hold::wait`], for one side. Handlers that are due find neither held.
    pub fn wait(&mut self, side: Side, how: &Wait) -> (Outcome, Option<Turn>) {
        let (outcome, turn) = match side {
            Side::From => self.from.wait_with(Interest::READ, how, |_| {}),
            Side::To => self.to.wait_with(Interest::WRITE, how, |_| {}),
        };
        if outcome == Outcome::Woken(Wake::Interrupted) && thread::current().is_some_and(signal::is_due) {
            self.let_handlers_run();
        }
        (outcome, turn)
    }

    #[cold]
    fn let_handlers_run(&mut self) {
        for hold in [&mut self.from, &mut self.to] {
            hold.leave();
            tls::leave();
        }
        for _ in 0..2 {
            tls::enter();
        }
    }
}

#[cold]
fn leave_duplicate(fd: i32, life: u32) {
    if let Some(duplicate) = slots::leave_moved(fd, life) {
        retire(duplicate);
    }
}

/// A number that is about to be closed, or to be given another file: between [`closing`] and the kernel's doing it.
#[derive(Clone, Copy)]
#[must_use]
pub struct Closing {
    slot: Option<&'static Slot>,
    fd: i32,
    life: u32,
    is_inside: bool,
}

/// As [`closing`], for what nothing but a system call separates from [`Closing::done`], inside the runtime: nobody begins
/// meanwhile what it might not end.
pub fn shutting(fd: i32) -> Closing {
    tls::enter();
    let slot = slot_here(fd);
    if let Some(slot) = slot
        && slot.gate.shut()
    {
        wait_for_tries(|| slot.gate.is_tried());
    }
    Closing { is_inside: true, ..begin(slot, fd) }
}

/// A number is about to be closed or to be given another file. Its users go to a duplicate: unless the table is a copy, which a
/// process in our memory has.
pub fn closing(fd: i32) -> Closing {
    begin(slot_here(fd), fd)
}

/// The slot of a number in the process's table; `None` where the caller's is a copy, as that of a process in our memory, or of a
/// thread that has taken one of its own.
fn slot_here(fd: i32) -> Option<&'static Slot> {
    let is_ours = (!tls::is_held() || tls::shares(Shares::FILES.bits())) && !arch::has_own_table();
    if is_ours { slots::existing(fd) } else { None }
}

fn begin(slot: Option<&'static Slot>, fd: i32) -> Closing {
    let life = match slot {
        Some(slot) if slot.seems_used() => move_users(slot, fd),
        Some(slot) => slot.life(),
        None => 0,
    };
    Closing { slot, fd, life, is_inside: false }
}

impl Closing {
    /// The kernel has done it: the life ends now, so that whatever a thread did to the old file while the close was on its
    /// way is void. Unless the number has been made anew meanwhile, and that was seen.
    pub fn done(self) {
        if let Some(ended) = self.slot.and_then(|slot| slot.end_this_life(self.fd, self.life)) {
            unregistered(&ended);
        }
        if self.is_inside {
            tls::leave();
        }
    }
}

/// A number has been made anew: what we knew of it is void.
pub fn forget(fd: i32) {
    if arch::has_own_table() {
        return;
    }
    if let Some(slot) = slots::existing(fd) {
        unregistered(&slot.begin_life(fd));
    }
}

/// Whether the number was registered with the present reactor.
fn unregistered(ended: &Ended) -> bool {
    let was = ended.registered == GENERATION.load(Ordering::Relaxed);
    if was {
        REGISTERED.fetch_sub(1, Ordering::Relaxed);
    }
    was
}

#[cold]
#[inline(never)]
fn move_users(slot: &'static Slot, fd: i32) -> u32 {
    let duplicate = duplicate(fd);
    let ended = slot.end_life(fd, duplicate);
    if unregistered(&ended) {
        // The duplicate keeps the description alive, and with it this registration under a number that is no longer its own.
        delete_registration(fd);
    }
    match duplicate {
        // All had left by then.
        Some(duplicate) if !ended.moved => retire(duplicate),
        Some(_) => {}
        None => report::count(Event::Unheld),
    }
    await_tries(slot);
    ended.life
}

/// Held where a duplicate comes or goes, and over a fork: the child's copy of the descriptors and its copy of what we know of
/// them must agree.
static DUPLICATES: Lock<()> = Lock::new(());

pub fn fork_prepare() {
    DUPLICATES.hold();
}

pub fn fork_done() {
    DUPLICATES.let_go();
}

/// The calling kernel thread, which is the program's or a bound thread's, gets a table of descriptors of its own by `unshare`:
/// what it opens and closes from then on concerns nobody else. The copy has no duplicates, which nobody would close there.
pub fn unshare_table<R>(unshare: impl FnOnce() -> Result<R, Errno>) -> Result<R, Errno> {
    let _still = DUPLICATES.lock();
    let done = unshare()?;
    if !arch::has_own_table() {
        for duplicate in slots::duplicates() {
            let _ = sysfd::close(duplicate);
        }
        arch::set_own_table(true);
    }
    Ok(done)
}

/// Another number for the description, out of the program's sight and of its small numbers if the limit allows.
fn duplicate(fd: i32) -> Option<i32> {
    let _still = DUPLICATES.lock();
    let copy = [HIGH, slots::lasting().next().unwrap_or(0), 0].into_iter().find_map(|least| {
        // SAFETY: integers.
        unsafe { syscall!(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, least) }.ok()
    })? as i32;
    let Some(slot) = slots::of(copy) else {
        let _ = sysfd::close(copy);
        return None;
    };
    forget(copy);
    slots::set_duplicate(slot, true);
    Some(copy)
}

/// Nobody uses a duplicate any more. This may be the last reference to its description.
fn retire(duplicate: i32) {
    let still = DUPLICATES.lock();
    if let Some(slot) = slots::existing(duplicate) {
        slots::set_duplicate(slot, false);
        if unregistered(&slot.end_life(duplicate, None)) {
            delete_registration(duplicate);
        }
    }
    let _ = sysfd::close(duplicate);
    drop(still);
}

/// Takes a registration away while the number still names its description.
fn delete_registration(fd: i32) {
    if let Some(poller) = poller() {
        let mut unused = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: a live event, which old kernels want to see.
        let _ = unsafe { syscall!(libc::SYS_epoll_ctl, poller.as_raw_fd(), libc::EPOLL_CTL_DEL, fd, &raw mut unused) };
    }
}

/// Waits until no try is under way that looked at the life before it ended: it has the old number in its hands.
fn await_tries(slot: &Slot) {
    wait_for_tries(|| slot.is_tried());
}
