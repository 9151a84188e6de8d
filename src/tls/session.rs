//! One connection: the peer's socket, the program's pair, and rustls between them.
//!
//! Both sockets are looked at again whenever either has changed; whatever can be moved is, until nothing can, so that edges are
//! enough. Each direction waits for its own taker: what the program does not take is left in the peer's socket, what the peer does not
//! take in the program's.
//!
//! | the peer | the program sees | | the program | the peer sees |
//! |---|---|---|---|---|
//! | close_notify | the end | | shutdown, close, exit | close_notify, then the end |
//! | the end without it, an error, a wrong record, no handshake in time | what came before, then `ECONNRESET` | | | the alert, if one is due |

use crate::config;
use crate::errno::Errno;
use crate::sys::fd::{Fd, close, poll_now, sockopt};
use crate::syscall;
use rustls::Connection;
use std::io::{self, ErrorKind, Read, Write};

/// How many times as long as for a handshake a peer may take nothing, when the program has gone.
const PATIENCE: u64 = 4;
/// Rounds before the others have their turn.
const ROUNDS: usize = 32;
/// A record's worth of plaintext, and how much of the program's is taken at once.
pub const SCRATCH: usize = 64 * 1024;

#[derive(PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing can be moved.
    Waits,
    /// Others first.
    HasMore,
    Over,
}

pub struct Session {
    wire: Fd,
    near: Fd,
    tls: Connection,
    /// Decrypted, and not taken by the program's socket yet.
    inward: Vec<u8>,
    /// The peer said that it has said all, and the program was told.
    peer_ended: bool,
    /// The program said so, the peer is to be told, and has been.
    program_ended: bool,
    peer_told: bool,
    /// The program takes nothing any more; the peer does not. What that one has sent before is still to be read.
    deaf: bool,
    mute: bool,
    /// There is no peer any more: what is left goes to the program, and then it is told.
    cut: bool,
    /// Nobody has the program's end any more.
    is_left: bool,
    /// Something has been left unread since the program has said all ([`mark_end`]).
    is_marked: bool,
    lingers: bool,
    /// The program waits for a byte that says that the handshake is done.
    announces: bool,
}

/// The peer's socket as rustls wants it.
struct Wire(Fd);

impl From<Errno> for io::Error {
    fn from(e: Errno) -> io::Error {
        io::Error::from_raw_os_error(e.0)
    }
}

const NO_WAIT: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

fn receive(fd: Fd, into: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most the slice's length.
    unsafe { syscall!(libc::SYS_recvfrom, fd, into.as_mut_ptr(), into.len(), NO_WAIT, 0usize, 0usize) }
}

/// The same from the program, and whether the last byte is a mark.
fn receive_program(fd: Fd, into: &mut [u8]) -> Result<(usize, bool), Errno> {
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: all zeros is a valid value.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    // SAFETY: a live message; the kernel writes at most the slice's length.
    let n = unsafe { syscall!(libc::SYS_recvmsg, fd, &raw mut message, NO_WAIT) }?;
    Ok((n, message.msg_flags & libc::MSG_CTRUNC != 0))
}

/// The program is about to say that it has said all, by this end of a pair, and may go on to listen. If the connection is cut then, it can
/// only be told so by what is unread on the other side, and it cannot send that any more: two bytes go ahead, the first with a
/// descriptor, by which the pump knows it; the second stays where it is until all has ended well.
pub fn mark_end(programs: Fd) -> Result<(), Errno> {
    // SAFETY: integers.
    let sign = unsafe { syscall!(libc::SYS_eventfd2, 0, libc::O_CLOEXEC) }? as Fd;
    let sent = send_with(programs, sign).or_else(|_| {
        make_room(programs)?;
        send_with(programs, sign)
    });
    let _ = close(sign);
    sent?;
    send(programs, &[0]).map(|_| ())
}

/// A byte with a descriptor.
fn send_with(fd: Fd, sign: Fd) -> Result<usize, Errno> {
    #[repr(C)]
    struct Control {
        header: libc::cmsghdr,
        sign: Fd,
    }
    let header = libc::cmsghdr { cmsg_len: 20, cmsg_level: libc::SOL_SOCKET, cmsg_type: libc::SCM_RIGHTS };
    let mut control = Control { header, sign };
    let mut byte = 0u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all zeros is a valid value.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    (message.msg_control, message.msg_controllen) = ((&raw mut control).cast(), size_of::<Control>());
    // SAFETY: a live message.
    unsafe { syscall!(libc::SYS_sendmsg, fd, &raw const message, NO_WAIT) }
}

