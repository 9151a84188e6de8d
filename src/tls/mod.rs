//! TLS behind ordinary descriptors (`GREENLET_TLS_LISTEN`, `GREENLET_TLS_CONNECT`).
//!
//! An accepted connection of a port that is to speak TLS, or one that was made to a server that does, is taken out of the program's hands: the program gets one end of a pair
//! of local stream sockets by the connection's number, and a kernel thread of ours (`pump`) carries what is decrypted into the
//! other end, and what comes from there to the peer. So every call that a program may make on the descriptor is the kernel's own,
//! of a real socket: poll, epoll, sendfile, dup, stdio, fork, io_uring, time-outs, a child that execs. Nothing is emulated but
//! what asks for names and options (`ops::tls`).
//!
//! ```text
//!     peer ═══ wire ═══ pump ═══ near ═══ the program's descriptor
//!              TCP     rustls         a pair of sockets
//!           └─ in a table of descriptors of the pump's own ─┘
//! ```
//!
//! - The pump's descriptors are in a table of its own: they take no number from the program, no close-all loop reaches them, a
//!   forked child has none. It takes what it is handed by `pidfd_getfd`, and is woken by a signal that it reads from a descriptor.
//! - A local socket whose peer is closed with something unread says `ECONNRESET`, once, after what came before. So ends a connection
//!   that was cut, or never was one, as it does in TCP: the pump borrows the program's end, leaves a byte in its own, and closes that. Where
//!   the program has said before that it has said all, a byte has been left then (`session::mark_end`).
//! - The program's end is bound to an abstract name with both addresses of the connection in it (`name`), which whoever
//!   has the descriptor can read: a child, or a program that was started with it.
//!
//! The process that accepted carries the connection: when it ends, so do the connections that it has handed on. At its exit it
//! waits for what is still to be sent, for [`LAST_WORDS`] at most.
//!
//! Rejected: to decrypt in the thread that calls, out of what it peeks at in the socket itself. poll and epoll would have to be
//! emulated for bytes that are decrypted already, a forked child's session and its parent's would come apart, and nothing that
//! enters the kernel past the hooks would work. It saves two copies and a change of kernel thread for each message.
//! Rejected: a byte that always stays unread, in place of the borrowed end. What it lies in counts as sent and not taken: a
//! sender that waits for three quarters of its buffer waits for ever.

mod client;
pub mod connect;
mod elsewhere;
pub mod listen;
mod name;
mod pump;
pub mod session;
mod unheard;

use crate::atomic::{AtomicBool, Ordering};
use crate::errno::Errno;
use crate::ops::fd;
use crate::start;
use crate::sys::{fd as sysfd, sig, time};
use crate::syscall;
use core::ffi::c_int;

use pump::{Ends, Pump, Side};
use rustls::ClientConnection;

pub use client::Terms;
pub use elsewhere::Elsewhere;
pub use listen::{Identity, Problem};
pub use name::Names;
pub use pump::{after_fork, are_running, option};

pub fn fork_prepare() {
    pump::fork_prepare();
    listen::fork_prepare();
    connect::fork_prepare();
}

pub fn fork_done() {
    connect::fork_done();
    listen::fork_done();
    pump::fork_done();
}

/// How long a process that exits waits for its connections to take what is left.
pub const LAST_WORDS: u64 = 5 * time::SECOND;

static ON: AtomicBool = AtomicBool::new(false);

/// Whether any port is to speak TLS.
#[inline]
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Reads what the environment asks for. A process that cannot do it does not start: its ports would speak in the clear.
/// `why_not`: the reason why nothing can be done here at all.
pub fn load(why_not: Option<&str>) {
    let [listens, connects] = [listen::load(why_not), connect::load(why_not)];
    if listens || connects {
        listen::say_checked();
        ON.store(true, Ordering::Release);
        CONNECTS.store(connects, Ordering::Release);
    }
}

static CONNECTS: AtomicBool = AtomicBool::new(false);

/// Whether a server is to be talked to in TLS by a program that does not know it.
#[inline]
pub fn connects() -> bool {
    CONNECTS.load(Ordering::Relaxed)
}

/// The program is about to listen by that descriptor.
pub fn listens(fd: c_int) {
    if let Some(port) = Names::port_of_listener(fd) {
        unheard::heard(port);
    }
}

/// The program is about to say by that descriptor that it has said all.
pub fn shuts(fd: c_int) {
    if Names::read(fd).is_some() {
        // Where it cannot be marked, a connection that is cut then ends as if it were not.
        let _ = session::mark_end(fd);
    }
}

