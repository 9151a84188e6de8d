//! POSIX threads: their beginning and end, cancellation, keys, and what would give the kernel a green thread's id.

use crate::c::{Destructor, StartRoutine, tss_t};
use crate::ret::{ErrorNumber, ThrdCode};
use core::ffi::{c_char, c_int, c_void};
use engine::{ops, real::Next};
use libc::{clockid_t, cpu_set_t, pid_t, pthread_attr_t, pthread_key_t, pthread_t, sched_param, size_t, timespec};

hook! {
    always fn pthread_create(
        thread: *mut pthread_t, attributes: *const pthread_attr_t, start: StartRoutine, argument: *mut c_void,
    ) -> ErrorNumber = ops::create::create
}
hook! { fn pthread_join(thread: pthread_t, value: *mut *mut c_void) -> ErrorNumber = ops::thread::join }
hook! { fn pthread_tryjoin_np(thread: pthread_t, value: *mut *mut c_void) -> ErrorNumber = ops::thread::tryjoin }
hook! {
    fn pthread_timedjoin_np(thread: pthread_t, value: *mut *mut c_void, deadline: *const timespec) -> ErrorNumber
        = ops::thread::timedjoin
}
hook! {
    fn pthread_clockjoin_np(
        thread: pthread_t, value: *mut *mut c_void, clock: clockid_t, deadline: *const timespec,
    ) -> ErrorNumber = ops::thread::clockjoin
}
hook! { fn pthread_detach(thread: pthread_t) -> ErrorNumber = ops::thread::detach }

/// `pthread_exit(3)`: libc unwinds, from here, after the engine has taken the value.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn pthread_exit(value: *mut c_void) -> ! {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(pthread_exit);
    if engine::active() || engine::ops::thread::is_last_but_helpers() {
        // SAFETY: the calling thread is ending with this value.
        unsafe { ops::thread::before_exit(value) };
    }
    // SAFETY: the prototype is void (*)(void *), it does not return, and nothing here has a destructor.
    unsafe {
        match crate::real::typed::<unsafe extern "C-unwind" fn(*mut c_void) -> !>(&NEXT) {
            Some(real) => real(value),
            None => libc::abort(),
        }
    }
}

hook! { fn pthread_cancel(thread: pthread_t) -> ErrorNumber = ops::thread::cancel }
hook! { fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> ErrorNumber = ops::thread::setcancelstate }
hook! { fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> ErrorNumber = ops::thread::setcanceltype }
hook! { fn pthread_testcancel() -> () = ops::thread::testcancel }

hook! {
    always fn pthread_key_create(key: *mut pthread_key_t, destructor: Destructor) -> ErrorNumber
        = ops::thread::key_create
}
hook! {
    always fn __pthread_key_create(key: *mut pthread_key_t, destructor: Destructor) -> ErrorNumber
        = ops::thread::key_create
}
hook! { always fn pthread_key_delete(key: pthread_key_t) -> ErrorNumber = ops::thread::key_delete }
hook! { always fn tss_create(key: *mut tss_t, destructor: Destructor) -> ThrdCode = ops::thread::key_create }
hook! { always fn tss_delete(key: tss_t) -> () = ops::thread::key_delete }

hook! {
    fn pthread_getattr_np(thread: pthread_t, attributes: *mut pthread_attr_t) -> ErrorNumber = ops::about::getattr
}
hook! { fn pthread_setname_np(thread: pthread_t, name: *const c_char) -> ErrorNumber = ops::about::setname }
hook! { fn pthread_getname_np(thread: pthread_t, name: *mut c_char, len: size_t) -> ErrorNumber = ops::about::getname }
hook! {
    fn pthread_getaffinity_np(thread: pthread_t, size: size_t, cpus: *mut cpu_set_t) -> ErrorNumber
        = ops::about::getaffinity
}
hook! {
    fn pthread_setaffinity_np(thread: pthread_t, size: size_t, cpus: *const cpu_set_t) -> ErrorNumber
        = ops::about::setaffinity
}
hook! {
    fn pthread_getschedparam(thread: pthread_t, policy: *mut c_int, param: *mut sched_param) -> ErrorNumber
        = ops::about::getschedparam
}
hook! {
    fn pthread_setschedparam(thread: pthread_t, policy: c_int, param: *const sched_param) -> ErrorNumber
        = ops::about::setschedparam
}
hook! { fn pthread_setschedprio(thread: pthread_t, priority: c_int) -> ErrorNumber = ops::about::setschedprio }
hook! { fn pthread_getcpuclockid(thread: pthread_t, clock: *mut clockid_t) -> ErrorNumber = ops::about::getcpuclockid }
hook! { fn gettid() -> pid_t = ops::about::gettid }
// prctl(2) takes its arguments as integers of pointer size, as x86-64 passes each of them.
hook! { fn prctl(option: c_int, a: usize, b: usize, c: usize, d: usize) -> c_int = ops::about::prctl }
