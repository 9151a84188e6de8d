//! Bytes in and out of descriptors, and the twins of these calls that `_FORTIFY_SOURCE` makes of them.
//!
//! A `__*_chk` hook is the plain operation while the length fits the buffer, otherwise the real function, which aborts.

use core::ffi::{c_int, c_uint, c_void};
use engine::ops;
use libc::{eventfd_t, iovec, mmsghdr, msghdr, off_t, off64_t, size_t, sockaddr, socklen_t, ssize_t, timespec};

hook! { [BYTES] fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = ops::io::read }
hook! { [BYTES] fn readv(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t = ops::io::readv }
hook! { [BYTES] fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = ops::io::write }
hook! { [BYTES] fn writev(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t = ops::io::writev }
hook! {
    [BYTES] fn preadv2(fd: c_int, iov: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t
        = ops::io::readv(fd, iov, count) if is_plain(offset, flags)
}
hook! {
    [BYTES] fn preadv64v2(fd: c_int, iov: *const iovec, count: c_int, offset: off64_t, flags: c_int) -> ssize_t
        = ops::io::readv(fd, iov, count) if is_plain(offset, flags)
}
hook! {
    [BYTES] fn pwritev2(fd: c_int, iov: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t
        = ops::io::writev(fd, iov, count) if is_plain(offset, flags)
}
hook! {
    [BYTES] fn pwritev64v2(fd: c_int, iov: *const iovec, count: c_int, offset: off64_t, flags: c_int) -> ssize_t
        = ops::io::writev(fd, iov, count) if is_plain(offset, flags)
}
hook! { [BYTES] fn eventfd_read(fd: c_int, value: *mut eventfd_t) -> c_int = ops::io::eventfd_read }
hook! { [BYTES] fn eventfd_write(fd: c_int, value: eventfd_t) -> c_int = ops::io::eventfd_write }

hook! { [SOCKET] fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t = ops::io::recv }
hook! {
    [SOCKET] fn recvfrom(
        fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t,
    ) -> ssize_t = ops::io::recvfrom
}
hook! { [SOCKET] fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t = ops::io::recvmsg }
hook! {
    [SOCKET] fn recvmmsg(fd: c_int, msgs: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int
        = ops::io::recvmmsg
}

hook! { [SOCKET] fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = ops::io::send }
hook! {
    [SOCKET] or secure fn sendto(
        fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addr_len: socklen_t,
    ) -> ssize_t = ops::tls::sendto
}
hook! { [SOCKET] or secure fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t = ops::tls::sendmsg }
hook! {
    [SOCKET] or secure fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int
        = ops::tls::sendmmsg
}

hook! { [BYTES] fn __read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t = ops::io::read }
hook! { [BYTES] fn __write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t = ops::io::write }
hook! { [SOCKET] fn __send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t = ops::io::send }

hook! {
    [BYTES] fn sendfile(to: c_int, from: c_int, offset: *mut off_t, count: size_t) -> ssize_t = ops::transfer::sendfile
}
hook! {
    [BYTES] fn sendfile64(to: c_int, from: c_int, offset: *mut off64_t, count: size_t) -> ssize_t = ops::transfer::sendfile
}
hook! {
    [BYTES] fn splice(
        from: c_int, from_offset: *mut off64_t, to: c_int, to_offset: *mut off64_t, len: size_t, flags: c_uint,
    ) -> ssize_t = ops::transfer::splice
}
hook! { [BYTES] fn tee(from: c_int, to: c_int, len: size_t, flags: c_uint) -> ssize_t = ops::transfer::tee }
hook! { [BYTES] fn vmsplice(fd: c_int, iov: *const iovec, count: size_t, flags: c_uint) -> ssize_t = ops::transfer::vmsplice }

hook! {
    [BYTES] fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t) -> ssize_t
        = ops::io::read(fd, buf, len) if len <= size
}
hook! {
    [SOCKET] fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int) -> ssize_t
        = ops::io::recv(fd, buf, len, flags) if len <= size
}
hook! {
    [SOCKET] fn __recvfrom_chk(
        fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int, addr: *mut sockaddr,
        addr_len: *mut socklen_t,
    ) -> ssize_t = ops::io::recvfrom(fd, buf, len, flags, addr, addr_len) if len <= size
}

/// Whether `preadv2` or `pwritev2` is just `readv` or `writev`: at the file's own position, and no flags. What has a
/// place in a file never waits for a peer, and who gives flags says how to wait.
fn is_plain(offset: off_t, flags: c_int) -> bool {
    offset == -1 && flags == 0
}
