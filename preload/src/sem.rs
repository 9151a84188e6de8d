//! POSIX semaphores, named and unnamed. They say `errno`, unlike everything else of POSIX threads.

use core::ffi::c_int;
use engine::ops;
use libc::{clockid_t, sem_t, timespec};

hook! { fn sem_wait(sem: *mut sem_t) -> c_int = ops::sem::wait }
hook! { fn sem_timedwait(sem: *mut sem_t, deadline: *const timespec) -> c_int = ops::sem::timedwait }
hook! { fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, deadline: *const timespec) -> c_int = ops::sem::clockwait }
hook! { waking fn sem_post(sem: *mut sem_t) -> c_int = ops::sem::post }
