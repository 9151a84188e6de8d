//! Waiting for descriptors: poll, select, epoll. Those that let signals in belong to no patch set: a green thread's signals are with the
//! library, and libc's own call would wait for what never comes.

use core::ffi::c_int;
use core::mem::size_of;
use engine::ops;
use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

hook! { [SELECT] fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int = ops::readiness::poll }
hook! {
    fn ppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int
        = ops::readiness::ppoll
}
hook! {
    [SELECT] fn select(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int
        = ops::readiness::select
}
hook! { [SELECT] fn __poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int = ops::readiness::poll }
hook! {
    [SELECT] fn __select(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval,
    ) -> c_int = ops::readiness::select
}
hook! {
    fn pselect(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec,
        mask: *const sigset_t,
    ) -> c_int = ops::readiness::pselect
}
hook! {
    [SELECT] fn epoll_wait(set: c_int, events: *mut epoll_event, count: c_int, timeout: c_int) -> c_int
        = ops::readiness::epoll_wait
}
hook! {
    fn epoll_pwait(set: c_int, events: *mut epoll_event, count: c_int, timeout: c_int, mask: *const sigset_t) -> c_int
        = ops::readiness::epoll_pwait
}
hook! {
    fn epoll_pwait2(
        set: c_int, events: *mut epoll_event, count: c_int, timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int = ops::readiness::epoll_pwait2
}

hook! {
    [SELECT] fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, size: size_t) -> c_int
        = ops::readiness::poll(fds, count, timeout) if fits(count, size)
}
hook! {
    fn __ppoll_chk(
        fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t, size: size_t,
    ) -> c_int = ops::readiness::ppoll(fds, count, timeout, mask) if fits(count, size)
}

/// Whether an array of `size` bytes holds `count` entries; the real `__poll_chk` aborts when it does not.
fn fits(count: nfds_t, size: size_t) -> bool {
    size / size_of::<pollfd>() >= count as usize
}
