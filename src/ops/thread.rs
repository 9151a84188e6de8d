//! pthread_create and the calls on threads.

use super::{green, task};
use crate::arch;
use crate::atomic::Ordering;
use crate::config;
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::patch::{self, Set};
use crate::real;
use crate::report::{self, Call, Event};
use crate::sched;
use crate::start;
use crate::sync::deadline;
use crate::sys::{self, alloc, sig, time::Deadline};
use crate::syscall;
use crate::thread::hijack::{self, Shape};
use crate::thread::wait::Wait;
use crate::thread::{
    self, DETACHED, ENDED, FOREIGN_JOINER, FREE, JOINABLE, Start, Thread, cancel as cancellation, exit, is_main, keys,
    recycle,
};
use crate::tls;
use core::ffi::{c_char, c_int, c_void};
use libc::{pid_t, pthread_attr_t, pthread_t};

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

/// The green thread behind a handle.
///
/// # Safety
/// As any pthread call on the handle.
unsafe fn of(handle: pthread_t) -> Result<&'static Thread, Exit> {
    // SAFETY: the caller's handle.
    unsafe { thread::of_handle(handle) }.ok_or(Exit::Native)
}

/// The thread that a call waits for; the wait for a kernel thread is libc's.
///
/// # Safety
/// As any pthread call on the handle.
pub(super) unsafe fn to_be_joined(handle: pthread_t) -> Result<&'static Thread, Exit> {
    // SAFETY: the caller's handle.
    unsafe { thread::of_handle(handle) }.ok_or(Exit::Offloaded)
}

/// pthread_join(3).
///
/// # Safety
/// As the C function.
pub unsafe fn join(handle: pthread_t, value: *mut *mut c_void) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { join_thread(to_be_joined(handle)?, value, || Ok(None)) }
}

/// pthread_timedjoin_np(3): absolute CLOCK_REALTIME; null waits for ever.
///
/// # Safety
/// As the C function.
pub unsafe fn timedjoin(handle: pthread_t, value: *mut *mut c_void, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clockjoin(handle, value, libc::CLOCK_REALTIME, at) }
}

/// pthread_clockjoin_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clockjoin(
    handle: pthread_t, value: *mut *mut c_void, clock: libc::clockid_t, at: *const libc::timespec,
) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        join_thread(
            to_be_joined(handle)?,
            value,
            || if at.is_null() { Ok(None) } else { deadline(clock, at).map(Some) },
        )
    }
}

/// pthread_tryjoin_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn tryjoin(handle: pthread_t, value: *mut *mut c_void) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        if matches!(t.life.load(Ordering::Acquire), JOINABLE | DETACHED) {
            return Err(Exit::Errno(libc::EBUSY));
        }
        join_thread(t, value, || Ok(None))
    }
}

/// # Safety
/// `value` is null or valid.
pub(super) unsafe fn join_thread(
    t: &'static Thread, value: *mut *mut c_void, until: impl FnOnce() -> Result<Option<Deadline>, Exit>,
) -> Result<(), Exit> {
    claim_join(t)?;
    // SAFETY: the caller's promise.
    unsafe { join_claimed(t, value, until) }
}

/// The caller is who joins it, if nobody else is.
pub(super) fn claim_join(t: &'static Thread) -> Result<(), Exit> {
    match t.life.load(Ordering::Acquire) {
        FREE => return Err(Exit::Errno(libc::ESRCH)),
        DETACHED => return Err(Exit::Errno(libc::EINVAL)),
        _ => {}
    }
    let me = arch::tls::current();
    let own = if me.is_null() { FOREIGN_JOINER } else { me as usize };
    // SAFETY: records are never freed.
    let waits_for_me = !me.is_null() && unsafe { (*me).joiner.load(Ordering::Acquire) } == t as *const Thread as usize;
    if core::ptr::eq(me, t) || (waits_for_me && !cancellation::is_requested(t.tp())) {
        return Err(Exit::Errno(libc::EDEADLK));
    }
    match t.joiner.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        Err(_) => Err(Exit::Errno(libc::EINVAL)),
    }
}

