//! Name look-ups, of hosts, services, users and groups. libc's own resolver does the work, so nsswitch.conf holds; it
//! blocks, so it is offloaded.

use crate::c::{gaicb, res_state};
use crate::ret::{EaiCode, ErrorNumber};
use core::ffi::{c_char, c_int, c_uchar, c_void};
use libc::{
    addrinfo, gid_t, group, hostent, passwd, servent, sigevent, size_t, sockaddr, socklen_t, spwd, timespec, uid_t,
};

/// `netdb.h`
const GAI_WAIT: c_int = 0;

offload! {
    fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, found: *mut *mut addrinfo)
        -> EaiCode, then resolved
}

/// Whom the program may be about to talk to in TLS.
unsafe fn resolved(
    answer: &EaiCode, node: *const c_char, _: *const c_char, _: *const addrinfo, found: *mut *mut addrinfo,
) {
    if engine::tls::connects() && answer.is_success() {
        // SAFETY: the program's string, and the list that libc has made.
        unsafe { engine::tls::connect::resolved(node, *found) };
    }
}

/// The same, of the calls that answer with an entry.
unsafe fn found_host(answer: &*mut hostent, name: *const c_char) {
    if engine::tls::connects() {
        // SAFETY: the program's string, and the entry that libc has filled in.
        unsafe { engine::tls::connect::resolved_host(name, *answer) };
    }
}

unsafe fn found_host2(answer: &*mut hostent, name: *const c_char, _: c_int) {
    // SAFETY: as above.
    unsafe { found_host(answer, name) };
}

unsafe fn found_host_r(
    _: &ErrorNumber, name: *const c_char, _: *mut hostent, _: *mut c_char, _: size_t, found: *mut *mut hostent,
    _: *mut c_int,
) {
    // SAFETY: as above; where there is none, libc says so there.
    unsafe { found_host(&*found, name) };
}

// libc's own prototype.
#[allow(clippy::too_many_arguments)]
unsafe fn found_host2_r(
    answer: &ErrorNumber, name: *const c_char, _: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
    found: *mut *mut hostent, h_errno: *mut c_int,
) {
    // SAFETY: as above.
    unsafe { found_host_r(answer, name, entry, buf, len, found, h_errno) };
}

offload! {
    fn getnameinfo(
        addr: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t, service: *mut c_char,
        service_len: socklen_t, flags: c_int,
    ) -> EaiCode
}

offload! { fn gethostbyname(name: *const c_char) -> *mut hostent, then found_host }
offload! { fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent, then found_host2 }
offload! { fn gethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent }
offload! {
    fn gethostbyname_r(
        name: *const c_char, entry: *mut hostent, buf: *mut c_char, len: size_t, found: *mut *mut hostent,
        h_errno: *mut c_int,
    ) -> ErrorNumber, then found_host_r
}
offload! {
    fn gethostbyname2_r(
        name: *const c_char, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> ErrorNumber, then found_host2_r
}
offload! {
    fn gethostbyaddr_r(
        addr: *const c_void, addr_len: socklen_t, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> ErrorNumber
}

offload! {
    fn getaddrinfo_a(mode: c_int, list: *mut *mut gaicb, count: c_int, event: *mut sigevent) -> EaiCode,
    if mode == GAI_WAIT
}
offload! { fn gai_suspend(list: *const *const gaicb, count: c_int, timeout: *const timespec) -> EaiCode }

offload! { fn getservbyname(name: *const c_char, protocol: *const c_char) -> *mut servent }
offload! { fn getservbyport(port: c_int, protocol: *const c_char) -> *mut servent }
offload! {
    fn getservbyname_r(
        name: *const c_char, protocol: *const c_char, entry: *mut servent, buf: *mut c_char, len: size_t,
        found: *mut *mut servent,
    ) -> ErrorNumber
}
offload! {
    fn getservbyport_r(
        port: c_int, protocol: *const c_char, entry: *mut servent, buf: *mut c_char, len: size_t,
        found: *mut *mut servent,
    ) -> ErrorNumber
}

offload! { fn getpwnam(name: *const c_char) -> *mut passwd }
offload! { fn getpwuid(user: uid_t) -> *mut passwd }
offload! {
    fn getpwnam_r(
        name: *const c_char, entry: *mut passwd, buf: *mut c_char, len: size_t, found: *mut *mut passwd,
    ) -> ErrorNumber
}
offload! {
    fn getpwuid_r(user: uid_t, entry: *mut passwd, buf: *mut c_char, len: size_t, found: *mut *mut passwd)
        -> ErrorNumber
}
offload! { fn getspnam(name: *const c_char) -> *mut spwd }
offload! {
    fn getspnam_r(name: *const c_char, entry: *mut spwd, buf: *mut c_char, len: size_t, found: *mut *mut spwd)
        -> ErrorNumber
}
offload! { fn getgrnam(name: *const c_char) -> *mut group }
offload! { fn getgrgid(id: gid_t) -> *mut group }
offload! {
    fn getgrnam_r(name: *const c_char, entry: *mut group, buf: *mut c_char, len: size_t, found: *mut *mut group)
        -> ErrorNumber
}
offload! {
    fn getgrgid_r(id: gid_t, entry: *mut group, buf: *mut c_char, len: size_t, found: *mut *mut group) -> ErrorNumber
}
offload! { fn getgrouplist(user: *const c_char, own: gid_t, groups: *mut gid_t, count: *mut c_int) -> c_int }

// Since glibc 2.34 under the names that programs write; before, `resolv.h` made the others of them.
offload! { fn res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int }
offload! { fn res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int }
offload! {
    fn res_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int
}
offload! { fn res_send(query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int) -> c_int }
offload! {
    fn res_nquery(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int
}
offload! {
    fn res_nsearch(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int
}
offload! {
    fn res_nquerydomain(
        state: res_state, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar,
        len: c_int,
    ) -> c_int
}
offload! {
    fn res_nsend(state: res_state, query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int) -> c_int
}
offload! {
    fn __res_query(
        name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_search(
        name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_send(
        query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_nquery(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_nsearch(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_nquerydomain(
        state: res_state, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar,
        len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
offload! {
    fn __res_nsend(
        state: res_state, query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int, version "GLIBC_2.2.5"
}
