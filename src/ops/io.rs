//! read, write, recv, send and their kin.
//!
//! Sockets are tried with MSG_DONTWAIT, everything else with RWF_NOWAIT; where the kernel has that for neither
//! (a tty, an old timerfd) a zero-timeout poll says whether the real call would block. A blocking send sends
//! everything: partial progress is kept and the rest waits, as in the kernel. What moved some bytes tries again at once
//! (`Errno::PARTLY`): only a try that failed may wait, because the edge that told of the rest may be the one that has been
//! used up.

use super::green;
use super::low_mark;
use super::ready::{On, is_local, until_ready};
use crate::errno::{Errno, Exit};
use crate::reactor;
use crate::report::Call;
use crate::signal::route::shown_to_kernel;
use crate::sys::fd as sysfd;
use crate::sys::mem;
use crate::sys::time::{self, Timespec};
use crate::syscall;
use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;
use libc::{iovec, mmsghdr, msghdr, sockaddr, socklen_t, ssize_t};

const DONTWAIT: c_int = libc::MSG_DONTWAIT;
const CURRENT: i64 = -1;

/// Whether a call with these flags is tried without waiting. If the program itself asked for that it is the real one; and what is to
/// connect first says that it has begun, if it may not wait, and has sent nothing. A send without copying is numbered, and told of as
/// done by that number: in parts it would be several.
fn is_tried_with(flags: c_int) -> Result<(), Exit> {
    match flags {
        _ if flags & (DONTWAIT | libc::MSG_ERRQUEUE) != 0 => Err(Exit::Native),
        _ if flags & (libc::MSG_FASTOPEN | libc::MSG_ZEROCOPY) != 0 => Err(Exit::Offloaded),
        _ => Ok(()),
    }
}

/// The same of a call that receives. An urgent byte is not waited for, though the description blocks; where nothing is urgent (UDP)
/// the flag means nothing, and the call may wait. The mark of one that has been read still ends a read early, and makes no edge.
fn is_received_with(fd: c_int, flags: c_int) -> Result<(), Exit> {
    let is_urgent = flags & libc::MSG_OOB != 0;
    if is_urgent {
        reactor::doubt_short_reads(fd);
    }
    is_tried_with(flags)?;
    if is_urgent { Err(Exit::Offloaded) } else { Ok(()) }
}

/// recv(2).
///
/// # Safety
/// As the C function.
pub unsafe fn recv(fd: c_int, buf: *mut c_void, len: usize, flags: c_int) -> Result<ssize_t, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { recvfrom(fd, buf, len, flags, null_mut(), null_mut()) }
}

/// recvfrom(2).
///
/// # Safety
/// As the C function.
pub unsafe fn recvfrom(
    fd: c_int, buf: *mut c_void, len: usize, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t,
) -> Result<ssize_t, Exit> {
    is_received_with(fd, flags)?;
    let mark = low_mark::of(fd);
    let waits_for_all = flags & libc::MSG_WAITALL != 0 && sysfd::is_stream(fd);
    if len > 0 && (waits_for_all || mark.is_some()) {
        if flags & libc::MSG_PEEK != 0 {
            // What has come stays with the kernel until all has, and nothing tells of the rest.
            return Err(Exit::Offloaded);
        }
        let least = mark.filter(|_| !waits_for_all).map_or(len, |mark| mark.min(len));
        // SAFETY: the caller's buffer.
        return unsafe { recv_least(fd, buf.cast(), len, least, flags, addr, addr_len) };
    }
    let attempt = |fd| {
        // SAFETY: the caller's arguments.
        let read = || unsafe { syscall!(libc::SYS_recvfrom, fd, buf, len, flags | DONTWAIT, addr, addr_len) };
        if flags == 0 { reactor::draining(fd, len, read) } else { read() }
    };
    let on = On::read(fd, Call::Recv);
    until_ready(if flags == 0 { on.skipping_drained() } else { on }, attempt).map(|n| n as ssize_t)
}

