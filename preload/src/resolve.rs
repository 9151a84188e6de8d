//! Name look-ups. libc's own resolver does the work, so nsswitch.conf holds; it blocks, so it is offloaded.

use crate::ret::{EaiCode, ErrorNumber};
use core::ffi::{c_char, c_int, c_void};
use libc::{addrinfo, hostent, size_t, sockaddr, socklen_t};

offload! {
    fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, found: *mut *mut addrinfo)
        -> EaiCode
}
offload! {
    fn getnameinfo(
        addr: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t, service: *mut c_char,
        service_len: socklen_t, flags: c_int,
    ) -> EaiCode
}

offload! { fn gethostbyname(name: *const c_char) -> *mut hostent }
offload! { fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent }
offload! { fn gethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent }
offload! {
    fn gethostbyname_r(
        name: *const c_char, entry: *mut hostent, buf: *mut c_char, len: size_t, found: *mut *mut hostent,
        h_errno: *mut c_int,
    ) -> ErrorNumber
}
offload! {
    fn gethostbyname2_r(
        name: *const c_char, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> ErrorNumber
}
offload! {
    fn gethostbyaddr_r(
        addr: *const c_void, addr_len: socklen_t, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> ErrorNumber
}
