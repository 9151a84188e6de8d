//! What the program installed for each signal, and calling it.

use super::{altstack, wrapper};
use crate::arch;
use crate::atomic::{AtomicU64, Ordering};
use crate::real;
use crate::sys::lock::Lock;
use crate::sys::{self, mem, sig};
use crate::thread;
use core::ffi::{c_int, c_void};

const SIGNALS: usize = 65;

/// A handler of the program.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    pub handler: usize,
    pub flags: c_int,
    pub mask: sig::Mask,
}

const DEFAULT: Action = Action { handler: libc::SIG_DFL, flags: 0, mask: 0 };

static ACTIONS: Lock<[Action; SIGNALS]> = Lock::new([DEFAULT; SIGNALS]);

/// Signals without a handler that sit behind the wrapper all the same ([`keep`]).
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Signals of which a worker has been told by one that is no more than that (`super::kick`). One may come late.
static KICKED: AtomicU64 = AtomicU64::new(0);

/// Whether a kick by this signal, which the caller is about to send, finds the wrapper whenever it comes.
pub fn may_kick(signo: c_int) -> bool {
    KICKED.fetch_or(sig::bit(signo), Ordering::Relaxed);
    // Asked under the lock after that: who takes the handler away has seen it, or has done so.
    handler_of(signo).is_some()
}

/// Holds the handlers still across a fork.
pub fn fork_prepare() {
    ACTIONS.hold();
}

/// Ends that, in the parent and in the child.
pub fn fork_done() {
    ACTIONS.let_go();
}

fn is_handler(handler: usize) -> bool {
    handler != libc::SIG_DFL && handler != libc::SIG_IGN
}

/// What the kernel ignores by default.
const IGNORED: [c_int; 4] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT];

fn is_ignored(signo: c_int, handler: usize) -> bool {
    handler == libc::SIG_IGN || (handler == libc::SIG_DFL && IGNORED.contains(&signo))
}

/// A thread waits for these. The kernel throws away at once what is ignored by default, unless the kernel thread that it asks blocks
/// it: that may be running another thread. So it is to find a handler.
pub fn keep(set: sig::Mask) {
    for signo in IGNORED {
        let bit = sig::bit(signo);
        if set & bit & !KEPT.load(Ordering::Relaxed) != 0 {
            keep_one(signo, bit);
        }
    }
}

#[cold]
fn keep_one(signo: c_int, bit: sig::Mask) {
    // Locked over the system calls, as in `set`.
    let _actions = ACTIONS.lock();
    if replace(signo, libc::SIG_DFL, wrapper as *const () as usize, libc::SA_SIGINFO | libc::SA_RESTART) {
        KEPT.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Changes the handler that the kernel has, if it is `from`, and adds flags. Whether that was so.
fn replace(signo: c_int, from: usize, to: usize, flags: c_int) -> bool {
    // SAFETY: an all-zero structure is valid; the calls ask, and change what is said.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        if real::sigaction(signo, core::ptr::null(), &mut action) != 0 || action.sa_sigaction != from {
            return false;
        }
        (action.sa_sigaction, action.sa_flags) = (to, action.sa_flags | flags);
        real::sigaction(signo, &action, core::ptr::null_mut()) == 0
    }
}

/// In a forked child nobody waits.
pub fn after_fork() {
    for signo in IGNORED.into_iter().filter(|&signo| is_kept(signo)) {
        replace(signo, wrapper as *const () as usize, libc::SIG_DFL, 0);
    }
    KEPT.store(0, Ordering::Relaxed);
}

/// Whether the signal has no handler and is behind the wrapper for those who wait for it.
pub fn is_kept(signo: c_int) -> bool {
    KEPT.load(Ordering::Relaxed) & sig::bit(signo) != 0
}

fn set_of(mask: sig::Mask) -> libc::sigset_t {
    // SAFETY: all-zero is an empty set; the first word holds signals 1 to 64.
    unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        *(&raw mut set).cast::<u64>() = mask;
        set
    }
}

/// The program's handler, if the signal has one.
pub fn handler_of(signo: c_int) -> Option<Action> {
    let a = ACTIONS.lock()[signo as usize];
    is_handler(a.handler).then_some(a)
}

