//! Descriptors that come and go: the engine moves waiters away before a number is closed and forgets what it knew of a
//! number that is used again.
//!
//! `fcntl` takes its third argument as an integer of pointer size, because that is how x86-64 passes every kind of it,
//! and `open` its mode whether it was given or not.

use crate::real::typed;
use crate::ret::Convention;
use core::ffi::{c_char, c_int, c_uint, c_ulong};
use engine::{Exit, ops, real::Next};
use libc::{FILE, clockid_t, mode_t, sigset_t};

hook! { closing fn close(fd: c_int) -> c_int = ops::fd::close }
hook! { closing fn __close(fd: c_int) -> c_int = ops::fd::close }
hook! { closing fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = ops::fd::close_range }
hook! { closing fn closefrom(first: c_int) -> () = ops::fd::closefrom }
hook! { closing fn dup2(from: c_int, to: c_int) -> c_int = ops::fd::dup2 }
hook! { closing fn __dup2(from: c_int, to: c_int) -> c_int = ops::fd::dup2 }
hook! { closing fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int = ops::fd::dup3 }

observe! { fn dup(fd: c_int) -> c_int, opens }
observe! { fn pipe(pair: *mut c_int) -> c_int, opens pair }
observe! { fn __pipe(pair: *mut c_int) -> c_int, opens pair }
observe! { fn pipe2(pair: *mut c_int, flags: c_int) -> c_int, opens pair }
observe! { fn eventfd(count: c_uint, flags: c_int) -> c_int, opens }
observe! { fn timerfd_create(clock: clockid_t, flags: c_int) -> c_int, opens }
hook! { always fn signalfd(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int = ops::fd::signalfd }
observe! { fn epoll_create(size: c_int) -> c_int, opens }
observe! { fn epoll_create1(flags: c_int) -> c_int, opens }
observe! { fn inotify_init() -> c_int, opens }
observe! { fn inotify_init1(flags: c_int) -> c_int, opens }
observe! { fn fanotify_init(flags: c_uint, files: c_uint) -> c_int, opens }

open! { fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn __open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn __open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn __open_2(path: *const c_char, flags: c_int) -> c_int }
open! { fn __open64_2(path: *const c_char, flags: c_int) -> c_int }
open! { fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn openat64(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int }
open! { fn __openat_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int }
open! { fn __openat64_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int }
open! { fn creat(path: *const c_char, mode: mode_t) -> c_int }
open! { fn creat64(path: *const c_char, mode: mode_t) -> c_int }
open! { fn posix_openpt(flags: c_int) -> c_int }

/// `fclose(3)`: libc closes the number inside, so its waiters leave first.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn fclose(stream: *mut FILE) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(fclose);
    proof!(fclose(stream: *mut FILE) -> c_int);
    if !engine::is_table_watched() {
        return call_next!(NEXT(stream: *mut FILE) -> c_int);
    }
    // SAFETY: the program gives a stream that is open.
    let closing = unsafe { ops::stdio::closing(stream) };
    let answer = call_next!(NEXT(stream: *mut FILE) -> c_int);
    if let Some(closing) = closing {
        closing.done();
    }
    answer
}

/// Not in the libc crate.
const F_SETOWN_EX: c_int = 15;

type Fcntl = unsafe extern "C-unwind" fn(c_int, c_int, usize) -> c_int;

/// `fcntl(2)`: two commands make a descriptor, two wait for a lock in the kernel.
///
/// # Safety
/// As `fcntl(2)`; the caller holds no value with a destructor, since waiting for a lock can be cancelled.
#[inline(always)]
unsafe fn control(next: &Next, fd: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: both names of the function have this prototype on this architecture; the arguments are the program's own.
    unsafe {
        let Some(real) = typed::<Fcntl>(next) else {
            return Convention::failed(libc::ENOSYS);
        };
        match command {
            _ if !engine::active() => real(fd, command, argument),
            _ if ops::fd::is_hidden(fd) => Convention::failed(libc::EBADF),
            libc::F_SETLKW | libc::F_OFD_SETLKW => {
                let scope = ops::offload::enter();
                let answer = real(fd, command, argument);
                ops::offload::leave(scope);
                answer
            }
            libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => {
                let copy = real(fd, command, argument);
                if copy >= 0 {
                    ops::fd::opened(copy);
                }
                copy
            }
            libc::F_SETFL => {
                let answer = real(fd, command, argument);
                ops::fd::mode_changed();
                answer
            }
            libc::F_SETOWN | F_SETOWN_EX => {
                match ops::task::set_owner(command, argument, |argument| real(fd, command, argument)) {
                    Ok(answer) => answer,
                    Err(Exit::Errno(errno)) => Convention::failed(errno),
                    Err(_) => real(fd, command, argument),
                }
            }
            _ => real(fd, command, argument),
        }
    }
}

/// `ioctl(2)`: FIONBIO changes the mode of a description. Its third argument is of pointer size, as `fcntl`'s.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn ioctl(fd: c_int, request: c_ulong, argument: usize) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(ioctl);
    proof!(ioctl(fd: c_int, request: c_ulong, argument: usize) -> c_int);
    let answer = call_next!(NEXT(fd: c_int, request: c_ulong, argument: usize) -> c_int);
    if request == libc::FIONBIO {
        ops::fd::mode_changed();
    }
    answer
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(fcntl);
    proof!(fcntl(fd: c_int, command: c_int, argument: usize) -> c_int);
    // SAFETY: fcntl's own arguments, from the outermost frame.
    unsafe { control(&NEXT, fd, command, argument) }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(fcntl64);
    proof!(fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int);
    // SAFETY: as fcntl, which it is another name of.
    unsafe { control(&NEXT, fd, command, argument) }
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn __fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(__fcntl);
    proof!(__fcntl(fd: c_int, command: c_int, argument: usize) -> c_int);
    // SAFETY: as fcntl, which it is another name of.
    unsafe { control(&NEXT, fd, command, argument) }
}
