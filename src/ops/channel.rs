//! Events, semaphores and queues of `greenlet.h`: what greenlets and other threads tell one another by.
//!
//! Each is a small state behind one lock for all of them, and an address in the parking lot. A waiter looks at the state under the
//! bucket's lock (`validate`), so the order is bucket, then state; who changes the state lets its lock go before it wakes.
//!
//! Rejected: a lock in each object. A fork has to hold them all, or the child finds one taken for ever; and greenlets never
//! run beside one another, so there is little to contend.

use super::greenlet;
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::report::Call;
use crate::signal;
use crate::sys::lock::Lock;
use crate::thread::wait::Wait;
use crate::thread::{cancel, throw};
use core::cell::UnsafeCell;
use core::ffi::{c_double, c_int, c_uint, c_void};
use std::collections::VecDeque;

static STATES: Lock<()> = Lock::new(());

/// Locks the states across a fork.
pub fn fork_prepare() {
    STATES.hold();
}

pub fn fork_done() {
    STATES.let_go();
}

/// A state that is read and changed under the lock.
struct Guarded<T>(UnsafeCell<T>);

impl<T> Guarded<T> {
    fn new(state: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(state))
    }

    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _held = STATES.lock();
        // SAFETY: all access is here, under the lock, and no `f` comes back here.
        f(unsafe { &mut *self.0.get() })
    }
}

/// Waits until `attempt` gives something, at most so many seconds: none at all if they are 0, for ever if negative.
fn wait_for<R>(key: usize, seconds: c_double, mut attempt: impl FnMut() -> Option<R>) -> Result<R, Exit> {
    if seconds.is_nan() {
        return Err(Errno::INVAL.into());
    }
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    if let Some(got) = attempt() {
        return Ok(got);
    }
    if seconds == 0.0 {
        return Err(Errno::TIMEDOUT.into());
    }
    let until = (seconds >= 0.0).then(|| greenlet::after(seconds));
    let how = Wait::until(Call::Sem, until).cancellable().failing();
    loop {
        let mut got = None;
        let looks = || {
            got = attempt();
            got.is_none()
        };
        let Parked::Woken(why) = lot::park(key, Kind::Channel, u32::MAX, &how, looks, || {}) else {
            return got.ok_or(Errno::INVAL.into());
        };
        if let Some(got) = attempt() {
            return Ok(got);
        }
        match why {
            Wake::TimedOut => return Err(Errno::TIMEDOUT.into()),
            Wake::Cancelled if cancel::is_pending() => return Err(Exit::Cancelled),
            Wake::Interrupted if let Some(thrown) = throw::take() => return Err(thrown.into()),
            // A handler has run, or will; it ends nothing.
            Wake::Interrupted => drop(signal::take_interruption()),
            _ => {}
        }
    }
}

fn wake(key: usize, n: usize) {
    lot::unpark(key, Kind::Channel, n, u32::MAX);
}

fn key_of<T>(object: &T) -> usize {
    (object as *const T).addr()
}

/// # Safety
/// The object is one of [`give`]'s that has not been freed, or null.
unsafe fn object<'a, T>(at: *mut T) -> Result<&'a T, Exit> {
    // SAFETY: the caller's promise.
    unsafe { at.as_ref() }.ok_or(Errno::INVAL.into())
}

fn give<T>(object: T) -> Result<*mut T, Exit> {
    greenlet::ensure_model()?;
    Ok(Box::into_raw(Box::new(object)))
}

/// greenlet_event_free(3), greenlet_sem_free(3), greenlet_queue_free(3).
///
/// # Safety
/// The object is null or one of [`give`]'s, and nobody uses it.
pub unsafe fn free<T>(at: *mut T) {
    if !at.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(at) });
    }
}

/// What was sent last, and in which round.
#[derive(Clone, Copy, Default)]
struct Sent {
    is_ready: bool,
    round: u64,
    value: usize,
    errno: c_int,
}

/// An event: one value, or error, for all who wait.
pub struct Event(Guarded<Sent>);

/// greenlet_event_new(3).
pub fn event() -> Result<*mut Event, Exit> {
    give(Event(Guarded::new(Sent::default())))
}

/// greenlet_event_send(3), and greenlet_event_send_exception(3) with an error number.
///
/// # Safety
/// An event that has not been freed, or null.
pub unsafe fn send(event: *mut Event, value: *mut c_void, errno: c_int) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let event = unsafe { object(event) }?;
    event.0.with(|sent| {
        if sent.is_ready {
            return Err(Errno(libc::EALREADY));
        }
        *sent = Sent { is_ready: true, round: sent.round + 1, value: value as usize, errno };
        Ok(())
    })?;
    wake(key_of(event), usize::MAX);
    Ok(0)
}

