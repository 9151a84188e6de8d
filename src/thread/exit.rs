//! A green thread's life on its own stack: start, unwinding, destructors, end.

use super::{LIVE, Thread, keys, tls_image};
use crate::arch::{self, EntryCalls, tls};
use crate::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::real;
use crate::sched;
use crate::signal;
use crate::sys;
use core::ffi::{c_int, c_void};
use corosensei::Yielder;

/// pthread_exit's and cancellation's unwinding stops in a buffer of this size (glibc's is 104 bytes).
#[repr(C, align(16))]
struct UnwindBuf([u8; 256]);

/// glibc's handle for the process's locale: the value -1.
const LC_GLOBAL_LOCALE: libc::locale_t = core::ptr::without_provenance_mut(usize::MAX);

static MAIN_GONE: AtomicBool = AtomicBool::new(false);
static CALLS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// The TCB that the process started on: where libc's end of the main thread is.
static INITIAL: AtomicUsize = AtomicUsize::new(0);

/// The TCB of the process's first kernel thread.
pub fn initial_thread_pointer() -> usize {
    INITIAL.load(Ordering::Relaxed)
}

/// Finds libc's half of unwinding; false when this libc does not have it.
pub fn init() -> bool {
    INITIAL.store(arch::thread_pointer(), Ordering::Relaxed);
    let calls = [
        real::address!(c"__sigsetjmp"),
        real::address!(c"__pthread_register_cancel"),
        real::address!(c"__pthread_unregister_cancel"),
    ];
    for (slot, call) in CALLS.iter().zip(calls) {
        slot.store(call as usize, Ordering::Relaxed);
    }
    CALLS.iter().all(|c| c.load(Ordering::Relaxed) != 0)
}

/// The coroutine of every green thread.
pub fn thread_main(t: &Thread, yielder: &Yielder<(), ()>) {
    t.set_yielder(yielder);
    let is_recycled = t.is_recycled();
    if is_recycled {
        reset_pair(t);
    }
    // Also of a fresh thread: its template is from when the process may have had another locale.
    // SAFETY: acts on the calling thread's own libc state.
    unsafe { libc::uselocale(LC_GLOBAL_LOCALE) };
    let Some((start, arg)) = t.take_start() else { sys::fatal(format_args!("a thread without a start routine")) };
    let calls = EntryCalls {
        sigsetjmp: CALLS[0].load(Ordering::Relaxed),
        register_cancel: CALLS[1].load(Ordering::Relaxed),
        unregister_cancel: CALLS[2].load(Ordering::Relaxed),
    };
    let mut buf = UnwindBuf([0; 256]);
    tls::leave();
    if is_recycled {
        reset_libc();
    }
    signal::run_what_came(t);
    let is_killed = t.is_greenlet() && super::cancel::is_requested(t.tp());
    let start = if is_killed { never_began } else { start };
    // SAFETY: the buffer lives in this frame, which outlives the call; the calls are libc's.
    let outcome = unsafe { arch::call_start(start as usize, arg as usize, buf.0.as_mut_ptr(), &calls) };
    let value = match outcome.unwound {
        0 if t.c11.get() => outcome.value as c_int as isize as *mut c_void,
        0 => outcome.value as *mut c_void,
        _ if t.exiting.get() => t.value.get(),
        _ => CANCELED,
    };
    t.value.set(value);
    // SAFETY: libc's own function for the calling thread's C++ thread_local destructors.
    unsafe { real::__call_tls_dtors() };
    keys::run_destructors();
    // The last that it takes.
    signal::run_what_came(t);
    if !t.is_current_epoch() {
        end_of_child(value);
    }
    if LIVE.fetch_sub(1, Ordering::SeqCst) == 1 && MAIN_GONE.load(Ordering::SeqCst) {
        last_green_ends();
    }
    tls::enter();
}

/// What a greenlet runs that was killed before it began: what the joiner is told.
unsafe extern "C-unwind" fn never_began(_: *mut c_void) -> *mut c_void {
    core::ptr::without_provenance_mut(usize::MAX)
}

/// Makes a used pair look new to its next thread: thread-locals, errno, cancellation.
fn reset_pair(t: &Thread) {
    tls_image::reset();
    // SAFETY: the calling thread's own.
    unsafe { *libc::__errno_location() = 0 };
    t.name.set([0; 16]);
}

