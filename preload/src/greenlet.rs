//! The calls of `greenlet.h`: greenlets. They interpose nothing, so there is no next definition.

use crate::ret::Convention;
use core::ffi::{CStr, c_char, c_double, c_int, c_uint, c_void};
use engine::Exit;
use engine::ops::alarm::{self, Timer};
use engine::ops::channel::{self, Event, Queue, Semaphore};
use engine::ops::greenlet::{self as ops, Handle};
use engine::ops::{net, tls};
use engine::patch::Set;
use engine::thread::Start;

/// Exports a function under its name, with the version since which the library has it.
macro_rules! exported {
    ($name:ident) => {
        versioned! {
            concat!("greenlet_own_", stringify!($name)), concat!(stringify!($name), "@@GREENLET_0.1"), $name
        }
    };
}

/// A call of the library's own: an operation, whose cancellation unwinds from this frame.
macro_rules! own {
    (fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty = $operation:expr) => {
        exported! { $name }
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
own! { fn greenlet_wrap_socket() -> c_int = ops::wrap(Set::SOCKET) }
own! { fn greenlet_wrap_select() -> c_int = ops::wrap(Set::SELECT) }
own! { fn greenlet_wrap_thread() -> c_int = ops::wrap(Set::THREAD) }
own! { fn greenlet_wrap_time() -> c_int = ops::wrap(Set::TIME) }
own! { fn greenlet_wrap_dns() -> c_int = ops::wrap(Set::DNS) }
own! { fn greenlet_wrap_process() -> c_int = ops::wrap(Set::PROCESS) }
own! { fn greenlet_wrap_signal() -> c_int = ops::wrap(Set::SIGNAL) }
own! { fn greenlet_wrap_file() -> c_int = ops::wrap(Set::FILE) }
own! { fn greenlet_wrap_all() -> c_int = ops::wrap(Set::ALL) }
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
own! {
    fn greenlet_ssl_listener(
        host: *const c_char, port: c_int, certificates: *const c_char, key: *const c_char, backlog: c_int
    ) -> c_int = tls::ssl_listener(host, port, certificates, key, backlog)
}
own! {
    fn greenlet_connect_ssl(host: *const c_char, port: c_int, options: *const c_char) -> c_int
        = tls::connect_ssl(host, port, options)
}
own! { fn greenlet_exc_after(seconds: c_double, errno: c_int) -> Timer = alarm::exc_after(seconds, errno) }

own! {
    fn greenlet_with_timeout(
        seconds: c_double, start: Option<Start>, arg: *mut c_void, timeout_value: *mut c_void, value: *mut *mut c_void
    ) -> c_int = alarm::with_timeout(seconds, start, arg, timeout_value, value)
}
own! { fn greenlet_native_begin() -> c_int = ops::native_begin() }
own! { fn greenlet_native_end() -> c_int = ops::native_end() }

own! { fn greenlet_event_new() -> *mut Event = channel::event() }
own! { fn greenlet_event_send(event: *mut Event, value: *mut c_void) -> c_int = channel::send(event, value, 0) }
own! {
    fn greenlet_event_send_exception(event: *mut Event, errno: c_int) -> c_int = channel::send_exception(event, errno)
}
own! {
    fn greenlet_event_wait(event: *mut Event, seconds: c_double, value: *mut *mut c_void) -> c_int
        = channel::wait(event, seconds, value)
}
own! { fn greenlet_event_ready(event: *mut Event) -> c_int = channel::is_ready(event) }
own! { fn greenlet_event_reset(event: *mut Event) -> c_int = channel::reset(event) }
own! { fn greenlet_sem_new(count: c_uint) -> *mut Semaphore = channel::semaphore(count) }
own! { fn greenlet_sem_acquire(sem: *mut Semaphore, seconds: c_double) -> c_int = channel::acquire(sem, seconds) }
own! { fn greenlet_sem_release(sem: *mut Semaphore) -> c_int = channel::release(sem) }
own! { fn greenlet_queue_new(capacity: usize) -> *mut Queue = channel::queue(capacity) }
own! {
    fn greenlet_queue_put(queue: *mut Queue, item: *mut c_void, seconds: c_double) -> c_int
        = channel::put(queue, item, seconds)
}
own! {
    fn greenlet_queue_get(queue: *mut Queue, seconds: c_double, item: *mut *mut c_void) -> c_int
        = channel::get(queue, seconds, item)
}
own! { fn greenlet_queue_length(queue: *mut Queue) -> isize = channel::length(queue) }

/// The frees of a kind of object.
macro_rules! frees {
    ($($name:ident: $type:ty;)*) => {$(
        exported! { $name }
        unsafe extern "C" fn $name(object: *mut $type) {
            // SAFETY: the program gives back what it was given.
            unsafe { channel::free(object) }
        }
    )*};
}

frees! {
    greenlet_event_free: Event;
    greenlet_sem_free: Semaphore;
    greenlet_queue_free: Queue;
}

exported! { greenlet_timer_cancel }
extern "C" fn greenlet_timer_cancel(timer: Timer) -> c_int {
    alarm::cancel_timer(timer)
}

exported! { greenlet_active }
extern "C" fn greenlet_active() -> c_int {
    c_int::from(ops::is_active())
}

exported! { greenlet_current }
extern "C" fn greenlet_current() -> Handle {
    ops::current()
}

exported! { greenlet_version }
extern "C" fn greenlet_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };
    VERSION.as_ptr()
}
