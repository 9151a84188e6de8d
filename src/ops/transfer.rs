//! sendfile, splice, tee and vmsplice: bytes that move between descriptors inside the kernel.
//!
//! A pipe is tried with SPLICE_F_NONBLOCK. Nothing says so to a socket for one call, so it is given no more than it has
//! room for by its own account. The account is a guess about the kernel's memory: a wrong one blocks a worker, which
//! rescue covers, and what was transferred is always the kernel's own answer.

use super::green;
use super::io::keep_progress;
use super::offload;
use super::ready::{self, On, Step, until_ready};
use crate::errno::{Errno, Exit};
use crate::reactor::{self, FirstTry, Pair, Side};
use crate::report::Call;
use crate::sys::fd as sysfd;
use crate::syscall;
use crate::thread::cancel;
use core::cell::Cell;
use core::ffi::{c_int, c_uint};
use core::ptr::null_mut;
use libc::{iovec, off_t, ssize_t};

const NONBLOCK: c_uint = libc::SPLICE_F_NONBLOCK;

/// What is sent at once where nobody can say how much room there is.
const PAGE: usize = 4096;

/// How often a move may be refused although both sides look ready, because another thread was faster.
const REFUSALS: u32 = 3;

/// How many of `wanted` bytes go to a socket without waiting, at least, and `None` for what is no socket; `EAGAIN` when
/// none do.
///
/// A page goes to whatever is writable. Beyond that half of the free memory counts: the rest is for what the kernel
/// adds.
fn room(fd: c_int, wanted: usize) -> Result<Option<usize>, Errno> {
    /// Indices of SO_MEMINFO's answer (linux/sock_diag.h).
    const ALLOCATED: usize = 2;
    const LIMIT: usize = 3;
    const QUEUED: usize = 5;
    if sysfd::poll_now(fd, libc::POLLOUT) == 0 {
        return Err(Errno::AGAIN);
    }
    if wanted <= PAGE {
        return Ok(Some(PAGE));
    }
    match sysfd::sockopt::<[u32; 9]>(fd, libc::SOL_SOCKET, libc::SO_MEMINFO) {
        Ok(memory) => {
            let used = memory[ALLOCATED].max(memory[QUEUED]);
            Ok(Some(PAGE.max(memory[LIMIT].saturating_sub(used) as usize / 2)))
        }
        Err(Errno(libc::ENOTSOCK)) => Ok(None),
        Err(_) => Ok(Some(PAGE)),
    }
}

/// Whether the program made the description non-blocking: then the call is the real one.
fn is_nonblocking(fd: c_int) -> Result<bool, Errno> {
    Ok(!reactor::is_plain(fd) && sysfd::status_flags(fd)? & libc::O_NONBLOCK != 0)
}

/// sendfile(2). From a file to a pipe it is a splice; what neither waits for a reader nor comes from a file is the real
/// call.
///
/// # Safety
/// As the C function.
pub unsafe fn sendfile(to: c_int, from: c_int, offset: *mut off_t, count: usize) -> Result<ssize_t, Exit> {
    if count == 0 || green().is_none() {
        return Err(Exit::Native);
    }
    if reactor::is_pollable(from) || !reactor::is_pollable(to) {
        return Err(Exit::Offloaded);
    }
    if is_nonblocking(to)? {
        return Err(Exit::Native);
    }
    let sent = Cell::new(0);
    let mut step = |from: c_int, to: c_int| -> Result<Step, Errno> {
        // SAFETY: the caller's offset, which the kernel moves on.
        unsafe {
            loop {
                let left = count - sent.get();
                let most = match room(to, left) {
                    Ok(Some(room)) => room,
                    Err(Errno::AGAIN) => return Ok(Step::Await(Side::To)),
                    Err(e) => return Err(e),
                    Ok(None) => match syscall!(libc::SYS_splice, from, offset, to, null_mut::<off_t>(), left, NONBLOCK)
                    {
                        // No pipe.
                        Err(Errno(libc::EINVAL)) => PAGE,
                        Err(Errno::AGAIN) => return Ok(Step::Await(Side::To)),
                        moved => {
                            sent.set(sent.get() + moved?);
                            return Ok(Step::Done);
                        }
                    },
                };
                let moved = match syscall!(libc::SYS_sendfile, to, from, offset, left.min(most)) {
                    Err(Errno::AGAIN) => return Ok(Step::Await(Side::To)),
                    moved => moved?,
                };
                sent.set(sent.get() + moved);
                if moved == 0 || sent.get() == count {
                    return Ok(Step::Done);
                }
            }
        }
    };
    let first = FirstTry::begin(from).zip(FirstTry::begin(to));
    let mut end = match step(from, to) {
        Ok(Step::Done) => Ok(()),
        Err(e) => Err(e.into()),
        _ => {
            let begun = || sent.get() != 0;
            let pair = first.map(|(from, to)| Pair::of(from.hold(), to.hold()));
            ready::across(On::read(from, Call::Read), On::write(to, Call::Send), pair, &mut step, &begun)
        }
    };
    if end == Err(Exit::Cancelled) {
        // Unlike the others it is no cancellation point: the rest is the real call.
        let scope = offload::enter();
        // SAFETY: as above.
        let rest = unsafe { syscall!(libc::SYS_sendfile, to, from, offset, count - sent.get()) };
        offload::leave(scope);
        end = rest.map(|n| sent.set(sent.get() + n)).map_err(Exit::from);
    }
    keep_progress(end, sent.get())
}