/// MSG_WAITALL on a stream, or SO_RCVLOWAT: until `least` is there, which is all or less, the end, an error or a time-out; what came is
/// kept.
///
/// # Safety
/// As [`recvfrom`].
#[inline(never)]
unsafe fn recv_least(
    fd: c_int, buf: *mut u8, len: usize, least: usize, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t,
) -> Result<ssize_t, Exit> {
    let mut got = 0;
    // SAFETY: `got` never exceeds `len`.
    let mut attempt = |fd| unsafe {
        if got > 0 && has_failed(fd) && sysfd::queued(fd) == 0 {
            return Ok(());
        }
        let n = syscall!(libc::SYS_recvfrom, fd, buf.add(got), len - got, flags | DONTWAIT, addr, addr_len)?;
        got += n;
        if n == 0 || got >= least { Ok(()) } else { Err(Errno::PARTLY) }
    };
    let end = until_ready(On::read(fd, Call::Recv).in_parts(), &mut attempt);
    keep_progress(end, got)
}

/// Bytes that were moved count, whatever ended the call; cancellation alone overrides them.
pub(super) fn keep_progress(end: Result<(), Exit>, done: usize) -> Result<ssize_t, Exit> {
    match end {
        Err(Exit::Errno(_) | Exit::Native | Exit::Offloaded) if done > 0 => Ok(done as ssize_t),
        Err(e) => Err(e),
        Ok(()) => Ok(done as ssize_t),
    }
}

/// recvmsg(2).
///
/// # Safety
/// As the C function.
pub unsafe fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> Result<ssize_t, Exit> {
    is_received_with(fd, flags)?;
    if flags & libc::MSG_WAITALL != 0 || low_mark::of(fd).is_some() {
        // There is no form that does not block: what has come stays with the kernel until all has.
        return Err(Exit::Offloaded);
    }
    // SAFETY: the caller's message.
    let attempt = |fd| unsafe { syscall!(libc::SYS_recvmsg, fd, msg, flags | DONTWAIT) };
    until_ready(On::read(fd, Call::Recv), attempt).map(|n| n as ssize_t)
}

/// recvmmsg(2). The first message may be waited for; with MSG_WAITFORONE or a zero count of others it is all
/// that is. The plain form waits for every message, each as recvmsg would; the time-out is looked at between
/// messages, as the kernel does.
///
/// # Safety
/// As the C function.
pub unsafe fn recvmmsg(
    fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int, timeout: *mut libc::timespec,
) -> Result<c_int, Exit> {
    is_received_with(fd, flags)?;
    if green().is_none() {
        return Err(Exit::Native);
    }
    if flags & libc::MSG_WAITALL != 0 || low_mark::of(fd).is_some() {
        // As `recvmsg`.
        return Err(Exit::Offloaded);
    }
    let timeout = timeout.cast::<Timespec>();
    let limit = match (!timeout.is_null()).then(|| mem::read(timeout)) {
        None => None,
        Some(Ok(limit)) if limit.is_valid() => Some((limit, time::now())),
        // The kernel says what is wrong with it.
        Some(_) => return Err(Exit::Native),
    };
    let left = || limit.map(|(limit, since)| limit.less(time::now() - since));
    let mut got = 0;
    let attempt = |fd| {
        // An error that comes after a message is the next call's, as where the kernel itself goes from one message to the next.
        if got > 0 && sysfd::poll_now(fd, 0) & libc::POLLERR != 0 {
            return Ok(());
        }
        let mut left_now = left();
        let (rest, limit) = (msgs.wrapping_add(got as usize), left_now.as_mut().map_or(null_mut(), |l| &raw mut *l));
        // SAFETY: the caller's array, from where it is not filled yet; a live limit.
        got += unsafe { syscall!(libc::SYS_recvmmsg, fd, rest, n - got, flags | DONTWAIT, limit) }? as c_uint;
        let is_over = got >= n || flags & libc::MSG_WAITFORONE != 0 || left() == Some(Timespec::default());
        if is_over { Ok(()) } else { Err(Errno::ANEW) }
    };
    let end = until_ready(On::read(fd, Call::Recv).in_parts(), attempt);
    let got = keep_progress(end, got as usize)?;
    if let Some(left) = left().filter(|_| got > 0) {
        // SAFETY: where the program has its limit.
        unsafe { mem::write(timeout, left) }?;
    }
    Ok(got as c_int)
}

