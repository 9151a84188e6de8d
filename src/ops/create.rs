//! pthread_create(3): a pair that is recycled, copied or made by libc, and a thread on it. What is asked for that only a kernel thread can have
//! is left to libc.

use super::{green, task};
use crate::arch;
use crate::config;
use crate::errno::Exit;
use crate::patch::{self, Set};
use crate::real;
use crate::report::{self, Event};
use crate::sched;
use crate::start;
use crate::sys::{alloc, sig};
use crate::thread::hijack::{self, Shape};
use crate::thread::{self, Start, Thread, recycle};
use core::ffi::{c_int, c_void};
use libc::{pthread_attr_t, pthread_t};

/// What the attributes ask for.
struct Asked {
    shape: Shape,
    detached: bool,
    /// The signal mask that the thread is to begin with, if not its creator's.
    mask: Option<sig::Mask>,
    /// A scheduling policy or an affinity of its own: only a kernel thread has that.
    native: bool,
}

/// # Safety
/// `attr` is null or an initialised attribute object.
unsafe fn asked(attr: *const pthread_attr_t) -> Result<Asked, i32> {
    // SAFETY: libc's own accessors on the caller's object, or on the default one.
    unsafe {
        let mut default: pthread_attr_t = core::mem::zeroed();
        let source = if attr.is_null() {
            match real::pthread_getattr_default_np(&mut default) {
                0 => &raw const default,
                e => return Err(e),
            }
        } else {
            attr
        };
        let (mut size, mut guard) = (0, 0);
        let (mut detach, mut inherit, mut policy) = (0, 0, 0);
        let (mut at, mut block) = (core::ptr::null_mut(), 0);
        real::pthread_attr_getstacksize(source, &mut size);
        real::pthread_attr_getguardsize(source, &mut guard);
        real::pthread_attr_getdetachstate(source, &mut detach);
        real::pthread_attr_getinheritsched(source, &mut inherit);
        real::pthread_attr_getschedpolicy(source, &mut policy);
        real::pthread_attr_getstack(source, &mut at, &mut block);
        let mask = mask_in(source);
        if attr.is_null() {
            real::pthread_attr_destroy(&mut default);
            if config::get().stack_size != 0 {
                size = config::get().stack_size;
            }
        }
        // An object whose stack was never set reports an address that, plus the size, is zero.
        let user = !attr.is_null() && !at.is_null() && (at as usize).wrapping_add(block) != 0;
        Ok(Asked {
            shape: Shape {
                size: size & !63,
                guard: if user { 0 } else { (guard + 4095) & !4095 },
                user: user.then_some(at as usize),
            },
            detached: detach == libc::PTHREAD_CREATE_DETACHED,
            mask,
            native: inherit == libc::PTHREAD_EXPLICIT_SCHED && policy != libc::SCHED_OTHER
                || !attr.is_null() && has_affinity(attr),
        })
    }
}

/// The signal mask that was set (glibc 2.32).
///
/// # Safety
/// `attr` is an initialised attribute object.
unsafe fn mask_in(attr: *const pthread_attr_t) -> Option<sig::Mask> {
    let get = real::address!(c"pthread_attr_getsigmask_np");
    if get.is_null() {
        return None;
    }
    // SAFETY: libc's function of that name, which fills in a live set if it returns 0; the caller's object.
    unsafe {
        let get: unsafe extern "C" fn(*const pthread_attr_t, *mut libc::sigset_t) -> c_int = core::mem::transmute(get);
        let mut set: libc::sigset_t = core::mem::zeroed();
        (get(attr, &mut set) == 0).then(|| sig::of_set(&set) & !sig::NEVER_BLOCKED)
    }
}

/// Whether an affinity was set: without one libc says all processors, those that cannot be included.
///
/// # Safety
/// `attr` is an initialised attribute object.
unsafe fn has_affinity(attr: *const pthread_attr_t) -> bool {
    let mut set = [0u8; size_of::<libc::cpu_set_t>()];
    // SAFETY: libc writes as many bytes as it is told; it refuses where those do not hold what was set.
    let got = unsafe { real::pthread_attr_getaffinity_np(attr, set.len(), set.as_mut_ptr().cast()) };
    got != 0 || set.iter().any(|&byte| byte != u8::MAX)
}

/// pthread_create(3).
///
/// # Safety
/// As the C function.
pub unsafe fn create(
    out: *mut pthread_t, attr: *const pthread_attr_t, start: Start, arg: *mut c_void,
) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { create_as(out, attr, start, arg, false) }
}

/// The same for both families; C11's start routine returns an int.
///
/// # Safety
/// As the C function.
pub(super) unsafe fn create_as(
    out: *mut pthread_t, attr: *const pthread_attr_t, start: Start, arg: *mut c_void, c11: bool,
) -> Result<(), Exit> {
    // SAFETY: the caller's arguments throughout.
    unsafe {
        let Ok(asked) = asked(attr) else { return Err(Exit::Native) };
        // First, so that a thread that is left to the kernel waits where green ones find it.
        let is_active = patch::off().bits() & Set::THREAD.bits() == 0 && start::activate();
        if asked.native || task::is_inherited() || !is_active {
            report::count(Event::Native);
            return if arch::has_own_table() { create_in_own_table(out, attr, start, arg) } else { Err(Exit::Native) };
        }
        let t = prepared(attr, &asked, start, arg)?;
        t.c11.set(c11);
        *out = t.tp() as pthread_t;
        sched::ready(t);
        // One that makes thread after thread computes long enough to lose its permit, and would wake a worker for each.
        sched::onload();
    }
    Ok(())
}

