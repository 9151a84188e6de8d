//! Barriers. One of the threads is told -1, `PTHREAD_BARRIER_SERIAL_THREAD`, which is a value and no failure.

use crate::ret::ErrorNumber;
use engine::ops;
use libc::pthread_barrier_t;

hook! { fn pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> ErrorNumber = ops::barrier::wait }
hook! { fn pthread_barrier_destroy(barrier: *mut pthread_barrier_t) -> ErrorNumber = ops::barrier::destroy }