/// Why nothing was sent, to `name` if that is not null. A socket that has room all the same found none at the receiver, who tells
/// only those that are connected to him; and to be refused by him makes an edge of the sender's, so that it would try for ever.
fn why_not_sent(e: Errno, fd: c_int, name: *const c_void) -> Errno {
    let is_receiver_full = e == Errno::AGAIN && !name.is_null() && sysfd::poll_now(fd, libc::POLLOUT) != 0;
    if is_receiver_full { Errno::BLOCKS } else { e }
}

/// Whether a call that has done a part ends with that, because the connection has failed. In TCP the error is the next call's, and a
/// try would use it up; poll does not. (Should it come between the two, it is used up.) An error without the end is none of the
/// connection's (MSG_ERRQUEUE). A local socket's blocked call does use it up.
fn has_failed(fd: c_int) -> bool {
    const FAILED: i16 = libc::POLLERR | libc::POLLHUP;
    sysfd::poll_now(fd, 0) & FAILED == FAILED && !is_local(fd)
}

/// Tries a send again that has waited, or of which `done` bytes are done: `send` does, with MSG_NOSIGNAL or without.
///
/// What ends a call after a part of it makes no SIGPIPE. Nor does what ends one that waits at a local socket, though nothing is
/// done, and it says how the peer went (`ECONNRESET`), which a call that comes too late does not.
#[cold]
#[inline(never)]
fn send_again(fd: c_int, done: usize, send: &dyn Fn(c_int) -> Result<usize, Errno>) -> Result<usize, Errno> {
    if done > 0 && has_failed(fd) {
        return Err(Errno(libc::EPIPE));
    }
    match send(libc::MSG_NOSIGNAL) {
        Err(e @ Errno(libc::EPIPE)) if is_local(fd) => Err(sysfd::take_error(fd).unwrap_or(e)),
        Err(Errno(libc::EPIPE)) if done == 0 => send(0),
        tried => tried,
    }
}

/// send(2).
///
/// # Safety
/// As the C function.
pub unsafe fn send(fd: c_int, buf: *const c_void, len: usize, flags: c_int) -> Result<ssize_t, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { sendto(fd, buf, len, flags, core::ptr::null(), 0) }
}

/// sendto(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sendto(
    fd: c_int, buf: *const c_void, len: usize, flags: c_int, addr: *const sockaddr, addr_len: socklen_t,
) -> Result<ssize_t, Exit> {
    is_tried_with(flags)?;
    let buf = buf.cast::<u8>();
    let mut sent = 0;
    let mut has_tried = false;
    let mut attempt = |fd| {
        let (at, rest) = (buf.wrapping_add(sent), len - sent);
        // SAFETY: `sent` never exceeds `len`. A datagram goes whole or not at all.
        let send = |how| unsafe { syscall!(libc::SYS_sendto, fd, at, rest, flags | DONTWAIT | how, addr, addr_len) };
        let now = if core::mem::replace(&mut has_tried, true) { send_again(fd, sent, &send) } else { send(0) };
        sent += now.map_err(|e| why_not_sent(e, fd, addr.cast()))?;
        if sent >= len { Ok(()) } else { Err(Errno::PARTLY) }
    };
    let end = until_ready(On::write(fd, Call::Send), &mut attempt);
    keep_progress(end, sent)
}

