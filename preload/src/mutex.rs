//! Mutexes and spin locks. `trylock` never waits, but what it takes may bind the thread. The old names are what
//! libraries built long ago call.

use crate::ret::ErrorNumber;
use engine::ops;
use libc::{clockid_t, pthread_mutex_t, pthread_spinlock_t, timespec};

hook! { fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::lock }
hook! { fn pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::trylock }
hook! {
    fn pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, deadline: *const timespec) -> ErrorNumber
        = ops::mutex::timedlock
}
hook! {
    fn pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, deadline: *const timespec) -> ErrorNumber
        = ops::mutex::clocklock
}
hook! { waking fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::unlock }
hook! { fn __pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::lock, version "GLIBC_2.2.5" }
hook! {
    waking fn __pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::unlock, version "GLIBC_2.2.5"
}
hook! {
    fn __pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> ErrorNumber = ops::mutex::trylock, version "GLIBC_2.2.5"
}

hook! { fn pthread_spin_lock(lock: *mut pthread_spinlock_t) -> ErrorNumber = ops::spin::lock }
