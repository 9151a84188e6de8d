//! stdio: streams whose descriptor changes, and input, which waits for its descriptor before libc would.
//!
//! `__uflow` and `__underflow` are what the macros of `getc_unlocked` and its kin call when the buffer is empty.

use crate::ret::Items;
use core::ffi::{c_char, c_int, c_void};
use engine::{ops, real::Next};
use libc::{FILE, size_t, ssize_t};

unsafe extern "C" {
    /// The program's `stdin`, whatever it is now.
    static stdin: *mut FILE;
}

input! { fn fgetc(stream: *mut FILE) -> c_int, one from stream }
input! { fn getc(stream: *mut FILE) -> c_int, one from stream }
input! { fn _IO_getc(stream: *mut FILE) -> c_int, one from stream }
input! { fn getchar() -> c_int, one from stdin }
input! { fn fgetc_unlocked(stream: *mut FILE) -> c_int, one from stream }
input! { fn getc_unlocked(stream: *mut FILE) -> c_int, one from stream }
input! { fn getchar_unlocked() -> c_int, one from stdin }
input! { fn __uflow(stream: *mut FILE) -> c_int, one from stream }
input! { fn __underflow(stream: *mut FILE) -> c_int, one from stream }

input! { fn fgets(buf: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char, from stream, if size > 1 }
input! { fn fgets_unlocked(buf: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char, from stream, if size > 1 }
input! {
    fn __fgets_chk(buf: *mut c_char, room: size_t, size: c_int, stream: *mut FILE) -> *mut c_char,
    from stream, if size > 1
}
input! {
    fn __fgets_unlocked_chk(buf: *mut c_char, room: size_t, size: c_int, stream: *mut FILE) -> *mut c_char,
    from stream, if size > 1
}

input! {
    fn fread(buf: *mut c_void, size: size_t, count: size_t, stream: *mut FILE) -> Items,
    from stream, if size != 0 && count != 0
}
input! {
    fn fread_unlocked(buf: *mut c_void, size: size_t, count: size_t, stream: *mut FILE) -> Items,
    from stream, if size != 0 && count != 0
}
input! {
    fn __fread_chk(buf: *mut c_void, room: size_t, size: size_t, count: size_t, stream: *mut FILE) -> Items,
    from stream, if size != 0 && count != 0
}
input! {
    fn __fread_unlocked_chk(buf: *mut c_void, room: size_t, size: size_t, count: size_t, stream: *mut FILE) -> Items,
    from stream, if size != 0 && count != 0
}

input! {
    fn getline(line: *mut *mut c_char, room: *mut size_t, stream: *mut FILE) -> ssize_t,
    from stream, if !line.is_null() && !room.is_null()
}
input! {
    fn getdelim(line: *mut *mut c_char, room: *mut size_t, delimiter: c_int, stream: *mut FILE) -> ssize_t,
    from stream, if !line.is_null() && !room.is_null()
}
input! {
    fn __getdelim(line: *mut *mut c_char, room: *mut size_t, delimiter: c_int, stream: *mut FILE) -> ssize_t,
    from stream, if !line.is_null() && !room.is_null()
}

hook! { fn pclose(stream: *mut FILE) -> c_int = ops::stdio::pclose }

/// What opens a stream: the real call, which may wait as `open` does, then the engine hears of its descriptor. `offloaded`: it is
/// known to block.
macro_rules! stream {
    (fn $name:ident($($arg:ident: $type:ty),*) -> *mut FILE $(, offloaded as $scope:ident)? $(, instead of $old:ident)?) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> *mut FILE {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: Next = next!($name);
            proof!($name($($arg: $type),*) -> *mut FILE);
            // SAFETY: the program gives a stream that is open.
            $(let closing = if engine::is_table_watched() { unsafe { ops::stdio::closing($old) } } else { None };)?
            $(
                // It makes a child.
                let $scope =
                    if engine::active() { ops::process::enter_as_parent() } else { ops::offload::Scope::default() };
            )?
            let opened = call_next!(NEXT($($arg: $type),*) -> *mut FILE);
            $(ops::offload::leave($scope);)?
            $({
                let _ = $old;
                if let Some(closing) = closing {
                    closing.done();
                }
            })?
            if engine::active() {
                // SAFETY: libc answers an open stream or NULL.
                unsafe { ops::stdio::opened(opened) };
            }
            opened
        }
    };
}

stream! { fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE }
stream! { fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE }
stream! { fn freopen(path: *const c_char, mode: *const c_char, old: *mut FILE) -> *mut FILE, instead of old }
stream! { fn freopen64(path: *const c_char, mode: *const c_char, old: *mut FILE) -> *mut FILE, instead of old }
stream! { fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE, offloaded as scope }