/// The bytes that vectors hold, which may be too many.
fn total(vectors: impl IntoIterator<Item = iovec>) -> usize {
    vectors.into_iter().fold(0, |sum, v| sum.saturating_add(v.iov_len))
}

/// The vectors of a call, moved on as they are transferred.
struct Progress {
    vectors: Vec<iovec>,
    at: usize,
    done: usize,
    total: usize,
}

impl Progress {
    /// `None` for vectors that the kernel would not take.
    fn new(iov: *const iovec, n: usize) -> Option<Progress> {
        let n = Some(n).filter(|&n| n <= libc::UIO_MAXIOV as usize)?;
        let vectors = mem::read_all(iov, n).ok()?;
        let total = total(vectors.iter().copied());
        Some(Progress { vectors, at: 0, done: 0, total })
    }

    fn rest(&mut self) -> &mut [iovec] {
        &mut self.vectors[self.at..]
    }

    /// `n` more bytes are done; whether that was all.
    fn advance(&mut self, mut n: usize) -> bool {
        self.done += n;
        while let Some(v) = self.vectors.get_mut(self.at) {
            if n < v.iov_len {
                v.iov_base = v.iov_base.wrapping_byte_add(n);
                v.iov_len -= n;
                break;
            }
            n -= v.iov_len;
            self.at += 1;
        }
        self.done >= self.total
    }
}

/// sendmsg(2). Control data goes with the first part.
///
/// # Safety
/// As the C function.
pub unsafe fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> Result<ssize_t, Exit> {
    is_tried_with(flags)?;
    if green().is_none() {
        return Err(Exit::Native);
    }
    let Some(mut part) = Part::new(msg) else { return Err(Exit::Native) };
    // SAFETY: as above.
    let attempt = |fd| if unsafe { part.send(fd, flags) }? { Ok(()) } else { Err(Errno::PARTLY) };
    let end = until_ready(On::write(fd, Call::Send), attempt);
    keep_progress(end, part.progress.done)
}

/// What the kernel says of a message that it does not take.
fn refusal(fd: c_int, msg: *const msghdr, flags: c_int) -> Errno {
    // SAFETY: the kernel looks at what it is given.
    unsafe { syscall!(libc::SYS_sendmsg, fd, msg, flags | DONTWAIT) }.err().unwrap_or(Errno(libc::EFAULT))
}

/// A message that is sent in parts.
struct Part {
    message: msghdr,
    progress: Progress,
    has_tried: bool,
}

impl Part {
    /// The message and its vectors are copied, to be moved on. `None` for one that the kernel would not take.
    fn new(msg: *const msghdr) -> Option<Part> {
        let message = mem::read(msg).ok()?;
        Some(Part { message, progress: Progress::new(message.msg_iov, message.msg_iovlen)?, has_tried: false })
    }

    /// Sends what goes without waiting; whether that was all. Control data goes with the first part.
    ///
    /// # Safety
    /// What the message points to is still there.
    unsafe fn send(&mut self, fd: c_int, flags: c_int) -> Result<bool, Errno> {
        let rest = self.progress.rest();
        (self.message.msg_iov, self.message.msg_iovlen) = (rest.as_mut_ptr(), rest.len());
        // SAFETY: the caller's promise.
        let send = |how| unsafe { syscall!(libc::SYS_sendmsg, fd, &raw const self.message, flags | DONTWAIT | how) };
        let is_again = core::mem::replace(&mut self.has_tried, true);
        let n = if is_again { send_again(fd, self.progress.done, &send) } else { send(0) };
        let n = n.map_err(|e| why_not_sent(e, fd, self.message.msg_name))?;
        (self.message.msg_control, self.message.msg_controllen) = (null_mut(), 0);
        Ok(self.progress.advance(n))
    }
}

