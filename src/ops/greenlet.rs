//! Greenlets: the calls of `greenlet.h`. What they do is said there; here is how.
//!
//! A greenlet is a green thread that takes turns (`sched::strand`), so it is a pthread like all others and may call everything.
//! Its handle is the record's address and a count of the greenlets that the record has been, so that one that is stale is
//! known as such: records are never freed.

use super::create;
use super::thread as threads;
use super::{green, time as sleeping};
use crate::atomic::{AtomicU32, Ordering};
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::patch::{self, Set};
use crate::report::Call;
use crate::sched;
use crate::signal;
use crate::start;
use crate::sys::{self, time};
use crate::thread::wait::{self, Wait};
use crate::thread::{
    self, DETACHED, ENDED, FOREIGN_JOINER, FREE, JOINABLE, Start, Thread, bind, cancel, recycle, throw,
};
use core::ffi::{c_double, c_int, c_uint, c_void};

/// A greenlet's handle; 0 is nobody's.
pub type Handle = u64;

/// Records are aligned to cache lines, and addresses of programs have 47 bits.
const ALIGNMENT: u32 = 6;
const GENERATIONS: u32 = 22;
const _: () = assert!(align_of::<Thread>() == 1 << ALIGNMENT);

/// How far greenlet_init has come.
static MODEL: AtomicU32 = AtomicU32::new(NONE);
const NONE: u32 = 0;
const STARTING: u32 = 1;
const STARTED: u32 = 2;

fn handle_of(t: &Thread) -> Handle {
    let address = (t as *const Thread).addr() as u64 >> ALIGNMENT;
    address << GENERATIONS | u64::from(t.generation() & ((1 << GENERATIONS) - 1))
}

/// The greenlet that has, or had, this handle; `None` when its record is another's by now, nobody's, or the parent's.
fn of(handle: Handle) -> Option<&'static Thread> {
    let at = (handle >> GENERATIONS << ALIGNMENT) as usize as *const Thread;
    // SAFETY: the caller's handle is one that was given out, so this is a record, which is never freed.
    let t = unsafe { at.as_ref()? };
    (handle_of(t) == handle && t.is_current_epoch() && t.life.load(Ordering::Acquire) != FREE).then_some(t)
}

/// Acts on the greenlet that has this handle, and keeps it meanwhile; `ESRCH` for a stale one.
fn with<R>(handle: Handle, act: impl FnOnce(&'static Thread) -> R) -> Result<R, Errno> {
    thread::while_handles_hold(|| of(handle).map(act)).ok_or(Errno(libc::ESRCH))
}

/// The calling thread, the first to ask, becomes a greenlet.
fn start_model() -> Result<(), Errno> {
    if !start::awaken() {
        return Err(Errno(libc::ENOTSUP));
    }
    if let Some(t) = green() {
        t.begin_greenlet();
        sched::begin_turns(t);
    }
    Ok(())
}

/// Whether there may be greenlets. A forked child begins with the model of its parent, and without its greenlets.
pub(super) fn ensure_model() -> Result<(), Errno> {
    if !is_active() {
        return Err(Errno(libc::EPERM));
    }
    if start::active() { Ok(()) } else { start_model() }
}

/// GREENLET_MANUAL.
const MANUAL: c_uint = 1;

/// greenlet_init(3).
pub fn init(flags: c_uint) -> Result<c_int, Exit> {
    if flags & !MANUAL != 0 {
        return Err(Errno::INVAL.into());
    }
    loop {
        match MODEL.compare_exchange(NONE, STARTING, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(STARTED) => return Ok(0),
            // Another thread is at it.
            Err(_) => sys::sched_yield(),
        }
    }
    let before = if flags & MANUAL != 0 { patch::limit_to(Set::NONE) } else { patch::off() };
    let started = start_model();
    if started.is_err() {
        patch::set_off(before);
    }
    MODEL.store(if started.is_ok() { STARTED } else { NONE }, Ordering::Release);
    Ok(started.map(|()| 0)?)
}

/// greenlet_wrap_socket(3) and its kin.
pub fn wrap(set: Set) -> Result<c_int, Exit> {
    if !start::loaded() {
        return Err(Errno(libc::ENOTSUP).into());
    }
    patch::wrap(set);
    Ok(0)
}

/// greenlet_active(3).
pub fn is_active() -> bool {
    MODEL.load(Ordering::Acquire) == STARTED
}

/// greenlet_spawn(3).
///
/// # Safety
/// `start` may be called with `arg`.
pub unsafe fn spawn(start: Option<Start>, arg: *mut c_void) -> Result<Handle, Exit> {
    ensure_model()?;
    let start = start.ok_or(Errno::INVAL)?;
    // SAFETY: the caller's promise.
    let t = unsafe { create::begin(start, arg) }.map_err(|_| Errno::AGAIN)?;
    t.begin_greenlet();
    t.set_takes_turns(true);
    // It may have ended when `ready` returns, and be another.
    let handle = handle_of(t);
    sched::ready(t);
    Ok(handle)
}

/// greenlet_current(3).
pub fn current() -> Handle {
    own().map_or(0, handle_of)
}

/// The calling greenlet, with a kernel thread of its own or without.
pub(super) fn own() -> Option<&'static Thread> {
    thread::current().filter(|t| t.is_greenlet())
}