/// More may wait in the socket than does. What is set is doubled.
fn make_room(fd: Fd) -> Result<(), Errno> {
    let size = sockopt::<i32>(fd, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
    // SAFETY: a live integer.
    unsafe { syscall!(libc::SYS_setsockopt, fd, libc::SOL_SOCKET, libc::SO_SNDBUF, &raw const size, 4) }.map(|_| ())
}

fn send(fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel reads the slice.
    unsafe { syscall!(libc::SYS_sendto, fd, bytes.as_ptr(), bytes.len(), NO_WAIT, 0usize, 0usize) }
}

fn shut(fd: Fd) {
    // SAFETY: integers.
    let _ = unsafe { syscall!(libc::SYS_shutdown, fd, libc::SHUT_WR) };
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(receive(self.0, into)?)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_marked && !self.cut {
            let _ = receive(self.near, &mut [0]);
        }
        let _ = close(self.wire);
        let _ = close(self.near);
    }
}

impl Session {
    /// Takes both descriptors.
    pub fn new(wire: Fd, near: Fd, mut tls: Connection, announces: bool) -> Session {
        // It is given more only when all has gone, and is to take all then.
        tls.set_buffer_limit(None);
        let session = Session {
            wire,
            near,
            announces,
            tls,
            inward: Vec::new(),
            peer_ended: false,
            program_ended: false,
            peer_told: false,
            deaf: false,
            mute: false,
            cut: false,
            is_left: false,
            is_marked: false,
            lingers: false,
        };
        // A record is sent whole, and what follows does not wait for its receipt.
        session.set_wire(libc::TCP_NODELAY, 1);
        session
    }

