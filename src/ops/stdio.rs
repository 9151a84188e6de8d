//! stdio input: who would find a stream's buffer empty waits for the descriptor first, parked, and then fills the buffer as
//! libc would, with one read: of the file that it began to wait for, because the number may be another's by now. libc's
//! function, which follows, finds something there; where that is not all it wants (a longer line, the rest of an `fread`) it
//! reads the number again, as it does in any case, waits inside, and rescue covers that.
//!
//! The stream's lock is not held meanwhile: a thread that wants it would block in libc, on a worker. So several threads
//! may look at one stream, and one that reads for the others must tell them: what it leaves in the buffer makes no
//! edge. Whoever comes counts itself before it looks at the buffer, whoever leaves looks at the count after the buffer
//! was filled: one of the two sees the other. (A function of libc that is not hooked, and one that is cancelled inside,
//! tell nobody. Then a second reader of the same stream wakes when the reactor verifies it, or with the next data.)
//!
//! The layout of a stream is glibc's ABI, since its macros once looked into it (`bits/types/struct_FILE.h`). The fields
//! are read without the lock: a torn view makes a thread wait, or not wait, for a moment.
//!
//! Rejected: reading ahead more than once, so that long lines park too: they would have to be taken out piece by piece, and
//! each function be written anew. Rejected: libc's own function with the stream's number changed for a moment: `fileno` and
//! other threads would see that, and a cancellation leave it so.

use super::fd;
use super::green;
use super::io;
use super::ready::{On, until_taken};
use crate::atomic::{Ordering, fence};
use crate::errno::{Errno, Exit};
use crate::park::tally::Tally;
use crate::reactor::{self, Turn};
use crate::report::Call;
use crate::sys::fd as sysfd;
use core::ffi::{c_char, c_int, c_void};
use core::mem::offset_of;
use libc::{FILE, iovec};

/// `struct _IO_FILE`, as far as it is looked at.
#[repr(C)]
struct Layout {
    flags: u32,
    read_ptr: *mut c_char,
    read_end: *mut c_char,
    read_base: *mut c_char,
    write_base: *mut c_char,
    write_ptr: *mut c_char,
    write_end: *mut c_char,
    buf_base: *mut c_char,
    buf_end: *mut c_char,
    save: [*mut c_char; 3],
    markers: *mut c_void,
    chain: *mut c_void,
    fileno: c_int,
    flags2: c_int,
    old_offset: i64,
    column: [u8; 8],
    lock: *mut c_void,
    offset: i64,
    rest: [*mut c_void; 4],
    pad: usize,
    mode: c_int,
}

const _: () = assert!(offset_of!(Layout, fileno) == 112 && offset_of!(Layout, lock) == 136);
const _: () = assert!(offset_of!(Layout, mode) == 192);

const MAGIC_MASK: u32 = 0xffff_0000;
const MAGIC: u32 = 0xfbad_0000;
const UNBUFFERED: u32 = 0x2;
const NO_READS: u32 = 0x4;
const NO_WRITES: u32 = 0x8;
/// Sticky: libc does not read again.
const AT_END: u32 = 0x10;
const FAILED: u32 = 0x20;
const LINKED: u32 = 0x80;
/// It has been written to last.
const PUTTING: u32 = 0x800;
/// Bytes were pushed back; the buffer is elsewhere for the moment.
const IN_BACKUP: u32 = 0x100;
const LINE_BUFFERED: u32 = 0x200;
const HAS_DESCRIPTOR: u32 = 0x2000;

unsafe extern "C" {
    /// The program's `stdout`, whatever it is now.
    static stdout: *mut FILE;

    fn ftrylockfile(stream: *mut FILE) -> c_int;
    fn funlockfile(stream: *mut FILE);
    /// Gives a stream its buffer, as libc does before it reads for the first time.
    fn _IO_doallocbuf(stream: *mut FILE);
}

/// Threads that wait for input, by stream.
static COMERS: Tally = Tally::new();

/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    COMERS.reset();
}

/// # Safety
/// `stream` is one of libc's, open.
#[inline]
unsafe fn layout(stream: *mut FILE) -> *const Layout {
    stream.cast()
}

