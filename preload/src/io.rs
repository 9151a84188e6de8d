//! Bytes in and out of descriptors, and the twins of these calls that `_FORTIFY_SOURCE` makes of them.
//!
//! A `__*_chk` hook is the plain operation while the length fits the buffer, otherwise the real function, which aborts.

use core::ffi::{c_int, c_uint, c_void};
use engine::ops;
use libc::{iovec, mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t, timespec};

hook! { fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = ops::io::read }
hook! { fn readv(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t = ops::io::readv }
hook! { fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = ops::io::write }
hook! { fn writev(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t = ops::io::writev }

hook! { fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t = ops::io::recv }
hook! {
    fn recvfrom(
        fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t,
    ) -> ssize_t = ops::io::recvfrom
}
hook! { fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t = ops::io::recvmsg }
hook! {
    fn recvmmsg(fd: c_int, msgs: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int
        = ops::io::recvmmsg
}

hook! { fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = ops::io::send }
hook! {
    fn sendto(
        fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addr_len: socklen_t,
    ) -> ssize_t = ops::io::sendto
}
hook! { fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t = ops::io::sendmsg }
hook! { fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int = ops::io::sendmmsg }

hook! {
    fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t) -> ssize_t
        = ops::io::read(fd, buf, len) if len <= size
}
hook! {
    fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int) -> ssize_t
        = ops::io::recv(fd, buf, len, flags) if len <= size
}
hook! {
    fn __recvfrom_chk(
        fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int, addr: *mut sockaddr,
        addr_len: *mut socklen_t,
    ) -> ssize_t = ops::io::recvfrom(fd, buf, len, flags, addr, addr_len) if len <= size
}
