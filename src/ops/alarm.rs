//! Timers of greenlets: greenlet_call_after(3), greenlet_exc_after(3), greenlet_with_timeout(3) and their cancelling.
//!
//! One is an entry in the heap of deadlines (`timer`), which fires it under its own lock. What it is to run is a greenlet that
//! was made when the timer was set: firing only makes it runnable. A timer that has fired is freed when the next is set or cancelled.

use super::create;
use super::greenlet::{self, Handle};
use super::thread as threads;
use crate::errno::{Errno, Exit};
use crate::sched;
use crate::sys::lock::Lock;
use crate::thread::{self, Start, Thread, cancel, throw};
use crate::timer::{self, Entry};
use core::ffi::{c_double, c_int, c_void};

/// A timer's handle; 0 is nobody's.
pub type Timer = u64;

/// What happens when the time has come.
enum Deed {
    /// The greenlet begins; if it is local, only when its maker lives.
    Begin {
        greenlet: &'static Thread,
        maker: Handle,
    },
    Throw {
        into: &'static Thread,
        generation: u32,
        errno: c_int,
    },
}

struct Alarm {
    entry: Entry,
    /// Where in the table it is.
    slot: u32,
    handle: Timer,
    deed: Deed,
}

struct Slot {
    generation: u32,
    alarm: Option<Box<Alarm>>,
}

struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

// SAFETY: the entries are linked and unlinked under the heap's lock only, and their addresses are those of boxes.
unsafe impl Send for Table {}

static TABLE: Lock<Table> = Lock::new(Table { slots: Vec::new(), free: Vec::new() });
/// Which have fired. A leaf of the lock order: written under the lock of the heap.
static FIRED: Lock<Vec<u32>> = Lock::new(Vec::new());

impl Table {
    /// Frees those that have fired.
    fn sweep(&mut self) {
        let fired = core::mem::take(&mut *FIRED.lock());
        for slot in fired {
            self.release(slot);
        }
    }

    fn release(&mut self, slot: u32) -> Option<Box<Alarm>> {
        let alarm = self.slots[slot as usize].alarm.take()?;
        self.free.push(slot);
        Some(alarm)
    }

    fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, alarm: None });
            self.slots.len() as u32 - 1
        })
    }
}

/// Called by the heap, under its lock.
///
/// # Safety
/// `alarm` is one that [`set`] has linked and nobody has unlinked.
unsafe fn fire(alarm: *const ()) {
    // SAFETY: the caller's promise: it is freed only after it has been unlinked.
    let alarm = unsafe { &*alarm.cast::<Alarm>() };
    match alarm.deed {
        Deed::Begin { greenlet, maker } => {
            if maker != 0 && !greenlet::is_alive(maker) {
                cancel::request(greenlet);
            }
            sched::ready(greenlet);
        }
        Deed::Throw { into, generation, errno: 0 } => kill(into, generation),
        Deed::Throw { into, generation, errno } if into.generation() == generation => {
            throw::throw(into, generation, errno, alarm.handle);
        }
        Deed::Throw { .. } => {}
    }
    FIRED.lock().push(alarm.slot);
}

/// Kills the greenlet that the record is in this generation.
fn kill(t: &Thread, generation: u32) {
    let mark = thread::while_handles_hold(|| if t.generation() == generation { cancel::mark(t) } else { None });
    if let Some(mark) = mark {
        mark.tell(t);
    }
}

/// Sets a timer.
fn set(seconds: c_double, deed: Deed) -> Timer {
    let deadline = greenlet::after(seconds);
    let mut table = TABLE.lock();
    table.sweep();
    let slot = table.reserve();
    let held = &mut table.slots[slot as usize];
    held.generation = held.generation.wrapping_add(1);
    let handle = u64::from(slot + 1) << 32 | u64::from(held.generation);
    let mut alarm = Box::new(Alarm { entry: Entry::for_deed(deadline.into(), fire), slot, handle, deed });
    let place = &raw mut *alarm;
    held.alarm = Some(alarm);
    // SAFETY: the alarm stays in its box until it has been unlinked, here or by firing, and `fire` takes it for what it is.
    let first = unsafe {
        (*place).entry.set_deed_of(place.cast());
        timer::insert(&raw mut (*place).entry)
    };
    drop(table);
    if first {
        sched::deadline_moved();
    }
    handle
}