/// Whether nothing is left of what has been read.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
#[inline]
pub unsafe fn is_empty(stream: *mut FILE) -> bool {
    // SAFETY: the caller's promise; other threads may write the fields.
    unsafe {
        let f = layout(stream);
        !stream.is_null() && (&raw const (*f).read_ptr).read_volatile() >= (&raw const (*f).read_end).read_volatile()
    }
}

/// Whether the next thing that libc does for input from this stream is a read of its descriptor. Where it would first
/// write something (this stream's own output, or what is pending on a line-buffered `stdout`), waiting before that
/// could wait for ever for the answer to it.
///
/// # Safety
/// `stream` is a stream of libc's, open.
unsafe fn reads_next(stream: *mut FILE) -> bool {
    // SAFETY: the caller's promise, and libc's own stdout.
    unsafe {
        let f = layout(stream);
        let flags = (*f).flags;
        let in_order = flags & MAGIC_MASK == MAGIC
            && flags & (NO_READS | AT_END | IN_BACKUP | HAS_DESCRIPTOR) == HAS_DESCRIPTOR
            && (*f).fileno >= 0
            && (*f).mode <= 0;
        // A terminal's stream becomes line-buffered when it gets its buffer.
        let flushes = flags & (LINE_BUFFERED | UNBUFFERED) != 0 || (*f).buf_base.is_null();
        in_order && (*f).write_ptr <= (*f).write_base && !(flushes && has_pending_line(stdout))
    }
}

/// # Safety
/// `stream` is null or a stream of libc's, open.
unsafe fn has_pending_line(stream: *mut FILE) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let f = layout(stream);
        !stream.is_null()
            && (*f).flags & (LINKED | NO_WRITES | LINE_BUFFERED) == LINKED | LINE_BUFFERED
            && (*f).write_ptr > (*f).write_base
    }
}

/// Waits until input from the stream would not wait. The hook then makes the real call, and [`filled`] follows.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
#[inline]
pub unsafe fn wait_for_input(stream: *mut FILE) -> Result<Option<Turn>, Exit> {
    // SAFETY: the caller's promise.
    unsafe {
        if !is_empty(stream) || green().is_none() || !reads_next(stream) {
            return Ok(None);
        }
        wait_until_readable(stream)
    }
}

/// # Safety
/// `stream` is a stream of libc's, open.
#[inline(never)]
unsafe fn wait_until_readable(stream: *mut FILE) -> Result<Option<Turn>, Exit> {
    // SAFETY: the caller's promise.
    let fd = unsafe { (*layout(stream)).fileno };
    // SAFETY: a stream that is closed while a thread reads it is the program's error.
    let look = || unsafe { !is_empty(stream) } || sysfd::poll_now(fd, libc::POLLIN) != 0;
    // What the descriptor is is asked only where it matters. Of the others poll does not tell all (see `io::when_polled`),
    // or libc reads in a way of its own.
    if !reactor::is_pollable(fd) || look() || !(sysfd::is_unnamed_pipe(fd) || sysfd::is_stream(fd)) {
        return Ok(None);
    }
    // SAFETY: as above.
    unsafe { give_buffer(stream) };
    COMERS.of(stream).fetch_add(1, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    // SAFETY: as above.
    let seen = until_taken(On::read(fd, Call::Read), look, |at| unsafe { fill(stream, fd, at) });
    COMERS.of(stream).fetch_sub(1, Ordering::SeqCst);
    match seen {
        Err(Exit::Native | Exit::Offloaded) => Ok(None),
        // A non-blocking description, or one whose stream another thread has: libc's read says so.
        Err(Exit::Errno(libc::EAGAIN)) if sysfd::status_flags(fd).is_ok_and(|flags| flags & libc::O_NONBLOCK != 0) => {
            Ok(None)
        }
        Err(Exit::Errno(e)) => {
            // What libc makes of a read that fails, be it because the socket's time-out has passed: libc's own would wait for it again.
            // SAFETY: as above.
            unsafe { (*stream.cast::<Layout>()).flags |= FAILED };
            Err(Exit::Errno(e))
        }
        Err(Exit::Cancelled) => Err(Exit::Cancelled),
        Ok(turn) => Ok(turn),
    }
}

/// Gives a stream the buffer that it is to be filled in, as libc does before it reads: it asks what the number is for that.
///
/// # Safety
/// `stream` is a stream of libc's, open.
unsafe fn give_buffer(stream: *mut FILE) {
    // SAFETY: the caller's promise; the buffer is given under the stream's lock.
    unsafe {
        let has_none = || (*layout(stream)).buf_base.is_null();
        if has_none() && ftrylockfile(stream) == 0 {
            if has_none() {
                _IO_doallocbuf(stream);
            }
            funlockfile(stream);
        }
    }
}

/// Fills the buffer of a stream on `fd` with what is there at `at`, unless that has become needless. `EAGAIN` where nothing is
/// there; where another thread has the stream libc's function is to wait for it.
///
/// # Safety
/// `stream` is a stream of libc's, open.
unsafe fn fill(stream: *mut FILE, fd: c_int, at: c_int) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe {
        if ftrylockfile(stream) != 0 {
            return Err(Errno::BLOCKS);
        }
        let filled = fill_locked(stream, fd, at);
        funlockfile(stream);
        filled
    }
}