/// sendmmsg(2). The rest of a message that goes in parts comes before the next one; one that does not go whole is the last.
///
/// # Safety
/// As the C function.
pub unsafe fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int) -> Result<c_int, Exit> {
    is_tried_with(flags)?;
    if green().is_none() {
        return Err(Exit::Native);
    }
    // The kernel sends at most so many.
    let n = n.min(libc::UIO_MAXIOV as c_uint);
    let (mut sent, mut part) = (0, None);
    let attempt = |fd| {
        // What this try has done: nothing, a part of a message, or a message.
        let mut moved = Ok(());
        while sent < n {
            // SAFETY: `sent` is below `n`; the caller's array.
            unsafe {
                let m = msgs.wrapping_add(sent as usize);
                if part.is_none() {
                    part = Part::new(&raw const (*m).msg_hdr);
                }
                // The kernel says what is wrong with one that it would not take.
                let Some(now) = &mut part else { return Err(refusal(fd, &raw const (*m).msg_hdr, flags)) };
                match now.send(fd, flags) {
                    Err(Errno::AGAIN) if moved.is_err() => return moved,
                    is_done if is_done? => {
                        (*m).msg_len = now.progress.done as c_uint;
                        part = None;
                        sent += 1;
                        moved = Err(Errno::ANEW);
                    }
                    _ if moved.is_ok() => moved = Err(Errno::PARTLY),
                    _ => {}
                }
            }
        }
        Ok(())
    };
    let end = until_ready(On::write(fd, Call::Send), attempt);
    if let Some(part) = part.filter(|part| part.progress.done > 0) {
        // SAFETY: as above.
        unsafe { (*msgs.add(sent as usize)).msg_len = part.progress.done as c_uint };
        sent += 1;
    }
    keep_progress(end, sent as usize).map(|sent| sent as c_int)
}

/// A read or write of no bytes is the real one: what readv and writev make of that is not what it is (an empty datagram, `EINVAL`).
const NOTHING: Exit = Exit::Native;

/// Whether the calling thread parks where a read or write of this number would wait.
#[inline]
fn may_wait(fd: c_int) -> bool {
    green().is_some() && !reactor::is_unpollable(fd)
}

/// read(2).
///
/// # Safety
/// As the C function.
pub unsafe fn read(fd: c_int, buf: *mut c_void, len: usize) -> Result<ssize_t, Exit> {
    if len == 0 {
        return Err(NOTHING);
    }
    let iov = iovec { iov_base: buf, iov_len: len };
    // SAFETY: the caller's buffer, as one vector.
    unsafe { read_vectors(fd, &iov, 1, len) }
}

/// readv(2).
///
/// # Safety
/// As the C function.
pub unsafe fn readv(fd: c_int, iov: *const iovec, n: c_int) -> Result<ssize_t, Exit> {
    let possible = if n <= libc::UIO_MAXIOV { 0..n } else { 0..0 };
    let wanted = total(possible.map_while(|i| mem::read(iov.wrapping_add(i as usize)).ok()));
    // SAFETY: the caller's vectors.
    unsafe { read_vectors(fd, iov, n, wanted) }
}

/// readv(2) of vectors that hold `wanted` bytes.
///
/// # Safety
/// As the C function.
#[inline]
unsafe fn read_vectors(fd: c_int, iov: *const iovec, n: c_int, wanted: usize) -> Result<ssize_t, Exit> {
    if !may_wait(fd) {
        return Err(Exit::Native);
    }
    if let Some(mark) = low_mark::of(fd).filter(|_| wanted != 0) {
        // SAFETY: the caller's vectors.
        return unsafe { read_least(fd, iov, n, mark.min(wanted)) };
    }
    // SAFETY: the caller's vectors.
    let attempt = |fd| unsafe { read_now(fd, iov, n, wanted) };
    let on = On::read(fd, Call::Read);
    // A read of nothing does not wait for something.
    until_ready(if wanted != 0 { on.skipping_drained() } else { on }, attempt).map(|n| n as ssize_t)
}

