//! Read-write locks. The names with underscores are what old libraries call.

use crate::ret::ErrorNumber;
use engine::ops;
use libc::{clockid_t, pthread_rwlock_t, timespec};

hook! { fn pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::rdlock }
hook! { fn pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::tryrdlock }
hook! { fn pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::trywrlock }
hook! { fn pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::wrlock }
hook! {
    fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, deadline: *const timespec) -> ErrorNumber
        = ops::rwlock::timedrdlock
}
hook! {
    fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, deadline: *const timespec) -> ErrorNumber
        = ops::rwlock::timedwrlock
}
hook! {
    fn pthread_rwlock_clockrdlock(
        lock: *mut pthread_rwlock_t, clock: clockid_t, deadline: *const timespec,
    ) -> ErrorNumber = ops::rwlock::clockrdlock
}
hook! {
    fn pthread_rwlock_clockwrlock(
        lock: *mut pthread_rwlock_t, clock: clockid_t, deadline: *const timespec,
    ) -> ErrorNumber = ops::rwlock::clockwrlock
}
hook! { waking fn pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::unlock }
hook! {
    fn __pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::rdlock, version "GLIBC_2.2.5"
}
hook! {
    fn __pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::wrlock, version "GLIBC_2.2.5"
}
hook! {
    fn __pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> ErrorNumber
        = ops::rwlock::tryrdlock, version "GLIBC_2.2.5"
}
hook! {
    fn __pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> ErrorNumber
        = ops::rwlock::trywrlock, version "GLIBC_2.2.5"
}
hook! {
    waking fn __pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> ErrorNumber = ops::rwlock::unlock, version "GLIBC_2.2.5"
}
