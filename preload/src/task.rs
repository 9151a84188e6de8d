//! What the kernel keeps for each kernel thread: affinity, scheduling, priority, credentials, namespaces, timers.

use core::ffi::{c_int, c_long, c_uint, c_ulong, c_void};
use engine::ops;
use libc::{__priority_which_t, clockid_t, cpu_set_t, id_t, pid_t, sched_param, sigevent, size_t, timer_t, timespec};

hook! {
    fn sched_setaffinity(id: pid_t, size: size_t, cpus: *const cpu_set_t) -> c_int = ops::task::sched_setaffinity
}
hook! { fn sched_getaffinity(id: pid_t, size: size_t, cpus: *mut cpu_set_t) -> c_int = ops::task::sched_getaffinity }
hook! {
    fn sched_setscheduler(id: pid_t, policy: c_int, param: *const sched_param) -> c_int = ops::task::sched_setscheduler
}
hook! { fn sched_getscheduler(id: pid_t) -> c_int = ops::task::sched_getscheduler }
hook! { fn sched_setparam(id: pid_t, param: *const sched_param) -> c_int = ops::task::sched_setparam }
hook! { fn sched_getparam(id: pid_t, param: *mut sched_param) -> c_int = ops::task::sched_getparam }
hook! { fn sched_rr_get_interval(id: pid_t, interval: *mut timespec) -> c_int = ops::task::sched_rr_get_interval }
hook! { fn setpriority(which: __priority_which_t, who: id_t, value: c_int) -> c_int = ops::task::setpriority }
hook! { fn getpriority(which: __priority_which_t, who: id_t) -> c_int = ops::task::getpriority }
hook! { fn nice(increment: c_int) -> c_int = ops::task::nice }

hook! { fn unshare(flags: c_int) -> c_int = ops::task::unshare }
hook! { fn setns(fd: c_int, kind: c_int) -> c_int = ops::task::setns }
hook! { fn personality(persona: c_ulong) -> c_int = ops::task::personality }
hook! { fn setfsuid(id: c_uint) -> c_int = ops::task::setfsuid }
hook! { fn setfsgid(id: c_uint) -> c_int = ops::task::setfsgid }
hook! { fn capset(header: *mut c_void, data: *mut c_void) -> c_int = ops::task::capset }
hook! { fn capget(header: *mut c_void, data: *mut c_void) -> c_int = ops::task::capget }
hook! { fn ioperm(from: c_ulong, count: c_ulong, on: c_int) -> c_int = ops::task::ioperm }
hook! { fn iopl(level: c_int) -> c_int = ops::task::iopl }
hook! { fn arch_prctl(code: c_int, at: usize) -> c_int = ops::task::arch_prctl }
hook! { fn pkey_alloc(flags: c_uint, rights: c_uint) -> c_int = ops::task::pkey_alloc }
hook! { fn pkey_set(key: c_int, rights: c_uint) -> c_int = ops::task::pkey_set }

hook! { fn ptrace(request: c_uint, pid: pid_t, at: *mut c_void, data: *mut c_void) -> c_long = ops::task::ptrace }
hook! {
    fn timer_create(clock: clockid_t, event: *mut sigevent, timer: *mut timer_t) -> c_int = ops::task::timer_create
}
