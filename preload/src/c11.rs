//! C11 threads (`threads.h`). Their types are the POSIX ones by other names (see `c`). `thrd_sleep` and
//! `thrd_yield` are in `time`, `tss_*` in `thread`, `call_once` in `once`.

use crate::c::{ThrdStart, cnd_t, mtx_t, thrd_t};
use crate::ret::ThrdCode;
use core::ffi::{c_int, c_void};
use engine::{ops, real::Next};
use libc::timespec;

hook! {
    always fn thrd_create(thread: *mut thrd_t, start: ThrdStart, argument: *mut c_void) -> ThrdCode
        = ops::c11::thrd_create
}
hook! { fn thrd_join(thread: thrd_t, value: *mut c_int) -> ThrdCode = ops::c11::thrd_join }
hook! { fn thrd_detach(thread: thrd_t) -> ThrdCode = ops::c11::thrd_detach }

/// `thrd_exit(3)`: libc unwinds, from here, after the engine has taken the value.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn thrd_exit(value: c_int) -> ! {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(thrd_exit);
    if engine::active() {
        // SAFETY: the calling thread is ending with this value, which libc keeps as a pointer.
        unsafe { ops::thread::before_exit(value as usize as *mut c_void) };
    }
    // SAFETY: the prototype is void (*)(int), it does not return, and nothing here has a destructor.
    unsafe {
        match crate::real::typed::<unsafe extern "C-unwind" fn(c_int) -> !>(&NEXT) {
            Some(real) => real(value),
            None => libc::abort(),
        }
    }
}

hook! { fn mtx_lock(mutex: *mut mtx_t) -> ThrdCode = ops::c11::mtx_lock }
hook! { fn mtx_timedlock(mutex: *mut mtx_t, deadline: *const timespec) -> ThrdCode = ops::c11::mtx_timedlock }
hook! { waking fn mtx_unlock(mutex: *mut mtx_t) -> ThrdCode = ops::c11::mtx_unlock }

hook! { waking fn cnd_wait(cond: *mut cnd_t, mutex: *mut mtx_t) -> ThrdCode = ops::c11::cnd_wait }
hook! {
    waking fn cnd_timedwait(cond: *mut cnd_t, mutex: *mut mtx_t, deadline: *const timespec) -> ThrdCode
        = ops::c11::cnd_timedwait
}
hook! { waking fn cnd_signal(cond: *mut cnd_t) -> ThrdCode = ops::c11::cnd_signal }
hook! { waking fn cnd_broadcast(cond: *mut cnd_t) -> ThrdCode = ops::c11::cnd_broadcast }