/// # Safety
/// As [`join_thread`], after [`claim_join`].
pub(super) unsafe fn join_claimed(
    t: &'static Thread, value: *mut *mut c_void, until: impl FnOnce() -> Result<Option<Deadline>, Exit>,
) -> Result<(), Exit> {
    let end = until().and_then(|until| wait_for_end(t, until));
    if end.is_err() {
        t.joiner.store(0, Ordering::Release);
        return end;
    }
    wait_for_kernel_thread(t);
    // SAFETY: the caller's pointer.
    unsafe {
        if !value.is_null() {
            *value = t.value.get();
        }
    }
    recycle::give(t);
    Ok(())
}

/// A bound thread has ended when its kernel thread has: only then its robust mutexes have been seen to.
fn wait_for_kernel_thread(t: &Thread) {
    const LOOK: u64 = 200_000;
    while t.is_bound() && !is_main(t) && sig::tgkill(t.tid(), 0).is_ok() {
        thread::wait::sleep(&Wait::until(Call::Join, Some(sys::time::after(LOOK))));
    }
}

/// A cancellation ends the wait, not the join of a thread that has ended.
fn wait_for_end(t: &Thread, until: Option<Deadline>) -> Result<(), Exit> {
    let how = Wait::until(Call::Join, until).cancellable().failing();
    loop {
        let running = || t.life.load(Ordering::SeqCst) != ENDED;
        match lot::park(t as *const Thread as usize, Kind::Join, u32::MAX, &how, running, || {}) {
            Parked::Invalid => return Ok(()),
            Parked::Woken(Wake::TimedOut) if running() => return Err(Exit::Errno(libc::ETIMEDOUT)),
            Parked::Woken(Wake::Cancelled) if cancellation::is_pending() => return Err(Exit::Cancelled),
            Parked::Woken(Wake::Interrupted) if let Some(thrown) = thread::throw::take() => return Err(thrown.into()),
            Parked::Woken(_) => {}
        }
    }
}

/// pthread_detach(3).
///
/// # Safety
/// As the C function.
pub unsafe fn detach(handle: pthread_t) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    detach_thread(unsafe { of(handle)? })
}

pub(super) fn detach_thread(t: &'static Thread) -> Result<(), Exit> {
    match t.life.compare_exchange(JOINABLE, DETACHED, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(()),
        Err(ENDED) => {
            recycle::give(t);
            Ok(())
        }
        Err(DETACHED) => Err(Exit::Errno(libc::EINVAL)),
        Err(_) => Err(Exit::Errno(libc::ESRCH)),
    }
}

/// pthread_cancel(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cancel(handle: pthread_t) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    let Some(t) = (unsafe { thread::of_handle(handle) }) else { return cancel_foreign(handle) };
    let own = core::ptr::eq(arch::tls::current(), t);
    match t.life.load(Ordering::Acquire) {
        FREE => Err(Exit::Errno(libc::ESRCH)),
        ENDED => Ok(()),
        // glibc acts at once on itself when asynchronous.
        _ if own => {
            cancellation::learn_bits();
            Err(Exit::Native)
        }
        _ if cancellation::request(t) => Ok(()),
        _ => Err(Exit::Native),
    }
}

/// Of a thread that is not ours: glibc does it, but wakes nobody who sleeps in a call of ours.
fn cancel_foreign(handle: pthread_t) -> Result<(), Exit> {
    cancellation::learn_bits();
    if handle as usize == arch::thread_pointer() {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's handle, of a thread that exists.
    let error = unsafe { real::pthread_cancel(handle) };
    if error != 0 {
        return Err(Exit::Errno(error));
    }
    thread::foreign::cancelled(handle as usize);
    Ok(())
}

/// pthread_setcancelstate(3): glibc's own; enabling is not a cancellation point.
///
/// # Safety
/// As the C function.
pub unsafe fn setcancelstate(_state: c_int, _old: *mut c_int) -> Result<(), Exit> {
    Err(Exit::Native)
}

/// pthread_setcanceltype(3): glibc's own.
///
/// # Safety
/// As the C function.
pub unsafe fn setcanceltype(_kind: c_int, _old: *mut c_int) -> Result<(), Exit> {
    Err(Exit::Native)
}

/// pthread_testcancel(3): glibc's own, which unwinds; main is cancelled here or not at all, because it must be ready for it.
///
/// # Safety
/// As the C function.
pub unsafe fn testcancel() -> Result<(), Exit> {
    if crate::thread::exit::before_cancel() { Err(Exit::Native) } else { Ok(()) }
}

/// The calling thread ends. Whether the engine was started for that: to libc the library's own kernel threads are the program's, and
/// the process would never end.
pub fn is_last_but_helpers() -> bool {
    tls::are_running() && start::activate()
}

/// pthread_exit(3), before libc unwinds.
///
/// # Safety
/// Called from the hook, just before the real function.
pub unsafe fn before_exit(value: *mut c_void) {
    exit::before_exit(value);
}

/// pthread_key_create(3).
///
/// # Safety
/// As the C function.
pub unsafe fn key_create(key: *mut libc::pthread_key_t, destructor: Option<keys::Destructor>) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        match real::pthread_key_create(key, destructor) {
            0 => {
                keys::created(*key, destructor);
                Ok(())
            }
            e => Err(Exit::Errno(e)),
        }
    }
}