/// The process exits: says what has been of no use, and waits until what it has sent is in the kernel's hands.
pub fn exits() {
    if are_running() {
        if !start::started() {
            // What stdio holds is written when all handlers have run, and then nobody carries it. Beside other threads it stays there: one
            // may have a stream for itself, and wait.
            // SAFETY: it takes a null pointer.
            unsafe { libc::fflush(core::ptr::null_mut()) };
        }
        pump::last_words();
        // Of which libc is not to die when it tries.
        sig::set_mask(sig::mask() | sig::bit(libc::SIGPIPE));
    }
    unheard::say(listen::VARIABLE);
}

/// The program has accepted `made`, with these flags of accept4. If its port is to speak TLS the number is now that of the end of
/// the pair.
pub fn accepted(made: c_int, flags: c_int) -> Result<(), Errno> {
    if !is_on() {
        return Ok(());
    }
    let Some(names) = Names::of_connection(made) else { return Ok(()) };
    let Some(port) = listen::find(names.port()) else { return Ok(()) };
    // Where somebody else has listened for it.
    unheard::heard(names.port());
    let done = carry(made, flags, names, Side::Server(port));
    if done.is_err() {
        let _ = sysfd::close(made);
    }
    done
}

/// The descriptor of a connection that was just made is that of the end of a pair from now on; if it blocks (`flags` as of
/// accept4) the first byte there says that the handshake is done.
pub fn connected(made: c_int, flags: c_int, client: ClientConnection) -> Result<(), Errno> {
    let names = Names::of_connection(made).ok_or(Errno(libc::ENOTCONN))?;
    ON.store(true, Ordering::Release);
    let announces = flags & libc::SOCK_NONBLOCK == 0;
    carry(made, flags, names, Side::Client { tls: &mut Some(client.into()), announces })
}

/// One more port speaks TLS.
pub fn serve(identity: Identity, port: u16) {
    identity.serve(port);
    ON.store(true, Ordering::Release);
}

/// No signal comes meanwhile.
fn carry(made: c_int, flags: c_int, names: Names, side: Side) -> Result<(), Errno> {
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    let done = take_over(made, flags, names, side);
    sig::set_mask(mask);
    if start::active() {
        fd::opened(made);
    }
    done
}

fn take_over(made: c_int, flags: c_int, names: Names, side: Side) -> Result<(), Errno> {
    let mut needed = pump::first(names.serial);
    loop {
        // Without the lock: libc allocates for it, and who forks and waits for the lock may have the allocator's.
        needed.start()?;
        match hand_over(made, flags, &names, side)? {
            Some(another) => needed = another,
            None => return Ok(()),
        }
    }
}

/// Also without a fork meanwhile: a child with a copy of an end would keep it open. A pump that has to be started first is returned, and
/// then nothing has changed.
fn hand_over(made: c_int, flags: c_int, names: &Names, side: Side) -> Result<Option<&'static Pump>, Errno> {
    let mut asking = pump::lock();
    let closes = flags & libc::SOCK_CLOEXEC;
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags & libc::SOCK_NONBLOCK;
    let mut pair = [0 as c_int; 2];
    // SAFETY: the kernel writes two descriptors.
    unsafe { syscall!(libc::SYS_socketpair, libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) }?;
    let [own, near] = pair.map(Ours);
    // SAFETY: integers.
    let wire = Ours(unsafe { syscall!(libc::SYS_fcntl, made, libc::F_DUPFD_CLOEXEC, 0) }? as c_int);
    inherit_time_outs(wire.0, own.0);
    names.give_to(own.0)?;
    // Before a pump has it: one that finds at once that the connection is cut tells the program so by this number.
    // SAFETY: integers; the number is the program's, which does not know it yet.
    unsafe { syscall!(libc::SYS_dup3, own.0, made, closes) }?;
    drop(own);
    let missing = asking.attach(Ends { wire: wire.0, near: near.0, programs: made }, side, names.serial)?;
    if missing.is_some() {
        // SAFETY: integers, as above.
        unsafe { syscall!(libc::SYS_dup3, wire.0, made, closes) }?;
    }
    Ok(missing)
}

/// A descriptor that nobody else has, for as long as that takes.
struct Ours(c_int);

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = sysfd::close(self.0);
    }
}

/// TCP's accepted sockets have the listener's.
fn inherit_time_outs(from: c_int, to: c_int) {
    for name in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
        if let Ok(limit) = sysfd::sockopt::<[i64; 2]>(from, libc::SOL_SOCKET, name)
            && limit != [0, 0]
        {
            // SAFETY: a live timeval.
            let _ = unsafe { syscall!(libc::SYS_setsockopt, to, libc::SOL_SOCKET, name, limit.as_ptr(), 16usize) };
        }
    }
}
