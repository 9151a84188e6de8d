//! Bind: a thread that asks for something only a kernel thread has gets one of its own, for good.
//!
//! One that asks for itself keeps the worker's kernel thread that it runs on. One that another thread asks it for gets a
//! kernel thread made for it, at once, so that what is asked can be told to the kernel; it moves there when it is next
//! switched to (`Thread::home`). From then on it is known by the kernel thread's tid, and once it is there its robust list is
//! the kernel's and it parks through the same lot, on a futex. Its descriptor shows that tid only when it needs to: for a
//! lock whose owner the kernel or another process looks at.
//!
//! Main's kernel thread is the process's first, whoever asks. There it also is, without being bound, when it makes a child: the
//! kernel thread that does is the child's parent, and ends with its thread or, main's, with the process.
//!
//! Rejected: giving the kernel thread back, at greenlet_native_end(3). What a thread has changed on it by system calls of its own nobody
//! knows, and the next thread on it would find that: affinity, keyrings, filters, children that are to be told of its end. And
//! others act on a bound thread by two steps, which would have to become one: who has fired its parker looks then whether it sleeps on a
//! futex, and who sends it a signal reads its tid first. A thread that went back in between would be made to run twice, or its
//! signal be another's. It ends with its thread, which costs one kernel thread so long.
//!
//! Rejected: noting what is asked, for the thread to do when it next runs. The caller would not hear that the kernel refuses.

use super::{ENDED, FREE, Thread, is_main, loader, tcb, wait};
use crate::arch::{self, tls};
use crate::atomic::{AtomicU32, Ordering};
use crate::errno::Errno;
use crate::park::Wake;
use crate::report::{self, Call};
use crate::sched;
use crate::sys::{self, time};
use crate::syscall;
use wait::Wait;

/// Between two looks at what another thread is about to do.
const LOOK: u64 = 200_000;
/// How long main waits for the process's first kernel thread, which another thread may be using, before it takes another one.
const COME_HOME: u64 = time::SECOND / 5;

/// Gives the calling thread a tid that no thread of another process has: binds it, unless it is main, whose tid is the
/// process id.
pub fn to_unique_tid() {
    if !is_main(tls::current()) {
        to_kernel_tid();
    }
}

/// Binds the calling green thread, and shows its kernel thread's tid in its descriptor. It stays what it is where the kernel makes no more
/// threads.
pub fn to_kernel_tid() {
    if to_kernel_thread().is_err() {
        return;
    }
    if let Some((t, word)) = super::current().zip(tcb::tid(arch::thread_pointer())) {
        tls::enter();
        let shown = word.swap(t.tid(), Ordering::Relaxed);
        if shown != t.tid() {
            // One descriptor of a kernel thread shows its tid, or a setuid would be made twice (`signal::setxid`). It is not
            // zero, by which libc would know that the loop's is free.
            // SAFETY: workers are never freed, and the caller runs on one.
            if let Some(loops) = tcb::tid(unsafe { (*t.worker.get()).loop_pointer() }) {
                loops.store(shown, Ordering::Relaxed);
            }
            loader::rename_owner(shown, t.tid());
        }
        tls::leave();
    }
}

/// Binds the calling green thread, once. Foreign threads are bound already. `EAGAIN` when the kernel makes no more threads, and the others
/// would have none to run on.
pub fn to_kernel_thread() -> Result<(), Errno> {
    let Some(t) = super::current() else { return Ok(()) };
    while !t.is_bound() {
        if t.claim() {
            take_workers(t).inspect_err(|_| t.unclaim())?;
        } else if is_main(t) {
            // Only main claims itself: an outer frame is at it, and was interrupted by a summons or a handler.
            return Ok(());
        } else if t.home().is_null() {
            look_later();
        } else {
            go_home(t);
        }
    }
    Ok(())
}

/// The calling thread is about to have a child, whose parent, for what the kernel tells the child of that one's end and for
/// ptrace(2), is a kernel thread: it must end when the thread does, and not before. Main's is the process's first.
///
/// A greenlet goes on taking turns, which a thread with a kernel thread of its own does not: its worker's kernel thread ends for
/// nobody, and tells the child nothing. So does that of a thread that gets none of its own.
pub fn to_parent() {
    match super::current() {
        Some(t) if t.is_bound() => {}
        Some(main) if is_main(main) => come_home(main),
        Some(t) if t.takes_turns() || to_kernel_thread().is_err() => sched::keep_kernel_thread(),
        _ => {}
    }
}

/// The calling thread makes a child now. Handlers of the program's, which may have waited, have run since [`to_parent`].
pub fn is_parent() {
    if super::current().is_some_and(|t| !t.is_bound()) {
        sched::keep_kernel_thread();
    }
}