/// pthread_key_delete(3).
///
/// # Safety
/// As the C function.
pub unsafe fn key_delete(key: libc::pthread_key_t) -> Result<(), Exit> {
    keys::deleted(key);
    Err(Exit::Native)
}

/// pthread_getattr_np(3): built from the pair; glibc would ask the kernel about a tid it does not know.
///
/// # Safety
/// As the C function.
pub unsafe fn getattr(handle: pthread_t, attr: *mut pthread_attr_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let pair = t.pair.get();
        if pair.size == 0 {
            return Err(Exit::Native);
        }
        let detached = t.life.load(Ordering::Acquire) == DETACHED;
        real::pthread_attr_init(attr);
        libc::pthread_attr_setguardsize(attr, pair.guard);
        libc::pthread_attr_setstack(attr, core::ptr::without_provenance_mut(pair.limit), pair.size);
        real::pthread_attr_setdetachstate(
            attr,
            if detached { libc::PTHREAD_CREATE_DETACHED } else { libc::PTHREAD_CREATE_JOINABLE },
        );
    }
    Ok(())
}

const NAME_SIZE: usize = 16;

/// pthread_setname_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn setname(handle: pthread_t, name: *const c_char) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let text = core::ffi::CStr::from_ptr(name).to_bytes_with_nul();
        if text.len() > NAME_SIZE {
            return Err(Exit::Errno(libc::ERANGE));
        }
        if is_main(t) {
            return Err(Exit::Native);
        }
        let mut own = [0; NAME_SIZE];
        own[..text.len()].copy_from_slice(text);
        t.name.set(own);
        if t.is_bound() {
            sched::scout::send(|| sys::task::set_name(t.tid(), &own));
        }
    }
    Ok(())
}

/// pthread_getname_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn getname(handle: pthread_t, out: *mut c_char, len: usize) -> Result<(), Exit> {
    // SAFETY: the caller's arguments; a name and its NUL fit in what was checked.
    unsafe {
        let t = of(handle)?;
        if is_main(t) {
            return Err(Exit::Native);
        }
        if len < NAME_SIZE {
            return Err(Exit::Errno(libc::ERANGE));
        }
        get_name(t, out.cast());
    }
    Ok(())
}

/// pthread_getaffinity_np(3): a green thread may run wherever a thread may that has changed nothing.
///
/// # Safety
/// As the C function.
pub unsafe fn getaffinity(handle: pthread_t, size: usize, set: *mut libc::cpu_set_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { task::sched_getaffinity(of(handle)?.tid() as pid_t, size, set).map(|_| ()) }
}

/// pthread_setaffinity_np(3): the thread gets a kernel thread of its own, unless it has that affinity.
///
/// # Safety
/// As the C function.
pub unsafe fn setaffinity(handle: pthread_t, size: usize, set: *const libc::cpu_set_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        check_alive(t)?;
        task::sched_setaffinity(t.tid() as pid_t, size, set).map(|_| ())
    }
}

/// `ESRCH` for a thread whose kernel thread would be gone.
fn check_alive(t: &Thread) -> Result<(), Errno> {
    if matches!(t.life.load(Ordering::Acquire), ENDED | FREE) { Err(Errno(libc::ESRCH)) } else { Ok(()) }
}

/// pthread_getschedparam(3): what the process began with, unless it has a kernel thread.
///
/// # Safety
/// As the C function.
pub unsafe fn getschedparam(handle: pthread_t, policy: *mut c_int, param: *mut libc::sched_param) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let tid = of(handle)?.tid() as pid_t;
        *policy = task::sched_getscheduler(tid)?;
        task::sched_getparam(tid, param).map(|_| ())
    }
}