/// greenlet_event_send_exception(3).
///
/// # Safety
/// As [`send`].
pub unsafe fn send_exception(event: *mut Event, errno: c_int) -> Result<c_int, Exit> {
    if errno <= 0 {
        return Err(Errno::INVAL.into());
    }
    // SAFETY: the caller's promise.
    unsafe { send(event, core::ptr::null_mut(), errno) }
}

/// greenlet_event_wait(3). Who waits while something is sent gets it, also if the event is reset before its turn.
///
/// # Safety
/// As [`send`]; `value` is null or writable.
pub unsafe fn wait(event: *mut Event, seconds: c_double, value: *mut *mut c_void) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let event = unsafe { object(event) }?;
    let round = event.0.with(|sent| sent.round);
    let look = || event.0.with(|sent| (sent.is_ready || sent.round != round).then_some(*sent));
    let sent = wait_for(key_of(event), seconds, look)?;
    if sent.errno != 0 {
        return Err(Errno(sent.errno).into());
    }
    if !value.is_null() {
        // SAFETY: the caller's promise.
        unsafe { value.write(sent.value as *mut c_void) };
    }
    Ok(0)
}

/// greenlet_event_ready(3).
///
/// # Safety
/// As [`send`].
pub unsafe fn is_ready(event: *mut Event) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    Ok(unsafe { object(event) }?.0.with(|sent| sent.is_ready).into())
}

/// greenlet_event_reset(3).
///
/// # Safety
/// As [`send`].
pub unsafe fn reset(event: *mut Event) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    unsafe { object(event) }?.0.with(|sent| sent.is_ready = false);
    Ok(0)
}

/// A counting semaphore.
pub struct Semaphore(Guarded<c_uint>);

/// greenlet_sem_new(3).
pub fn semaphore(count: c_uint) -> Result<*mut Semaphore, Exit> {
    give(Semaphore(Guarded::new(count)))
}

/// greenlet_sem_acquire(3).
///
/// # Safety
/// A semaphore that has not been freed, or null.
pub unsafe fn acquire(semaphore: *mut Semaphore, seconds: c_double) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let semaphore = unsafe { object(semaphore) }?;
    let take = || {
        semaphore.0.with(|count| {
            *count = count.checked_sub(1)?;
            Some(0)
        })
    };
    wait_for(key_of(semaphore), seconds, take)
}

/// greenlet_sem_release(3).
///
/// # Safety
/// As [`acquire`].
pub unsafe fn release(semaphore: *mut Semaphore) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let semaphore = unsafe { object(semaphore) }?;
    semaphore.0.with(|count| {
        *count = count.checked_add(1).ok_or(Errno(libc::EOVERFLOW))?;
        Ok::<(), Errno>(())
    })?;
    wake(key_of(semaphore), 1);
    Ok(0)
}

/// A bounded queue of the program's pointers.
pub struct Queue {
    capacity: usize,
    items: Guarded<VecDeque<usize>>,
}

impl Queue {
    fn getters(&self) -> usize {
        key_of(self)
    }

    fn putters(&self) -> usize {
        key_of(self) + 1
    }
}

/// greenlet_queue_new(3).
pub fn queue(capacity: usize) -> Result<*mut Queue, Exit> {
    if capacity == 0 {
        return Err(Errno::INVAL.into());
    }
    give(Queue { capacity, items: Guarded::new(VecDeque::new()) })
}

/// greenlet_queue_put(3).
///
/// # Safety
/// A queue that has not been freed, or null.
pub unsafe fn put(queue: *mut Queue, item: *mut c_void, seconds: c_double) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let queue = unsafe { object(queue) }?;
    let push = || queue.items.with(|items| (items.len() < queue.capacity).then(|| items.push_back(item as usize)));
    wait_for(queue.putters(), seconds, push)?;
    wake(queue.getters(), 1);
    Ok(0)
}

/// greenlet_queue_get(3).
///
/// # Safety
/// As [`put`]; `item` is null or writable.
pub unsafe fn get(queue: *mut Queue, seconds: c_double, item: *mut *mut c_void) -> Result<c_int, Exit> {
    // SAFETY: the caller's promise.
    let queue = unsafe { object(queue) }?;
    let got = wait_for(queue.getters(), seconds, || queue.items.with(VecDeque::pop_front))?;
    wake(queue.putters(), 1);
    if !item.is_null() {
        // SAFETY: the caller's promise.
        unsafe { item.write(got as *mut c_void) };
    }
    Ok(0)
}

/// greenlet_queue_length(3).
///
/// # Safety
/// As [`put`].
pub unsafe fn length(queue: *mut Queue) -> Result<isize, Exit> {
    // SAFETY: the caller's promise.
    Ok(unsafe { object(queue) }?.items.with(|items| items.len()) as isize)
}