/// greenlet_join(3).
///
/// # Safety
/// `value` is null or writable.
pub unsafe fn join(handle: Handle, value: *mut *mut c_void) -> Result<c_int, Exit> {
    let t = with(handle, |t| threads::claim_join(t).map(|()| t))??;
    // SAFETY: the caller's pointer.
    unsafe { threads::join_claimed(t, value, || Ok(None)) }.map(|()| 0)
}

/// greenlet_detach(3).
pub fn detach(handle: Handle) -> Result<c_int, Exit> {
    if let Some(ended) = with(handle, leave)?? {
        recycle::give(ended);
    }
    Ok(0)
}

/// Nobody is to join it. It is the caller's to recycle if it has ended.
fn leave(t: &'static Thread) -> Result<Option<&'static Thread>, Errno> {
    if t.joiner.load(Ordering::Acquire) != 0 {
        return Err(Errno::INVAL);
    }
    match t.life.compare_exchange(JOINABLE, DETACHED, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(None),
        Err(ENDED) => {
            t.joiner.store(FOREIGN_JOINER, Ordering::Release);
            Ok(Some(t))
        }
        Err(_) => Err(Errno::INVAL),
    }
}

/// greenlet_kill(3).
pub fn kill(handle: Handle) -> Result<c_int, Exit> {
    ensure_model()?;
    // What is asked of libc is asked before.
    cancel::learn_bits();
    let marked = with(handle, |t| (t.life.load(Ordering::Acquire) != ENDED).then(|| (t, cancel::mark(t))));
    match marked.ok().flatten() {
        // Nobody, or nobody any more.
        None => Ok(0),
        Some((_, None)) => Err(Errno(libc::ENOTSUP).into()),
        // Itself as well. What was thrown into the caller waits for a call that it can fail: this one has done what it was to do.
        Some((t, Some(mark))) => {
            mark.tell(t);
            let_others_run().map(|()| 0)
        }
    }
}

/// greenlet_sleep(3).
pub fn sleep(seconds: c_double) -> Result<c_int, Exit> {
    if seconds.is_nan() {
        return Err(Errno::INVAL.into());
    }
    if seconds <= 0.0 {
        return yield_now();
    }
    let deadline = after(seconds);
    match green() {
        Some(_) => sleeping::until_whatever_runs(deadline)?,
        None => sleep_on_own(deadline)?,
    }
    Ok(0)
}

/// The same with a kernel thread of one's own.
fn sleep_on_own(deadline: u64) -> Result<(), Exit> {
    let how = Wait::until(Call::Sleep, Some(deadline)).cancellable().failing();
    loop {
        if cancel::is_pending() {
            return Err(Exit::Cancelled);
        }
        match wait::sleep(&how) {
            Wake::TimedOut => return Ok(()),
            Wake::Interrupted if let Some(thrown) = throw::take() => return Err(thrown.into()),
            // A handler has run, or will; it ends nothing.
            Wake::Interrupted => drop(signal::take_interruption()),
            _ => {}
        }
    }
}

/// So many seconds from now; 0 for less than that. The conversion saturates.
pub(super) fn after(seconds: c_double) -> u64 {
    time::after((seconds * time::SECOND as f64) as u64)
}

/// Whether the greenlet has not ended.
pub(super) fn is_alive(handle: Handle) -> bool {
    of(handle).is_some_and(|t| t.life.load(Ordering::Acquire) != ENDED)
}

/// greenlet_native_begin(3).
pub fn native_begin() -> Result<c_int, Exit> {
    bind::to_kernel_thread()?;
    Ok(0)
}

/// greenlet_native_end(3). A thread that was bound stays so: see [`bind`].
pub fn native_end() -> Result<c_int, Exit> {
    Ok(0)
}

/// greenlet_yield(3).
pub fn yield_now() -> Result<c_int, Exit> {
    let_others_run()?;
    throw::take().map_or(Ok(0), |thrown| Err(thrown.into()))
}

fn let_others_run() -> Result<(), Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    match green() {
        // SAFETY: no arguments.
        Some(_) => drop(unsafe { sleeping::sched_yield() }?),
        None => sys::sched_yield(),
    }
    if cancel::is_pending() { Err(Exit::Cancelled) } else { Ok(()) }
}
