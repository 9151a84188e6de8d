//! Condition variables, in both of libc's meanings: `old` (GLIBC_2.2.5) ones hold a pointer to the real thing.
//!
//! `init` and `destroy` are libc's. A program that asks for a version of theirs finds it there, since the loader passes
//! us over for symbols that we do not have.

use crate::ret::ErrorNumber;
use engine::ops;
use libc::{clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

hook! {
    waking fn pthread_cond_clockwait(
        cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, deadline: *const timespec,
    ) -> ErrorNumber = ops::cond::clockwait
}

/// GLIBC_2.3.2, what every program of the last twenty years calls.
mod newest {
    use super::*;

    hook! {
        waking new fn pthread_cond_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> ErrorNumber
            = ops::cond::wait
    }
    hook! {
        waking new fn pthread_cond_timedwait(
            cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, deadline: *const timespec,
        ) -> ErrorNumber = ops::cond::timedwait
    }
    hook! { waking new fn pthread_cond_signal(cond: *mut pthread_cond_t) -> ErrorNumber = ops::cond::signal }
    hook! { waking new fn pthread_cond_broadcast(cond: *mut pthread_cond_t) -> ErrorNumber = ops::cond::broadcast }
}

/// GLIBC_2.2.5.
mod old {
    use super::*;

    hook! {
        waking old fn pthread_cond_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> ErrorNumber
            = ops::cond::old_wait
    }
    hook! {
        waking old fn pthread_cond_timedwait(
            cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, deadline: *const timespec,
        ) -> ErrorNumber = ops::cond::old_timedwait
    }
    hook! { waking old fn pthread_cond_signal(cond: *mut pthread_cond_t) -> ErrorNumber = ops::cond::old_signal }
    hook! { waking old fn pthread_cond_broadcast(cond: *mut pthread_cond_t) -> ErrorNumber = ops::cond::old_broadcast }
}