/// The same for what else libc keeps for a thread and a program can see: the resolver's state and the last error of `dlopen`.
/// It may free memory, by the program's allocator: not inside the runtime.
fn reset_libc() {
    /// The beginning of libc's `struct __res_state`.
    #[repr(C)]
    struct Resolver {
        retransmit: c_int,
        retry: c_int,
        options: libc::c_ulong,
        servers: c_int,
    }
    let (state, close, error) =
        (real::address!(c"__res_state"), real::address!(c"__res_nclose"), real::address!(c"__h_errno_location"));
    // SAFETY: libc's functions of these names, with their prototypes, on the calling thread's own state; an error that has been
    // told is told no more.
    unsafe {
        if !state.is_null() && !close.is_null() {
            let state = core::mem::transmute::<*const c_void, unsafe extern "C" fn() -> *mut Resolver>(state)();
            if (*state).servers != 0 {
                // As libc does at a thread's end.
                core::mem::transmute::<*const c_void, unsafe extern "C" fn(*mut Resolver)>(close)(state);
                (*state).options = 0;
            }
        }
        if !error.is_null() {
            *core::mem::transmute::<*const c_void, unsafe extern "C" fn() -> *mut c_int>(error)() = 0;
        }
        libc::dlerror();
    }
}

/// The thread that forked is the child's main thread: its end is the end of the child, once no other green
/// thread lives.
fn end_of_child(value: *mut c_void) -> ! {
    // Since the child has threads it has a second record, which they may join.
    if let Some(adopted) = super::main_thread() {
        if !adopted.exiting.get() {
            adopted.value.set(value);
        }
        super::ended(adopted);
    }
    wait_for_the_others();
    // SAFETY: as at the end of a process's last thread.
    unsafe { real::exit(0) };
    sys::fatal(format_args!("exit returned"))
}

/// Waits until the caller is the only thread, as a process waits for its last one.
pub fn wait_for_the_others() {
    use crate::report::Call;
    use crate::thread::wait::{self, Wait};
    const LOOK: u64 = 10_000_000;
    while LIVE.load(Ordering::SeqCst) > 1 || sched::has_foreign_threads() {
        wait::sleep(&Wait::until(Call::Join, Some(sys::time::after(LOOK))));
    }
}

/// pthread_exit was called: note the value; libc's function unwinds. Main gives its worker up first, because
/// what libc does at its end is to end the kernel thread.
pub fn before_exit(value: *mut c_void) {
    let t = tls::current();
    if t.is_null() {
        return;
    }
    // SAFETY: the current record is alive.
    let t = unsafe { &*t };
    t.value.set(value);
    t.exiting.set(true);
    if super::main_thread().is_some_and(|m| core::ptr::eq(m, t)) && t.tp() == INITIAL.load(Ordering::Relaxed) {
        leave_main(|_| FIRST_ROUND);
    }
}

/// The key by which main is watched, plus one; 0 before it is made. It is the process's, and its child's after a fork.
static WATCH: AtomicU32 = AtomicU32::new(0);

/// The calling thread is main from now on. libc can unwind it without a hook: in a call that it makes itself, or when a
/// signal finds it cancelled asynchronously. Then a destructor of ours, which libc runs next, is the first to hear of it.
pub fn watch_main() {
    if arch::thread_pointer() != INITIAL.load(Ordering::Relaxed) {
        // A forked child whose main thread began on a stack of ours: it unwinds into our frame.
        return;
    }
    let mut key = WATCH.load(Ordering::Relaxed).wrapping_sub(1);
    // SAFETY: a key of our own with a non-null value on the calling thread; its destructor is below.
    unsafe {
        if key == u32::MAX && real::pthread_key_create(&mut key, Some(main_is_unwound)) != 0 {
            return;
        }
        WATCH.store(key + 1, Ordering::Relaxed);
        real::pthread_setspecific(key, core::ptr::without_provenance(1));
    }
}

/// Main has been unwound. Where nobody has told, it was cancelled.
unsafe extern "C" fn main_is_unwound(_: *mut c_void) {
    let Some(main) = super::main_thread() else { return };
    if main.exiting.get() || !core::ptr::eq(tls::current(), main) {
        return;
    }
    main.value.set(CANCELED);
    main.exiting.set(true);
    let watch = WATCH.load(Ordering::Relaxed) - 1;
    // libc goes through the keys in their order: it comes to a lower one in the next round.
    let first = |key| if key > watch { FIRST_ROUND } else { FIRST_ROUND + 1 };
    leave_main(first);
}