/// Binds a green thread, which may be another than the caller: its tid is a kernel thread's when this returns. `ESRCH` when
/// it has ended, `EAGAIN` when the kernel makes no more threads.
pub fn any(t: &Thread) -> Result<(), Errno> {
    if core::ptr::eq(tls::current(), t) {
        return to_kernel_thread();
    }
    if is_main(t) {
        if !t.is_bound() {
            t.summon();
            call(t);
        }
        return Ok(());
    }
    while !t.has_kernel_tid() {
        if has_ended(t) {
            return Err(Errno(libc::ESRCH));
        }
        if t.claim() {
            return make_home(t);
        }
        look_later();
    }
    Ok(())
}

fn has_ended(t: &Thread) -> bool {
    matches!(t.life.load(Ordering::SeqCst), ENDED | FREE)
}

fn look_later() {
    wait::sleep(&Wait::until(Call::Sleep, Some(time::after(LOOK))));
}

fn make_home(t: &Thread) -> Result<(), Errno> {
    let Some(home) = sched::make_home() else {
        t.unclaim();
        return Err(Errno::AGAIN);
    };
    t.set_kernel_tid(home.tid());
    if !t.offer_home(home) {
        home.dismiss();
        return Err(Errno(libc::ESRCH));
    }
    call(t);
    Ok(())
}

/// Has the thread look here soon, if it can: what it waits for may be something that only its own kernel thread is told.
fn call(t: &Thread) {
    tcb::set_deferred(t.tp());
    t.waiter.wake(Wake::Interrupted);
}

/// The calling thread, which leaves the runtime or asks about itself, does what others wait for it to do.
pub fn obey() {
    let Some(t) = super::current() else { return };
    if t.is_bound() {
        return;
    }
    if !t.home().is_null() {
        go_home(t);
    } else if t.take_summons() {
        // Where that cannot be, the next one who asks for it is told.
        let _ = to_kernel_thread();
    }
}

/// Lets the worker send the calling thread to its own kernel thread.
fn go_home(t: &Thread) {
    tls::enter();
    sched::yield_now(t);
    tls::leave();
}

/// The calling green thread keeps its worker's kernel thread.
fn take_workers(t: &Thread) -> Result<(), Errno> {
    // Not later: main would be taken away from home again.
    sched::wait_for_reserve();
    if is_main(t) {
        come_home(t);
    }
    if !sched::can_bind() {
        return Err(Errno::AGAIN);
    }
    sched::bind();
    register(t);
    t.set_kernel_tid(sys::gettid());
    Ok(())
}

/// Main, which calls, goes to the process's first kernel thread, if that can be had.
pub(super) fn come_home(main: &Thread) {
    let until = time::after(COME_HOME);
    // SAFETY: workers are never freed.
    while !unsafe { (*main.worker.get()).is_first() } && time::now() < until {
        look_later();
    }
}

/// The calling kernel thread is the home of `t`, which is about to run here for the first time.
pub fn arrived(t: &Thread) {
    sched::end_turns(t);
    t.set_bound();
    register(t);
}

/// Tells the kernel what it has to know of the thread whose kernel thread this is.
fn register(t: &Thread) {
    report::count(report::Event::Bind);
    let name = t.name.get();
    // SAFETY: the head lies in this thread's live descriptor, where glibc keeps it; a name of sixteen bytes.
    unsafe {
        if let Some(head) = tcb::robust_head(t.tp()) {
            let _ = syscall!(libc::SYS_set_robust_list, head, 24usize);
        }
        if name[0] != 0 {
            let _ = syscall!(libc::SYS_prctl, libc::PR_SET_NAME, name.as_ptr());
        }
    }
}

/// Runs `f`, which asks whether the calling thread is `owner`, on a descriptor that says so if that is the tid it showed
/// before: a lock that it has held since then knows no other.
pub fn as_owner<R>(owner: u32, f: impl FnOnce() -> R) -> R {
    let Some(word) = former(owner) else { return f() };
    tls::enter();
    let now = word.swap(owner, Ordering::Relaxed);
    let r = f();
    word.store(now, Ordering::Relaxed);
    tls::leave();
    r
}

/// Whether this is the tid that the calling thread's descriptor showed before it showed its kernel thread's.
pub fn is_former(tid: u32) -> bool {
    former(tid).is_some()
}

fn former(tid: u32) -> Option<&'static AtomicU32> {
    let t = super::current().filter(|t| tid != 0 && t.former_tid() == tid)?;
    tcb::tid(t.tp()).filter(|word| word.load(Ordering::Relaxed) != tid)
}