/// The same for whoever is about to run it: one with SA_RESETHAND runs once.
fn handler_to_run(signo: c_int) -> Option<Action> {
    let mut actions = ACTIONS.lock();
    let a = actions[signo as usize];
    if a.flags & libc::SA_RESETHAND != 0 && is_handler(a.handler) {
        // Flags and mask stay, as in the kernel.
        actions[signo as usize].handler = libc::SIG_DFL;
    }
    is_handler(a.handler).then_some(a)
}

/// What a signal from a thread of this process carries.
pub fn sent_by_self(signo: c_int, code: c_int, value: Option<libc::sigval>) -> libc::siginfo_t {
    #[repr(C)]
    struct Sent {
        signo: c_int,
        errno: c_int,
        code: c_int,
        pad: c_int,
        pid: c_int,
        uid: u32,
        value: libc::sigval,
    }
    const _: () = assert!(size_of::<Sent>() <= size_of::<libc::siginfo_t>());
    // SAFETY: getuid takes nothing; `Sent` is the kernel's layout of these codes within a siginfo.
    unsafe {
        let uid = crate::syscall!(libc::SYS_getuid).unwrap_or(0) as u32;
        let mut info: libc::siginfo_t = core::mem::zeroed();
        let value = value.unwrap_or(libc::sigval { sival_ptr: core::ptr::null_mut() });
        (&raw mut info).cast::<Sent>().write(Sent { signo, errno: 0, code, pad: 0, pid: sys::getpid(), uid, value });
        info
    }
}

/// Calls the program's handler with the kernel's own arguments.
///
/// # Safety
/// `info` and `context` are what the kernel passed.
pub unsafe fn call(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(a) = handler_to_run(signo) else {
        redeliver(signo);
        return;
    };
    let t = arch::tls::current();
    // SAFETY: records are never freed.
    let outermost = unsafe { t.as_ref() }.filter(|t| t.handler_at.get() == 0);
    if let Some(t) = outermost {
        t.handler_at.set(arch::stack_pointer());
    }
    // SAFETY: the program's function takes one argument or these three, as its flags announce, and ignores more than
    // it takes; an alternate stack is the thread's, and not in use.
    let run = |end: Option<usize>| unsafe {
        let f: arch::Handler = core::mem::transmute(a.handler);
        match end {
            Some(end) => arch::call_on(end, f, signo, info, context),
            None => f(signo, info, context),
        }
    };
    if a.flags & libc::SA_ONSTACK != 0 {
        // SAFETY: as above.
        altstack::with_end(unsafe { altstack::interrupted_at(context.cast()) }, run)
    } else {
        run(None)
    }
    if let Some(t) = outermost {
        t.handler_at.set(0);
    }
}

/// Calls the handler of a signal that was noted earlier. The context that it interrupts is this one, in the library; `mask` is
/// what it interrupts with.
pub fn call_noted(info: &libc::siginfo_t, mask: sig::Mask) {
    let mut info = *info;
    // SAFETY: all-zero is a valid context; the handler's changes to it have no effect.
    unsafe {
        let mut context: libc::ucontext_t = core::mem::zeroed();
        context.uc_sigmask = set_of(mask);
        let registers = &mut context.uc_mcontext.gregs;
        registers[libc::REG_RSP as usize] = arch::stack_pointer() as i64;
        registers[libc::REG_RIP as usize] = call_noted as *const () as i64;
        if let Some(t) = thread::current() {
            altstack::show(t, &mut context);
        }
        call(info.si_signo, &mut info, (&raw mut context).cast());
        if let Some(t) = thread::current() {
            altstack::take_back(t, &context);
        }
    }
}

/// The handler went away between arrival and delivery: let the kernel apply what is set now.
pub fn redeliver(signo: c_int) {
    let actions = ACTIONS.lock();
    let is_default = actions[signo as usize].handler == libc::SIG_DFL && !is_kept(signo);
    if is_default {
        // Under the lock, or a handler that is being installed would be taken away.
        let _ = sig::reset_default(signo);
    }
    drop(actions);
    if is_default {
        let _ = sig::tgkill(sys::gettid(), signo);
        sig::let_through(sig::bit(signo));
    }
}