/// pthread_setschedparam(3): what every green thread has costs nothing; another policy binds.
///
/// # Safety
/// As the C function.
pub unsafe fn setschedparam(handle: pthread_t, policy: c_int, param: *const libc::sched_param) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let valid = match policy {
            libc::SCHED_FIFO | libc::SCHED_RR => (1..=99).contains(&(*param).sched_priority),
            libc::SCHED_OTHER | libc::SCHED_BATCH | libc::SCHED_IDLE => (*param).sched_priority == 0,
            _ => false,
        };
        if !valid {
            return Err(Errno::INVAL.into());
        }
        check_alive(t)?;
        task::sched_setscheduler(t.tid() as pid_t, policy, param).map(|_| ())
    }
}

/// pthread_setschedprio(3).
///
/// # Safety
/// As the C function.
pub unsafe fn setschedprio(handle: pthread_t, priority: c_int) -> Result<(), Exit> {
    // SAFETY: the caller's handle; a sched_param is one int.
    unsafe {
        let t = of(handle)?;
        check_alive(t)?;
        task::sched_setparam(t.tid() as pid_t, (&raw const priority).cast()).map(|_| ())
    }
}

/// pthread_getcpuclockid(3): the clock of the kernel thread that runs it now.
///
/// # Safety
/// As the C function.
pub unsafe fn getcpuclockid(handle: pthread_t, clock: *mut libc::clockid_t) -> Result<(), Exit> {
    const PER_THREAD_SCHED: i32 = 6;
    // SAFETY: the caller's arguments; workers are never freed.
    unsafe {
        let t = of(handle)?;
        let tid = match t.worker.get().as_ref() {
            _ if t.has_kernel_tid() => t.tid(),
            Some(w) => w.tid(),
            // It has not run yet.
            None => sys::gettid(),
        };
        *clock = (!(tid as i32) << 3) | PER_THREAD_SCHED;
    }
    Ok(())
}

/// prctl(2): the thread's name is ours, what the kernel keeps for each thread is `task`'s, all else is the kernel's.
///
/// # Safety
/// As the C function.
pub unsafe fn prctl(option: c_int, a: usize, b: usize, c: usize, d: usize) -> Result<c_int, Exit> {
    let Some(t) = thread::current().filter(|&t| !is_main(t)) else {
        // SAFETY: the caller's arguments.
        return unsafe { task::prctl(option, [a, b, c, d]) };
    };
    match option {
        libc::PR_SET_NAME => {
            let mut name = crate::sys::mem::read(a as *const [u8; NAME_SIZE]).or_else(|_| short_name(a))?;
            name[NAME_SIZE - 1] = 0;
            t.name.set(name);
            if t.is_bound() {
                sched::scout::send(|| sys::task::set_name(t.tid(), &name));
            }
            Ok(0)
        }
        libc::PR_GET_NAME => {
            // SAFETY: the caller's buffer of sixteen bytes, as for the system call.
            unsafe { get_name(t, a as *mut u8) };
            Ok(0)
        }
        // SAFETY: the caller's arguments.
        _ => unsafe { task::prctl(option, [a, b, c, d]) },
    }
}

/// A name at the end of its page: as many bytes as there are up to its NUL.
fn short_name(at: usize) -> Result<[u8; NAME_SIZE], Errno> {
    let mut name = [0; NAME_SIZE];
    for (i, byte) in name.iter_mut().enumerate() {
        *byte = crate::sys::mem::read((at + i) as *const u8)?;
        if *byte == 0 {
            break;
        }
    }
    Ok(name)
}

/// Writes a thread's name: its own, else its creator's, which is the process's.
///
/// # Safety
/// `out` has room for sixteen bytes.
unsafe fn get_name(t: &Thread, out: *mut u8) {
    let mut name = t.name.get();
    // SAFETY: the kernel writes sixteen bytes into a live array; the caller's buffer takes as many.
    unsafe {
        if name[0] == 0 {
            let _ = syscall!(libc::SYS_prctl, libc::PR_GET_NAME, name.as_mut_ptr());
        }
        out.copy_from_nonoverlapping(name.as_ptr(), NAME_SIZE);
    }
}

/// gettid(2): the number in the descriptor, which is nobody else's; the main thread's is the process id.
///
/// # Safety
/// None is needed; operations are unsafe alike.
pub unsafe fn gettid() -> Result<pid_t, Exit> {
    match green() {
        Some(t) => Ok(t.tid() as pid_t),
        None => Err(Exit::Native),
    }
}
