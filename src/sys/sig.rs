//! Raw signal calls: masks and actions in the kernel's own layout.

use crate::errno::Errno;
use crate::syscall;

/// A kernel signal set: bit `n - 1` for signal `n`.
pub type Mask = u64;
pub const ALL: Mask = !0;
/// glibc's signal that has every kernel thread change its credentials.
pub const SETXID: i32 = 33;
/// And by which it cancels a thread.
pub const CANCEL: i32 = 32;

/// Those that glibc keeps for itself.
pub const OF_LIBC: Mask = bit(32) | bit(33);

/// Those, and the two that nobody can block.
pub const NEVER_BLOCKED: Mask = OF_LIBC | bit(libc::SIGKILL) | bit(libc::SIGSTOP);

pub const fn bit(sig: i32) -> Mask {
    1 << (sig - 1)
}

/// The bit of a signal that there is.
pub fn bit_of(sig: i32) -> Option<Mask> {
    (1..=64).contains(&sig).then(|| bit(sig))
}

/// The signals of a C library's set.
///
/// # Safety
/// `set` is a signal set, whose first word holds signals 1 to 64.
pub unsafe fn of_set(set: *const libc::sigset_t) -> Mask {
    // SAFETY: the caller's set.
    unsafe { *set.cast::<Mask>() }
}

/// Replaces the kernel thread's mask and returns the old one.
pub fn set_mask(mask: Mask) -> Mask {
    let mut old: Mask = 0;
    // SAFETY: both pointers are to live 8-byte sets, and 8 is the size the kernel expects.
    let _ = unsafe { syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask, &raw mut old, 8usize) };
    old
}

/// The kernel thread's mask.
pub fn mask() -> Mask {
    let mut old: Mask = 0;
    // SAFETY: a null new set only queries.
    let _ = unsafe { syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, 0usize, &raw mut old, 8usize) };
    old
}

/// The kernel's `struct sigaction` on x86-64.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct KernelAction {
    pub handler: usize,
    pub flags: u64,
    pub restorer: usize,
    pub mask: Mask,
}

/// Sets a signal's action to SIG_DFL.
pub fn reset_default(sig: i32) -> Result<(), Errno> {
    let act = KernelAction::default();
    // SAFETY: `act` is a live kernel sigaction with no handler.
    unsafe { syscall!(libc::SYS_rt_sigaction, sig, &raw const act, 0usize, 8usize) }.map(|_| ())
}

/// Sends a signal to one kernel thread of this process.
pub fn tgkill(tid: u32, sig: i32) -> Result<(), Errno> {
    // SAFETY: tgkill takes integers.
    unsafe { syscall!(libc::SYS_tgkill, super::getpid(), tid, sig) }.map(|_| ())
}

/// Sends a signal, with what it carries, to a kernel thread of this process; what the kernel accepts it to carry depends on
/// whether that is the caller.
pub fn queue(tid: u32, info: &libc::siginfo_t) -> Result<(), Errno> {
    // SAFETY: integers and a live siginfo, which the kernel copies.
    unsafe { syscall!(libc::SYS_rt_tgsigqueueinfo, super::getpid(), tid, info.si_signo, info as *const _) }.map(|_| ())
}

/// Gives a signal back to the calling kernel thread: without what it carries where the kernel's queue is full, if it is one
/// that can do without.
pub fn give_back(info: &libc::siginfo_t) {
    send(super::gettid(), info);
}

/// The same for a kernel thread of this process. (To another one than the caller the kernel makes what tgkill(2) sends itself.)
pub fn send(tid: u32, info: &libc::siginfo_t) {
    if queue(tid, info).is_err() {
        let _ = tgkill(tid, info.si_signo);
    }
}

/// What is pending for the process or the calling kernel thread.
pub fn pending() -> Mask {
    let mut set: Mask = 0;
    // SAFETY: the kernel writes eight bytes.
    let _ = unsafe { syscall!(libc::SYS_rt_sigpending, &raw mut set, 8usize) };
    set
}

/// Takes one of `set` that is pending for the process or the calling kernel thread.
pub fn take_pending(set: Mask) -> Option<libc::siginfo_t> {
    take_within(set, 0).ok()
}

/// Waits, at most so many nanoseconds, for one of `set` to be pending for the process or the calling kernel thread, and takes it.
/// EAGAIN when none comes, EINTR when another one's handler has run.
pub fn take_within(set: Mask, nanos: u64) -> Result<libc::siginfo_t, Errno> {
    let mut info = core::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let span = super::time::Timespec::from_nanos(nanos);
    // SAFETY: live structures of the kernel's layout.
    unsafe {
        syscall!(libc::SYS_rt_sigtimedwait, &raw const set, info.as_mut_ptr(), &raw const span, 8usize)?;
        Ok(info.assume_init())
    }
}

/// Lets what is pending of `set` through to the calling kernel thread, which blocks it: the kernel does what the action says.
pub fn let_through(set: Mask) {
    let before = mask();
    set_mask(before & !set);
    set_mask(before);
}