/// sigaction(2) once the engine is active: the program's action is noted, ours is installed.
///
/// # Safety
/// `new` and `old` are null or point to a sigaction, as for sigaction(2).
pub unsafe fn set(signo: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int {
    // SAFETY: the caller's pointers; libc checks the signal number.
    unsafe {
        let mut kernel: libc::sigaction = core::mem::zeroed();
        // Locked over the system call: the table and the kernel change together.
        let mut actions = ACTIONS.lock();
        let install = new.as_ref().map(|n| ours_for(signo, n));
        let status = real::sigaction(signo, install.as_ref().map_or(core::ptr::null(), |a| a as *const _), &mut kernel);
        if status != 0 {
            return status;
        }
        let before = actions[signo as usize];
        if let Some(n) = new.as_ref() {
            KEPT.fetch_and(!sig::bit(signo), Ordering::Relaxed);
            actions[signo as usize] =
                Action { handler: n.sa_sigaction, flags: n.sa_flags, mask: sig::of_set(&n.sa_mask) };
        }
        drop(actions);
        if new.as_ref().is_some_and(|n| is_ignored(signo, n.sa_sigaction)) {
            super::route::discard(signo);
        }
        if let Some(o) = old.as_mut() {
            show(before, kernel, o);
        }
        0
    }
}

/// sigaction(2) in a vfork child, whose actions are its own and whose memory is its parent's: nothing is noted.
///
/// # Safety
/// As [`set`].
pub unsafe fn set_in_vfork_child(signo: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int {
    // SAFETY: the caller's pointers; libc checks the signal number.
    unsafe {
        let mut kernel: libc::sigaction = core::mem::zeroed();
        let status = real::sigaction(signo, new, &mut kernel);
        if status == 0
            && let Some(o) = old.as_mut()
        {
            show(ACTIONS.lock()[signo as usize], kernel, o);
        }
        status
    }
}

/// Writes what the program installed, where the kernel has ours.
fn show(action: Action, kernel: libc::sigaction, old: &mut libc::sigaction) {
    *old = kernel;
    if kernel.sa_sigaction == wrapper as *const () as usize {
        old.sa_sigaction = action.handler;
        old.sa_flags = action.flags;
        old.sa_mask = set_of(action.mask);
    }
}

/// Whether a kick that comes late would do to the process what the signal does without a handler.
fn ends_by_kick(signo: c_int, handler: usize) -> bool {
    let is_kicked = sig::bit_of(signo).is_some_and(|bit| KICKED.load(Ordering::Relaxed) & bit != 0);
    is_kicked && handler == libc::SIG_DFL && !is_ignored(signo, handler)
}

/// The action to install for what the program asked.
fn ours_for(signo: c_int, asked: &libc::sigaction) -> libc::sigaction {
    let mut ours = *asked;
    if is_handler(asked.sa_sigaction) {
        ours.sa_flags = (ours.sa_flags | libc::SA_SIGINFO) & !libc::SA_RESETHAND;
        if !super::is_fault(signo) {
            ours.sa_flags &= !libc::SA_ONSTACK; // see `altstack`
        }
        ours.sa_sigaction = wrapper as *const () as usize;
    } else if signo == libc::SIGSEGV && asked.sa_sigaction == libc::SIG_DFL {
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        ours.sa_sigaction = wrapper as *const () as usize;
    } else if ends_by_kick(signo, asked.sa_sigaction) {
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        ours.sa_sigaction = wrapper as *const () as usize;
    }
    ours
}

/// Puts the wrapper before every handler that the program has installed so far, and before SIGSEGV.
pub fn wrap_existing() {
    for signo in 1..SIGNALS as c_int {
        // SAFETY: queries and re-installs through libc, which refuses its own two signals.
        unsafe {
            let mut now: libc::sigaction = core::mem::zeroed();
            if real::sigaction(signo, core::ptr::null(), &mut now) != 0
                || now.sa_sigaction == wrapper as *const () as usize
            {
                continue;
            }
            if now.sa_sigaction == libc::SIG_IGN {
                ACTIONS.lock()[signo as usize].handler = libc::SIG_IGN;
            } else if is_handler(now.sa_sigaction) || signo == libc::SIGSEGV {
                set(signo, &now, core::ptr::null_mut());
            }
        }
    }
    mem::guard();
}