    pub fn wire(&self) -> Fd {
        self.wire
    }

    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking() && !self.cut
    }

    /// Whether the peer has been told the end, or there is none to tell.
    pub fn is_peer_told(&self) -> bool {
        self.peer_told || self.cut
    }

    /// Whether nobody is there any more on this side, which was not so before, and only the peer's end is waited for.
    pub fn begins_to_linger(&mut self) -> bool {
        let before = self.lingers;
        self.lingers |= self.peer_told && self.is_left();
        self.lingers && !before
    }

    /// What is still to be sent is nobody's then: a peer that takes nothing of it may not keep it for ever. TCP has such a limit for sockets that
    /// are closed, which this one is not.
    fn is_left(&mut self) -> bool {
        if !self.is_left && poll_now(self.near, 0) & libc::POLLHUP != 0 {
            self.is_left = true;
            self.set_wire(libc::TCP_USER_TIMEOUT, (PATIENCE * config::get().tls_timeout / 1_000_000) as i32);
        }
        self.is_left
    }

    fn set_wire(&self, name: i32, value: i32) {
        // SAFETY: a live integer.
        let _ = unsafe { syscall!(libc::SYS_setsockopt, self.wire, libc::IPPROTO_TCP, name, &raw const value, 4) };
    }

    /// The connection ends as one that was cut.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// The program, whose end is borrowed for that, is to hear of it when this end is closed: something is unread here then.
    pub fn tell_cut(programs: Fd) {
        // Where it cannot be sent there is something already.
        let _ = send(programs, &[0]);
    }

    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether that is known to the program when this end is closed.
    pub fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// Moves what can be moved. `is_last`: what the program has not said yet it will not say.
    pub fn go_on(&mut self, scratch: &mut [u8], is_last: bool) -> State {
        for _ in 0..ROUNDS {
            match self.round(scratch, is_last) {
                Ok(true) => {}
                Ok(false) => {
                    if self.tls.wants_write() {
                        self.is_left();
                    }
                    return State::Waits;
                }
                Err(Over) => return State::Over,
            }
        }
        State::HasMore
    }

    /// Whether anything has moved.
    fn round(&mut self, scratch: &mut [u8], is_last: bool) -> Result<bool, Over> {
        if self.cut {
            return self.hand_over_the_rest(scratch);
        }
        let mut moved = self.write_wire();
        if self.announces && !self.tls.is_handshaking() {
            self.announces = false;
            self.inward.push(0);
        }
        moved |= self.feed_program(scratch) || self.read_wire();
        if !self.tls.is_handshaking() && !self.tls.wants_write() && !self.program_ended && !self.mute {
            moved |= self.read_program(scratch, is_last);
        }
        if self.program_ended && (self.mute || !self.tls.wants_write()) && !self.peer_told {
            shut(self.wire);
            self.peer_told = true;
        }
        if self.peer_told && self.peer_ended {
            return Err(Over);
        }
        if self.mute && self.peer_ended {
            self.cut = true;
            moved = true;
        }
        Ok(moved)
    }

    fn hand_over_the_rest(&mut self, scratch: &mut [u8]) -> Result<bool, Over> {
        let moved = self.deliver();
        if self.deaf {
            return Err(Over);
        }
        if !self.inward.is_empty() {
            return Ok(moved);
        }
        match self.tls.reader().read(scratch) {
            Ok(n @ 1..) => {
                self.inward.extend_from_slice(&scratch[..n]);
                Ok(true)
            }
            _ => Err(Over),
        }
    }

    /// Encrypted, to the peer.
    fn write_wire(&mut self) -> bool {
        let mut moved = false;
        while self.tls.wants_write() && !self.mute {
            match self.tls.write_tls(&mut Wire(self.wire)) {
                Ok(_) => moved = true,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.mute = true;
                    moved = true;
                }
            }
        }
        moved
    }

    /// What waits for the program's socket.
    fn deliver(&mut self) -> bool {
        if self.inward.is_empty() || self.deaf {
            self.inward.clear();
            return false;
        }
        match send(self.near, &self.inward) {
            Ok(n) if n == self.inward.len() => {
                self.inward = Vec::new();
                true
            }
            Ok(n) => {
                self.inward.drain(..n);
                true
            }
            Err(Errno::AGAIN) => false,
            Err(_) => {
                self.deaf = true;
                true
            }
        }
    }

    /// Decrypted, to the program.
    fn feed_program(&mut self, scratch: &mut [u8]) -> bool {
        let moved = self.deliver();
        if !self.inward.is_empty() || self.peer_ended {
            return moved;
        }
        match self.tls.reader().read(scratch) {
            Ok(0) => {
                shut(self.near);
                self.peer_ended = true;
                true
            }
            Ok(n) => {
                let taken = if self.deaf { Ok(n) } else { send(self.near, &scratch[..n]) };
                match taken {
                    Ok(taken) => self.inward.extend_from_slice(&scratch[taken..n]),
                    Err(Errno::AGAIN) => self.inward.extend_from_slice(&scratch[..n]),
                    Err(_) => self.deaf = true,
                }
                true
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => moved,
            // The peer's socket has ended, and TLS has not.
            Err(_) => {
                self.cut = true;
                true
            }
        }
    }

    /// Encrypted, from the peer; only when what came before has gone.
    fn read_wire(&mut self) -> bool {
        if !self.inward.is_empty() || self.peer_ended || !self.tls.wants_read() {
            return false;
        }
        match self.tls.read_tls(&mut Wire(self.wire)) {
            Ok(n) => {
                if self.tls.process_new_packets().is_err() || n == 0 && self.tls.is_handshaking() {
                    // The peer is told why, as far as its socket takes it.
                    self.write_wire();
                    self.cut = true;
                }
                true
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => false,
            Err(_) => {
                self.cut = true;
                true
            }
        }
    }

    /// What the program has said, to be encrypted.
    fn read_program(&mut self, scratch: &mut [u8], is_last: bool) -> bool {
        match receive_program(self.near, scratch) {
            Ok((n @ 1.., is_marked)) => {
                let said = n - usize::from(is_marked);
                self.cut |= self.tls.writer().write_all(&scratch[..said]).is_err();
                if is_marked {
                    self.is_marked = true;
                    self.end_program();
                }
                true
            }
            Err(Errno::AGAIN) if !is_last => false,
            // Also ECONNRESET: it has closed with something unread.
            _ => {
                self.end_program();
                true
            }
        }
    }

    fn end_program(&mut self) {
        self.tls.send_close_notify();
        self.program_ended = true;
    }
}

/// There is nothing left to do.
struct Over;
