//! Signal dispositions, masks, and signals sent to threads.
//!
//! Dispositions are the engine's from the first call on, because a handler may be set long before the second thread is.

use crate::ret::ErrorNumber;
use core::ffi::c_int;
use engine::ops;
use engine::ops::signal::JumpBuffer;
use libc::{pid_t, pthread_t, sighandler_t, siginfo_t, sigset_t, sigval, stack_t, timespec};

hook! {
    always fn sigaction(signal: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int
        = ops::signal::sigaction
}
hook! { always fn signal(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::signal::signal }
hook! { always fn bsd_signal(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::signal::bsd_signal }
hook! { always fn ssignal(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::signal::signal }
hook! { always fn sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::signal::sysv_signal }
hook! { always fn __sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::signal::sysv_signal }
hook! { always fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int = ops::signal::siginterrupt }

hook! { fn sigprocmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> c_int = ops::signal::sigprocmask }
hook! {
    fn pthread_sigmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> ErrorNumber
        = ops::signal::pthread_sigmask
}

hook! { fn sighold(signal: c_int) -> c_int = ops::old_signal::sighold }
hook! { fn sigrelse(signal: c_int) -> c_int = ops::old_signal::sigrelse }
hook! { always fn sigignore(signal: c_int) -> c_int = ops::old_signal::sigignore }
hook! { always fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t = ops::old_signal::sigset }
hook! { fn sigblock(mask: c_int) -> c_int = ops::old_signal::sigblock }
hook! { fn sigsetmask(mask: c_int) -> c_int = ops::old_signal::sigsetmask }
hook! { fn siggetmask() -> c_int = ops::old_signal::siggetmask }

hook! { fn pthread_kill(thread: pthread_t, signal: c_int) -> ErrorNumber = ops::signal::pthread_kill }
hook! {
    fn pthread_sigqueue(thread: pthread_t, signal: c_int, value: sigval) -> ErrorNumber = ops::signal::pthread_sigqueue
}
hook! { fn tgkill(process: pid_t, thread: pid_t, signal: c_int) -> c_int = ops::signal::tgkill }
hook! { fn kill(process: pid_t, signal: c_int) -> c_int = ops::signal::kill }
hook! { fn killpg(group: pid_t, signal: c_int) -> c_int = ops::signal::killpg }
hook! { fn sigqueue(process: pid_t, signal: c_int, value: sigval) -> c_int = ops::signal::sigqueue }
hook! { fn raise(signal: c_int) -> c_int = ops::signal::raise }
hook! { fn sigpending(set: *mut sigset_t) -> c_int = ops::signal::sigpending }
hook! { fn sigsuspend(mask: *const sigset_t) -> c_int = ops::signal::sigsuspend }
hook! { fn sigpause(mask: c_int) -> c_int = ops::signal::sigpause }
hook! { fn __xpg_sigpause(signal: c_int) -> c_int = ops::signal::xpg_sigpause }
hook! { fn pause() -> c_int = ops::signal::pause }
hook! { fn sigwait(set: *const sigset_t, signal: *mut c_int) -> ErrorNumber = ops::signal::sigwait }
hook! { fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int = ops::signal::sigwaitinfo }
hook! {
    fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec) -> c_int
        = ops::signal::sigtimedwait
}
hook! { fn sigaltstack(new: *const stack_t, old: *mut stack_t) -> c_int = ops::signal::sigaltstack }

hook! { fn siglongjmp(to: *const JumpBuffer, value: c_int) -> () = ops::signal::jump }
hook! { fn longjmp(to: *const JumpBuffer, value: c_int) -> () = ops::signal::jump }
hook! { fn _longjmp(to: *const JumpBuffer, value: c_int) -> () = ops::signal::jump }
hook! { fn __longjmp_chk(to: *const JumpBuffer, value: c_int) -> () = ops::signal::jump_checked }
