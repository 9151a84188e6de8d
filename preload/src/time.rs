//! Sleeping and yielding.

use crate::ret::{ErrorNumber, ThrdSleep};
use core::ffi::{c_int, c_uint};
use engine::ops;
use libc::{clockid_t, timespec, useconds_t};

hook! { [TIME] fn sleep(seconds: c_uint) -> c_uint = ops::time::sleep }
hook! { [TIME] fn usleep(microseconds: useconds_t) -> c_int = ops::time::usleep }
hook! { [TIME] fn nanosleep(time: *const timespec, left: *mut timespec) -> c_int = ops::time::nanosleep }
hook! { [TIME] fn __nanosleep(time: *const timespec, left: *mut timespec) -> c_int = ops::time::nanosleep }
hook! {
    [TIME] fn clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec) -> ErrorNumber
        = ops::time::clock_nanosleep
}
hook! { [TIME] fn thrd_sleep(time: *const timespec, left: *mut timespec) -> ThrdSleep = ops::time::thrd_sleep }

hook! { fn sched_yield() -> c_int = ops::time::sched_yield }
hook! { fn __sched_yield() -> c_int = ops::time::sched_yield }
hook! { fn pthread_yield() -> c_int = ops::time::pthread_yield, version "GLIBC_2.2.5" }
hook! { fn thrd_yield() -> () = ops::time::thrd_yield }