/// # Safety
/// As [`fill`], with the stream's lock.
unsafe fn fill_locked(stream: *mut FILE, fd: c_int, at: c_int) -> Result<(), Errno> {
    const UNKNOWN: i64 = -1;
    let f = stream.cast::<Layout>();
    // SAFETY: the caller's promise; between its ends the buffer is the stream's to fill.
    unsafe {
        if !is_empty(stream) || !reads_next(stream) || (*f).fileno != fd || (*f).buf_base.is_null() {
            return Ok(());
        }
        let base = (*f).buf_base;
        let room = (*f).buf_end.offset_from_unsigned(base);
        let iov = iovec { iov_base: base.cast(), iov_len: room };
        let got = io::read_now(at, &iov, 1, room)?;
        (*f).flags &= !PUTTING;
        ((*f).read_base, (*f).read_ptr, (*f).read_end) = (base, base, base.add(got));
        ((*f).write_base, (*f).write_ptr, (*f).write_end) = (base, base, base);
        if got == 0 {
            (*f).flags |= AT_END;
            (*f).offset = UNKNOWN;
        } else if (*f).offset != UNKNOWN {
            (*f).offset += got as i64;
        }
    }
    Ok(())
}

/// The real call is done, and may have left something in the buffer for others that wait.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
#[inline]
pub unsafe fn filled(stream: *mut FILE, turn: Option<Turn>) {
    if let Some(turn) = turn {
        turn.pass();
        return;
    }
    fence(Ordering::SeqCst);
    // SAFETY: the caller's promise.
    unsafe {
        if COMERS.of(stream).load(Ordering::SeqCst) != 0 && !is_empty(stream) {
            reactor::pass_turn((*layout(stream)).fileno);
        }
    }
}

/// The descriptor of a stream, if it has one.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
unsafe fn descriptor(stream: *mut FILE) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let f = layout(stream);
        (!stream.is_null() && (*f).flags & HAS_DESCRIPTOR != 0 && (*f).fileno >= 0).then(|| (*f).fileno)
    }
}

/// The stream's descriptor is about to be closed inside libc.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
pub unsafe fn closing(stream: *mut FILE) -> Option<fd::Closing> {
    // SAFETY: the caller's promise.
    unsafe { descriptor(stream) }.map(fd::closing)
}

/// The stream has been opened, on a number made anew.
///
/// # Safety
/// `stream` is null or a stream of libc's, open.
pub unsafe fn opened(stream: *mut FILE) {
    // SAFETY: the caller's promise.
    if let Some(fd) = unsafe { descriptor(stream) } {
        fd::opened(fd);
    }
}

/// pclose(3): libc closes the number and then waits for the child.
///
/// # Safety
/// As the C function.
pub unsafe fn pclose(stream: *mut FILE) -> Result<c_int, Exit> {
    // libc closes the number first and then waits for the child, while another thread may be given the number: its life
    // ends now.
    // SAFETY: the caller's stream.
    if let Some(closing) = unsafe { closing(stream) } {
        closing.done();
    }
    Err(Exit::Offloaded)
}
