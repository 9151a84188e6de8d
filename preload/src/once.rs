//! Once-only initialisation. The operation calls the program's routine, and the routine may unwind through it.

use crate::c::{Routine, once_flag};
use crate::ret::ErrorNumber;
use engine::ops;
use libc::pthread_once_t;

hook! { waking fn pthread_once(control: *mut pthread_once_t, routine: Routine) -> ErrorNumber = ops::once::once }
hook! {
    waking fn __pthread_once(control: *mut pthread_once_t, routine: Routine) -> ErrorNumber
        = ops::once::once, version "GLIBC_2.2.5"
}
hook! { waking fn call_once(flag: *mut once_flag, routine: Routine) -> () = ops::once::call_once }
