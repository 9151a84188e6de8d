//! Sockets: made, named and connected. What moves bytes is in `io`.

use core::ffi::{c_int, c_void};
use engine::ops;
use libc::{sockaddr, socklen_t};

hook! { connecting fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int = ops::socket::connect }
hook! { connecting fn __connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int = ops::socket::connect }
hook! {
    accepting fn accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int = ops::socket::accept, with 0
}
hook! {
    accepting fn accept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int
        = ops::socket::accept4, with flags
}

hook! { secure fn getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int = ops::tls::getsockname }
hook! { secure fn getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int = ops::tls::getpeername }
hook! {
    secure fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int
        = ops::tls::getsockopt
}
hook! {
    always fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, len: socklen_t) -> c_int
        = ops::fd::setsockopt
}

hook! { secure fn shutdown(fd: c_int, how: c_int) -> c_int = ops::tls::shutdown }
hook! { secure fn listen(fd: c_int, backlog: c_int) -> c_int = ops::tls::listen }

observe! { fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int, opens }
observe! { fn socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int, opens pair }
observe! { fn bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int, names fd }