/// SO_RCVLOWAT: reads until `least` is there, the end, an error or a time-out; what came is kept.
///
/// # Safety
/// As [`readv`].
#[inline(never)]
unsafe fn read_least(fd: c_int, iov: *const iovec, n: c_int, least: usize) -> Result<ssize_t, Exit> {
    /// What a part of the vectors gives proves nothing.
    const NONE: usize = 0;
    let Some(mut progress) = Progress::new(iov, n as usize) else { return Err(Exit::Native) };
    let attempt = |fd| {
        if progress.done > 0 && has_failed(fd) && sysfd::queued(fd) == 0 {
            return Ok(());
        }
        let rest = progress.rest();
        // SAFETY: the caller's vectors, copied to be moved on.
        let got = unsafe { read_now(fd, rest.as_ptr(), rest.len() as c_int, NONE) }?;
        progress.advance(got);
        if got == 0 || progress.done >= least { Ok(()) } else { Err(Errno::PARTLY) }
    };
    let end = until_ready(On::read(fd, Call::Read).in_parts(), attempt);
    keep_progress(end, progress.done)
}

/// Reads what is there, of the `wanted` bytes that the vectors hold.
///
/// # Safety
/// `iov` points to `n` vectors of the caller's.
#[inline(always)]
pub(super) unsafe fn read_now(fd: c_int, iov: *const iovec, n: c_int, wanted: usize) -> Result<usize, Errno> {
    // SAFETY: the caller's vectors.
    shown_to_kernel(|| unsafe {
        match reactor::draining(fd, wanted, || {
            syscall!(libc::SYS_preadv2, fd, iov, n, CURRENT, CURRENT, libc::RWF_NOWAIT)
        }) {
            Err(Errno(libc::EOPNOTSUPP)) => {
                when_polled(fd, libc::POLLIN, usize::MAX, || syscall!(libc::SYS_readv, fd, iov, n))
            }
            r => r,
        }
    })
}

/// eventfd_read(3). Another count than eight bytes is a failure that says nothing in `errno`.
///
/// # Safety
/// As the C function.
pub unsafe fn eventfd_read(fd: c_int, value: *mut u64) -> Result<c_int, Exit> {
    // SAFETY: the caller's word.
    let got = unsafe { read(fd, value.cast(), size_of::<u64>()) }?;
    Ok(if got == size_of::<u64>() as ssize_t { 0 } else { -1 })
}

/// eventfd_write(3).
///
/// # Safety
/// As the C function.
pub unsafe fn eventfd_write(fd: c_int, value: u64) -> Result<c_int, Exit> {
    // SAFETY: a live word.
    let put = unsafe { write(fd, (&raw const value).cast(), size_of::<u64>()) }?;
    Ok(if put == size_of::<u64>() as ssize_t { 0 } else { -1 })
}

/// Descriptors that know no RWF_NOWAIT: the real call, if poll says that it would not block.
///
/// Of terminals and named pipes poll does not tell all: a terminal may answer at once with nothing (VMIN, a background
/// process), a pipe that has had no writer with the end, and what is writable takes `fits` bytes and may block for the rest. Such
/// a call is left to the kernel, which knows, and where signals and cancellation reach it.
fn when_polled(
    fd: c_int, events: i16, fits: usize, call: impl FnOnce() -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let is_ready = sysfd::poll_now(fd, events) != 0;
    if is_ready && fits == usize::MAX {
        return call();
    }
    let (is_pipe, is_terminal) = (sysfd::is_pipe(fd), sysfd::is_terminal(fd));
    match is_ready {
        true if is_pipe && fits > PIPE_ROOM => Err(Errno::BLOCKS),
        true if is_terminal && fits > TERMINAL_ROOM => Err(Errno::BLOCKS),
        true => call(),
        false if is_pipe || is_terminal => Err(Errno::BLOCKS),
        false => Err(Errno::AGAIN),
    }
}