/// A kernel thread that shares its creator's table of descriptors, which is not the process's, and is marked as the creator is.
///
/// # Safety
/// As `pthread_create`; either family's start routine, because an int comes back as the lower half of a pointer.
unsafe fn create_in_own_table(
    out: *mut pthread_t, attr: *const pthread_attr_t, start: Start, arg: *mut c_void,
) -> Result<(), Exit> {
    extern "C-unwind" fn begin(given: *mut c_void) -> *mut c_void {
        // SAFETY: made below, for this thread alone.
        let (start, arg) = *unsafe { Box::from_raw(given.cast::<(Start, *mut c_void)>()) };
        arch::set_own_table(true);
        // SAFETY: the program's own routine. What it unwinds finds nothing in this frame that has a destructor.
        unsafe { start(arg) }
    }
    let given = Box::into_raw(Box::new((start, arg)));
    // SAFETY: the caller's arguments; `begin` takes the box, and nobody does where there is no thread.
    unsafe {
        let error = real::pthread_create(out, attr, begin, given.cast());
        if error != 0 {
            drop(Box::from_raw(given));
            return Err(Exit::Errno(error));
        }
    }
    Ok(())
}

/// A thread of the usual shape that is not runnable yet.
///
/// # Safety
/// `start` may be called with `arg`.
pub(super) unsafe fn begin(start: Start, arg: *mut c_void) -> Result<&'static Thread, Exit> {
    // SAFETY: no attributes; the caller's start routine.
    unsafe {
        let asked = asked(core::ptr::null()).map_err(|_| Exit::Errno(libc::EAGAIN))?;
        prepared(core::ptr::null(), &asked, start, arg)
    }
}

/// # Safety
/// `attr` is null or an initialised attribute object; `start` may be called with `arg`.
unsafe fn prepared(
    attr: *const pthread_attr_t, asked: &Asked, start: Start, arg: *mut c_void,
) -> Result<&'static Thread, Exit> {
    let recycled = if asked.shape.user.is_some() { None } else { recycle::take(asked.shape) };
    let t = match recycled {
        Some(t) => {
            report::count(Event::PairRecycled);
            t.renew_tid();
            t
        }
        None => {
            // SAFETY: the caller's attributes.
            let mut made = unsafe { make_pair(attr, asked) };
            if matches!(made, Err(Exit::Errno(libc::EAGAIN))) && recycle::give_all() {
                // SAFETY: as above.
                made = unsafe { make_pair(attr, asked) };
            }
            let t = made?;
            report::count(Event::PairMade);
            t
        }
    };
    inherit(t);
    if let Some(mask) = asked.mask {
        t.mask.set(mask);
    }
    t.prepare(start, arg, asked.detached);
    Ok(t)
}

/// A new pair. `EAGAIN` also where memory for its record, and for what its running needs, is not there at once.
///
/// # Safety
/// As [`make`].
unsafe fn make_pair(attr: *const pthread_attr_t, asked: &Asked) -> Result<&'static Thread, Exit> {
    if !alloc::has_room() {
        return Err(Exit::Errno(libc::EAGAIN));
    }
    match thread::template::make(asked.shape) {
        Some(t) => Ok(t),
        // SAFETY: the caller's promise.
        None => unsafe { make(attr, asked) },
    }
}

/// A new pair, always joinable for libc: detaching is ours.
///
/// # Safety
/// `attr` is null or an initialised attribute object.
unsafe fn make(attr: *const pthread_attr_t, asked: &Asked) -> Result<&'static Thread, Exit> {
    let shape = asked.shape;
    // SAFETY: a byte copy of the caller's object is only changed in its detach state and not destroyed, so
    // what the two share stays the caller's.
    unsafe {
        let mut own: pthread_attr_t = core::mem::zeroed();
        if attr.is_null() {
            real::pthread_attr_init(&mut own);
            real::pthread_attr_setstacksize(&mut own, shape.size);
        } else if asked.mask.is_some() {
            // Libc would unblock signals on the kernel thread that it makes, where no handler may run.
            real::pthread_attr_init(&mut own);
            libc::pthread_attr_setguardsize(&mut own, shape.guard);
            match shape.user {
                Some(at) => real::pthread_attr_setstack(&mut own, core::ptr::without_provenance_mut(at), shape.size),
                None => real::pthread_attr_setstacksize(&mut own, shape.size),
            };
        } else {
            own = *attr;
            real::pthread_attr_setdetachstate(&mut own, libc::PTHREAD_CREATE_JOINABLE);
        }
        hijack::make(&mut own, shape).map_err(Exit::Errno)
    }
}

/// What a thread has from its creator: mask, name, and (in `prepare`) the floating-point controls.
fn inherit(t: &Thread) {
    match green() {
        Some(creator) => {
            t.mask.set(creator.mask.get());
            t.name.set(creator.name.get());
        }
        None => t.mask.set(sig::mask()),
    }
}