/// Whether a move would say at once that it has to wait, or that it is a wrong one: nothing may be waited for before
/// that is known. Only what a pipe is not ready for, because the kernel looks at the pipe first, and what has no pipe
/// at all.
fn may_be_tried(from: c_int, to: c_int) -> bool {
    let (has_input, has_room) = (sysfd::poll_now(from, libc::POLLIN) != 0, sysfd::poll_now(to, libc::POLLOUT) != 0);
    let (from_pipe, to_pipe) = (|| sysfd::is_pipe(from), || sysfd::is_pipe(to));
    match (has_input, has_room) {
        (true, true) => false,
        (false, true) => from_pipe() || !to_pipe(),
        (true, false) => to_pipe() || !from_pipe(),
        (false, false) => true,
    }
}

/// Moves up to `len` bytes once `from` has some and `to` has room; `shift` is told the numbers and how many it may move, and
/// does not wait.
///
/// What a socket had no room for goes on while there is something to move, as in a call that blocks there.
fn across(
    from: c_int, to: c_int, len: usize, shift: impl Fn(c_int, c_int, usize) -> Result<usize, Errno>,
) -> Result<ssize_t, Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    if may_be_tried(from, to) {
        match shift(from, to, len) {
            Err(Errno::AGAIN) => {}
            done => return Ok(done? as ssize_t),
        }
    }
    let has_input = |from| sysfd::poll_now(from, libc::POLLIN) != 0;
    let (done, mut refusals) = (Cell::new(0), 0);
    let mut step = |from, to| {
        if !has_input(from) {
            return Ok(Step::Await(Side::From));
        }
        let left = len - done.get();
        let most = match room(to, left) {
            Err(Errno::AGAIN) => return Ok(Step::Await(Side::To)),
            room => room?.map_or(left, |room| room.min(left)),
        };
        match shift(from, to, most) {
            Err(Errno::AGAIN) if refusals < REFUSALS => {
                refusals += 1;
                Ok(Step::Again)
            }
            moved => {
                let n = moved?;
                done.set(done.get() + n);
                Ok(if n < most || n == left || !has_input(from) { Step::Done } else { Step::Again })
            }
        }
    };
    let begun = || done.get() != 0;
    let end = match ready::across(On::read(from, Call::Read), On::write(to, Call::Write), None, &mut step, &begun) {
        // Refused too often, though both look ready.
        Err(Exit::Errno(libc::EAGAIN)) if refusals == REFUSALS => Err(Exit::Offloaded),
        end => end,
    };
    keep_progress(end, done.get())
}

/// splice(2).
///
/// # Safety
/// As the C function.
pub unsafe fn splice(
    from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, len: usize, flags: c_uint,
) -> Result<ssize_t, Exit> {
    if flags & NONBLOCK != 0 || len == 0 || green().is_none() {
        return Err(Exit::Native);
    }
    let is_wrong = |fd, offset: *mut off_t| !offset.is_null() && reactor::is_pollable(fd);
    if is_wrong(from, from_offset) || is_wrong(to, to_offset) {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's offsets.
    across(from, to, len, |from, to, most| unsafe {
        syscall!(libc::SYS_splice, from, from_offset, to, to_offset, most, flags | NONBLOCK)
    })
}

/// tee(2).
///
/// # Safety
/// As the C function.
pub unsafe fn tee(from: c_int, to: c_int, len: usize, flags: c_uint) -> Result<ssize_t, Exit> {
    if flags & NONBLOCK != 0 || len == 0 || green().is_none() {
        return Err(Exit::Native);
    }
    // SAFETY: integers.
    across(from, to, len, |from, to, most| unsafe { syscall!(libc::SYS_tee, from, to, most, flags | NONBLOCK) })
}

/// vmsplice(2): into a pipe, or out of one. Unlike the others it takes no notice of the description's mode.
///
/// # Safety
/// As the C function.
pub unsafe fn vmsplice(fd: c_int, iov: *const iovec, n: usize, flags: c_uint) -> Result<ssize_t, Exit> {
    if flags & NONBLOCK != 0 || green().is_none() {
        return Err(Exit::Native);
    }
    let reads = sysfd::status_flags(fd)? & libc::O_ACCMODE == libc::O_RDONLY;
    let on = if reads { On::read(fd, Call::Read) } else { On::write(fd, Call::Write) };
    // SAFETY: the caller's vectors.
    until_ready(on.in_any_mode(), |fd| unsafe { syscall!(libc::SYS_vmsplice, fd, iov, n, flags | NONBLOCK) })
        .map(|n| n as ssize_t)
}