const CANCELED: *mut c_void = core::ptr::without_provenance_mut(usize::MAX);

/// The calling thread is at a cancellation point, and libc is about to be asked: if it is main that is cancelled, it ends as
/// by pthread_exit. False for main that is not: libc must not find it cancelled a moment later.
pub fn before_cancel() -> bool {
    if !super::is_main(tls::current()) {
        return true;
    }
    let marked = super::cancel::is_word_marked(crate::arch::thread_pointer());
    if !super::cancel::is_known() {
        // Nobody had been cancelled through us when the word was read: a mark is a foreign thread's, and libc's to judge.
        return marked;
    }
    let pending = super::cancel::is_pending();
    if pending {
        before_exit(CANCELED);
    }
    pending
}

/// Main ends alone: libc runs its key destructors after the unwinding and then asks its own thread count
/// whether it was the last. A key of ours, whose destructor runs among those, answers instead. `first`: the round in which libc
/// will first come to that key.
fn leave_main(first: impl Fn(libc::pthread_key_t) -> usize) {
    if let Some(main) = super::main_thread().filter(|main| !main.is_bound()) {
        super::bind::come_home(main);
    }
    sched::bind();
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: a key of our own with a non-null value on the calling thread; its destructor is below.
    unsafe {
        if real::pthread_key_create(&mut key, Some(main_is_gone)) == 0 {
            LAST_KEY.store(key, Ordering::Relaxed);
            real::pthread_setspecific(key, core::ptr::without_provenance(first(key)));
        }
    }
}

/// Of the rounds in which libc runs the destructors of keys.
const FIRST_ROUND: usize = 1;

static LAST_KEY: AtomicU32 = AtomicU32::new(0);

/// `round`: the value of our key, which is given back to it until libc's last round: the program's keys come first.
unsafe extern "C" fn main_is_gone(round: *mut c_void) {
    /// PTHREAD_DESTRUCTOR_ITERATIONS.
    const ROUNDS: usize = 4;
    /// More than there can be, so that no kernel thread of ours that ends takes itself for the process's last.
    const MANY: u32 = 1 << 30;
    if round.addr() < ROUNDS {
        let next = core::ptr::without_provenance(round.addr() + 1);
        // SAFETY: our own key.
        unsafe { real::pthread_setspecific(LAST_KEY.load(Ordering::Relaxed), next) };
        return;
    }
    MAIN_GONE.store(true, Ordering::SeqCst);
    let last = LIVE.fetch_sub(1, Ordering::SeqCst) == 1;
    if let Some(main) = super::main_thread() {
        super::ended(main);
    }
    if last {
        // Not left to libc's count, in which a worker that is being made this moment stands too.
        last_green_ends();
    }
    let count = real::address!(c"__nptl_nthreads").cast_mut().cast::<u32>();
    // SAFETY: glibc's own count, which it decrements right after the key destructors: 1 would make it exit the
    // process, more makes it end this kernel thread.
    unsafe {
        if !count.is_null() {
            count.write_volatile(MANY);
        }
    }
}

/// No green thread is left, and main has ended: the process ends with the last of the kernel threads that are the program's.
static WAITS_FOR_THE_LAST: AtomicBool = AtomicBool::new(false);

/// The last green thread ends, and main has: so does the process, unless the program has kernel threads of its own.
fn last_green_ends() {
    if !sched::has_foreign_threads() {
        // SAFETY: the last thread of a process ends it, as glibc's last thread does.
        unsafe { real::exit(0) };
    }
    WAITS_FOR_THE_LAST.store(true, Ordering::SeqCst);
    sched::keep_looking();
}

/// Whether [`look_for_the_last`] has something to look for.
pub fn waits_for_the_last() -> bool {
    WAITS_FOR_THE_LAST.load(Ordering::Relaxed)
}

/// The monitor's look: nobody tells when a kernel thread of the program ends.
pub fn look_for_the_last() {
    if LIVE.load(Ordering::SeqCst) == 0 && !sched::has_foreign_threads() {
        // SAFETY: as above.
        unsafe { real::exit(0) };
    }
}

/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    MAIN_GONE.store(false, Ordering::Relaxed);
    WAITS_FOR_THE_LAST.store(false, Ordering::Relaxed);
}
