//! The calls of `greenlet.h`: greenlets. They interpose nothing, so there is no next definition.

use crate::ret::Convention;
use core::ffi::{CStr, c_char, c_double, c_int, c_uint, c_void};
use engine::Exit;
use engine::ops::alarm::{self, Timer};
use engine::ops::greenlet::{self as ops, Handle};
use engine::ops::net;
use engine::thread::Start;

/// A call of the library's own: an operation, whose cancellation unwinds from this frame.
macro_rules! own {
    (fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty = $operation:expr) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
            loop {
                // SAFETY: the operation takes what the C function takes, and the program vouches for it.
                #[allow(unused_unsafe)]
                match unsafe { $operation } {
                    Ok(value) => return value,
                    Err(Exit::Errno(errno)) => return Convention::failed(errno),
                    // SAFETY: nothing in this frame has a destructor, and the operation has returned.
                    Err(Exit::Cancelled) => unsafe { $crate::real::test_cancel() },
                    Err(Exit::Native | Exit::Offloaded) => return Convention::failed(libc::ENOTSUP),
                }
            }
        }
    };
}

own! { fn greenlet_init(flags: c_uint) -> c_int = ops::init(flags) }
own! { fn greenlet_spawn(start: Option<Start>, arg: *mut c_void) -> Handle = ops::spawn(start, arg) }
own! { fn greenlet_join(greenlet: Handle, value: *mut *mut c_void) -> c_int = ops::join(greenlet, value) }
own! { fn greenlet_detach(greenlet: Handle) -> c_int = ops::detach(greenlet) }
own! { fn greenlet_kill(greenlet: Handle) -> c_int = ops::kill(greenlet) }
own! { fn greenlet_sleep(seconds: c_double) -> c_int = ops::sleep(seconds) }
own! { fn greenlet_yield() -> c_int = ops::yield_now() }
own! {
    fn greenlet_call_after(seconds: c_double, start: Option<Start>, arg: *mut c_void) -> Timer
        = alarm::call_after(seconds, start, arg, false)
}
own! {
    fn greenlet_call_after_global(seconds: c_double, start: Option<Start>, arg: *mut c_void) -> Timer
        = alarm::call_after(seconds, start, arg, true)
}
own! {
    fn greenlet_tcp_listener(host: *const c_char, port: c_int, backlog: c_int) -> c_int
        = net::tcp_listener(host, port, backlog)
}
own! {
    fn greenlet_connect_tcp(host: *const c_char, port: c_int, local: *const c_char) -> c_int
        = net::connect_tcp(host, port, local)
}
own! { fn greenlet_exc_after(seconds: c_double, errno: c_int) -> Timer = alarm::exc_after(seconds, errno) }

#[unsafe(no_mangle)]
extern "C" fn greenlet_timer_cancel(timer: Timer) -> c_int {
    alarm::cancel_timer(timer)
}

#[unsafe(no_mangle)]
extern "C" fn greenlet_active() -> c_int {
    c_int::from(ops::is_active())
}

#[unsafe(no_mangle)]
extern "C" fn greenlet_current() -> Handle {
    ops::current()
}

#[unsafe(no_mangle)]
extern "C" fn greenlet_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };
    VERSION.as_ptr()
}