/// greenlet_call_after(3); local to the calling greenlet unless it is `global`.
///
/// # Safety
/// `start` may be called with `arg`.
pub unsafe fn call_after(
    seconds: c_double, start: Option<Start>, arg: *mut c_void, global: bool,
) -> Result<Timer, Exit> {
    greenlet::ensure_model()?;
    let start = start.ok_or(Errno::INVAL)?;
    if seconds.is_nan() {
        return Err(Errno::INVAL.into());
    }
    let maker = if global { 0 } else { greenlet::current() };
    // Firing is no time to ask libc.
    cancel::learn_bits();
    // SAFETY: the caller's promise.
    let greenlet = unsafe { create::begin(start, arg) }.map_err(|_| Errno::AGAIN)?;
    greenlet.begin_greenlet();
    greenlet.set_takes_turns(true);
    threads::detach_thread(greenlet)?;
    Ok(set(seconds, Deed::Begin { greenlet, maker }))
}

/// greenlet_exc_after(3).
pub fn exc_after(seconds: c_double, errno: c_int) -> Result<Timer, Exit> {
    greenlet::ensure_model()?;
    let Some(into) = greenlet::own() else { return Err(Errno(libc::EPERM).into()) };
    if seconds.is_nan() || errno < 0 {
        return Err(Errno::INVAL.into());
    }
    cancel::learn_bits();
    Ok(set(seconds, Deed::Throw { into, generation: into.generation(), errno }))
}

/// A timer whose time-out is of no use any more when its routine is left, by an exception too: the program may catch that outside.
struct Own(Timer);

impl Own {
    /// Whether no call has failed because of it.
    fn take_back(&self) -> bool {
        cancel_timer(self.0) != 0 || throw::withdraw(self.0)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// greenlet_with_timeout(3): 1 if a call in `start` has failed with what its own timer threw. What others threw stays what
/// it is, and a timer that has fired too late for any call to fail is taken back.
///
/// # Safety
/// `start` may be called with `arg`; `value` is null or writable.
pub unsafe fn with_timeout(
    seconds: c_double, start: Option<Start>, arg: *mut c_void, timeout_value: *mut c_void, value: *mut *mut c_void,
) -> Result<c_int, Exit> {
    let start = start.ok_or(Errno::INVAL)?;
    let timer = Own(exc_after(seconds, libc::ETIMEDOUT)?);
    // SAFETY: the caller's routine.
    let own = unsafe { start(arg) };
    let timed_out = !timer.take_back();
    core::mem::forget(timer);
    if !value.is_null() {
        // SAFETY: the caller's promise.
        unsafe { value.write(if timed_out { timeout_value } else { own }) };
    }
    Ok(timed_out.into())
}

/// greenlet_timer_cancel(3): whether it had not fired.
pub fn cancel_timer(timer: Timer) -> c_int {
    let mut table = TABLE.lock();
    table.sweep();
    let (slot, generation) = ((timer >> 32).wrapping_sub(1), timer as u32);
    let known = table.slots.get_mut(slot as usize).filter(|s| s.generation == generation && s.alarm.is_some());
    let Some(alarm) = known.and_then(|s| s.alarm.as_mut()) else { return 0 };
    // SAFETY: linked by `set`, or fired since the sweep.
    let was_linked = unsafe { timer::remove(&raw mut alarm.entry) };
    if !was_linked {
        return 0;
    }
    let alarm = table.release(slot as u32);
    drop(table);
    if let Some(Deed::Begin { greenlet, .. }) = alarm.map(|alarm| alarm.deed) {
        // It ends without having begun.
        cancel::request(greenlet);
        sched::ready(greenlet);
    }
    1
}

/// Forgets the parent's timers.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: the caller's promise.
    unsafe {
        TABLE.reset(Table { slots: Vec::new(), free: Vec::new() });
        FIRED.reset(Vec::new());
    }
}
