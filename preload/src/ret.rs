//! What C functions return, and how each says that it failed.
//!
//! The return type of a hook is its convention. A plain C type is the first one, minus one (or NULL) with `errno`
//! set; the types declared here are the others. All are transparent: the register holds what C expects.
//! A value leaves `errno` untouched.

use core::ffi::{c_int, c_long, c_uint};
use engine::real::Next;
use libc::{sighandler_t, size_t, ssize_t};

/// A C return type: what the prototype has there, and how it says an error number.
pub trait Convention: Copy {
    type C;
    fn failed(errno: c_int) -> Self;
}

/// How a C return type says the value of an operation.
pub trait Value<T>: Convention {
    fn done(value: T) -> Self;
}

fn set_errno(errno: c_int) {
    // SAFETY: libc gives the calling thread's own errno, which is always writable.
    unsafe { *libc::__errno_location() = errno }
}

/// A type that is C's own and the operation's value, with what it says when there is none.
macro_rules! plain {
    ($($(#[$doc:meta])* $type:ty: $failure:expr;)*) => {$(
        $(#[$doc])*
        impl Convention for $type {
            type C = $type;

            #[inline]
            fn failed(errno: c_int) -> $type {
                set_errno(errno);
                $failure
            }
        }

        impl Value<$type> for $type {
            #[inline]
            fn done(value: $type) -> $type {
                value
            }
        }
    )*};
}

plain! {
    /// System calls and most of what wraps them.
    c_int: -1;
    ssize_t: -1;
    c_long: -1;
    /// The handle of a greenlet; 0 is nobody's.
    u64: 0;
    /// The handler that `signal(2)` replaced.
    sighandler_t: libc::SIG_ERR;
    /// The seconds that `sleep(3)` did not sleep; it has no failure to tell of.
    c_uint: 0;
}

/// The items that `fread` got; none, and `errno`, when it failed.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Items(size_t);

impl Convention for Items {
    type C = size_t;

    fn failed(errno: c_int) -> Items {
        set_errno(errno);
        Items(0)
    }
}

/// NULL and `errno`.
impl<T> Convention for *mut T {
    type C = *mut T;

    fn failed(errno: c_int) -> *mut T {
        set_errno(errno);
        core::ptr::null_mut()
    }
}

/// Functions that return nothing, whatever the operation knows.
impl Convention for () {
    type C = ();

    fn failed(_: c_int) {}
}

impl<T> Value<T> for () {
    #[inline]
    fn done(_: T) {}
}

/// Declares a transparent `c_int` that is built from the operation's value, or from nothing for 0.
macro_rules! status {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy)]
        pub struct $name(c_int);

        impl Value<c_int> for $name {
            #[inline]
            fn done(value: c_int) -> $name {
                $name(value)
            }
        }

        impl Value<()> for $name {
            #[inline]
            fn done(_: ()) -> $name {
                $name(0)
            }
        }
    };
}

status! {
    /// 0 or the error number itself, `errno` untouched: `pthread_*`, `clock_nanosleep`, `sigwait`, the `_r` look-ups.
    ErrorNumber
}

impl Convention for ErrorNumber {
    type C = c_int;

    #[inline]
    fn failed(errno: c_int) -> ErrorNumber {
        ErrorNumber(errno)
    }
}

status! {
    /// A `thrd_*` code of `threads.h`.
    ThrdCode
}

impl ThrdCode {
    const BUSY: c_int = 1;
    const ERROR: c_int = 2;
    const NOMEM: c_int = 3;
    const TIMEDOUT: c_int = 4;
}

impl Convention for ThrdCode {
    type C = c_int;

    fn failed(errno: c_int) -> ThrdCode {
        ThrdCode(match errno {
            libc::EBUSY => ThrdCode::BUSY,
            libc::ENOMEM => ThrdCode::NOMEM,
            libc::ETIMEDOUT => ThrdCode::TIMEDOUT,
            _ => ThrdCode::ERROR,
        })
    }
}

status! {
    /// `thrd_sleep`: 0, -1 when a signal ended it, another negative number for every other reason.
    ThrdSleep
}

impl Convention for ThrdSleep {
    type C = c_int;

    fn failed(errno: c_int) -> ThrdSleep {
        ThrdSleep(if errno == libc::EINTR { -1 } else { -2 })
    }
}

status! {
    /// An `EAI_*` code of `netdb.h`; other failures are `EAI_SYSTEM` with `errno`.
    EaiCode
}

impl EaiCode {
    pub fn is_success(&self) -> bool {
        self.0 == 0
    }
}

impl Convention for EaiCode {
    type C = c_int;

    fn failed(errno: c_int) -> EaiCode {
        set_errno(errno);
        EaiCode(libc::EAI_SYSTEM)
    }
}

/// What decides for an `export::jump!` hook returns to the assembly, in two registers.
#[repr(C)]
pub struct Answer {
    /// The C return value, or the address to jump to.
    word: usize,
    /// Whether `word` is the return value.
    done: usize,
}

impl Answer {
    #[inline]
    pub fn value(value: c_long) -> Answer {
        Answer { word: value as usize, done: 1 }
    }

    /// The next definition; ENOSYS when libc has none.
    #[inline]
    pub fn jump(next: &Next) -> Answer {
        match next.get() as usize {
            0 => Answer::value(Convention::failed(libc::ENOSYS)),
            address => Answer { word: address, done: 0 },
        }
    }
}