/// What a writable pipe takes without blocking.
const PIPE_ROOM: usize = 4096;
/// The same of a terminal, nearly always.
const TERMINAL_ROOM: usize = 256;

/// write(2).
///
/// # Safety
/// As the C function.
pub unsafe fn write(fd: c_int, buf: *const c_void, len: usize) -> Result<ssize_t, Exit> {
    if len == 0 {
        return Err(NOTHING);
    }
    if !may_wait(fd) {
        return Err(Exit::Native);
    }
    let buf = buf.cast::<u8>().cast_mut();
    let (mut sent, mut has_tried) = (0, false);
    // SAFETY: `sent` never exceeds `len`.
    let attempt = |fd| unsafe {
        let iov = iovec { iov_base: buf.wrapping_add(sent).cast(), iov_len: len - sent };
        let is_again = core::mem::replace(&mut has_tried, true);
        sent += if is_again { write_again(fd, sent, &iov, 1) } else { write_now(fd, &iov, 1) }?;
        if sent >= len { Ok(()) } else { Err(Errno::PARTLY) }
    };
    let end = until_ready(On::write(fd, Call::Write), attempt);
    keep_progress(end, sent)
}

/// # Safety
/// `iov` points to `n` vectors of the caller's.
unsafe fn write_now(fd: c_int, iov: *const iovec, n: c_int) -> Result<usize, Errno> {
    // SAFETY: the caller's vectors.
    unsafe {
        match syscall!(libc::SYS_pwritev2, fd, iov, n, CURRENT, CURRENT, libc::RWF_NOWAIT) {
            Err(Errno(libc::EOPNOTSUPP)) => {
                let bytes = total(core::slice::from_raw_parts(iov, n as usize).iter().copied());
                when_polled(fd, libc::POLLOUT, bytes, || syscall!(libc::SYS_writev, fd, iov, n))
            }
            r => r,
        }
    }
}

/// A write that has waited, or of which `done` bytes are done: of a stream a send, since only those end in two ways. A pipe whose
/// reader goes says SIGPIPE always.
///
/// # Safety
/// `iov` points to `n` vectors of the caller's.
unsafe fn write_again(fd: c_int, done: usize, iov: *const iovec, n: c_int) -> Result<usize, Errno> {
    // SAFETY: all-zero is an empty message; the caller's vectors.
    unsafe {
        if !sysfd::is_stream(fd) {
            return write_now(fd, iov, n);
        }
        let mut part: msghdr = core::mem::zeroed();
        part.msg_iov = iov.cast_mut();
        part.msg_iovlen = n as usize;
        send_again(fd, done, &|how| syscall!(libc::SYS_sendmsg, fd, &raw const part, DONTWAIT | how))
    }
}

/// writev(2).
///
/// # Safety
/// As the C function.
pub unsafe fn writev(fd: c_int, iov: *const iovec, n: c_int) -> Result<ssize_t, Exit> {
    if n <= 0 || n > libc::UIO_MAXIOV || !may_wait(fd) {
        return Err(Exit::Native);
    }
    let Some(mut progress) = Progress::new(iov, n as usize) else { return Err(Exit::Native) };
    let mut has_tried = false;
    // SAFETY: the caller's vectors, copied to be moved on.
    unsafe {
        let attempt = |fd| {
            let rest = progress.rest();
            let (at, n) = (rest.as_ptr().cast_mut(), rest.len() as c_int);
            let is_again = core::mem::replace(&mut has_tried, true);
            let written = if is_again { write_again(fd, progress.done, at, n) } else { write_now(fd, at, n) }?;
            if progress.advance(written) { Ok(()) } else { Err(Errno::PARTLY) }
        };
        let end = until_ready(On::write(fd, Call::Write), attempt);
        keep_progress(end, progress.done)
    }
}
