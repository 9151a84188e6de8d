//! The pumps: kernel threads that carry what is encrypted.
//!
//! One for each worker that there may be, made when first needed, and more where `ulimit -n` is small; a connection stays with the one
//! that took it.
//! A pump has a table of descriptors of its own and waits in its own epoll set for all its connections, by edges. It runs no code
//! of the program's, and all signals are blocked in it but setxid's. To the engine it is a foreign thread.
//!
//! A thread of the program asks one question at a time, with the lock of all pumps held (a fork waits for that), and waits for
//! the answer. A pump looks for a question after each connection that it has looked at, so that none waits longer than a
//! handshake's arithmetic takes. It is woken by a signal that no program can send (libc's for cancellation, to this one thread), read
//! by signalfd: that takes no descriptor in the program's table. No pump is started with the lock held: libc allocates for a
//! thread, and an allocator that takes its own locks for a fork has them while our handler waits for this one.

use super::listen::{self, Served};
use super::name::Names;
use super::session::{SCRATCH, Session, State};
use crate::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::config;
use crate::errno::Errno;
use crate::sched;
use crate::sys::fd::{self as sysfd, Fd};
use crate::sys::lock::{Guard, Lock};
use crate::sys::{self, futex, sig, time, vm};
use crate::syscall;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use rustls::{Connection, ServerConfig, ServerConnection};
use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

const MOST: usize = sched::MOST_HELPERS;
/// Enough for the arithmetic of a handshake.
const STACK: usize = 512 * 1024;
/// How long a peer that was told the end may take to say its own.
const LINGER: u64 = 2 * time::SECOND;
const EVENTS: usize = 64;
/// What wakes a pump, and the event that says so.
const WAKER: c_int = sig::CANCEL;
const WOKEN: u64 = u64::MAX;

/// linux/close_range.h
const CLOSE_RANGE_UNSHARE: u32 = 2;
/// linux/pidfd.h, since Linux 6.9.
const PIDFD_THREAD: c_int = libc::O_EXCL;

pub struct Pump {
    /// 0, or [`STARTS`], before it runs.
    tid: AtomicU32,
    question: AtomicPtr<Question>,
}

const STARTS: u32 = u32::MAX;

static PUMPS: [Pump; MOST] = [const { Pump { tid: AtomicU32::new(0), question: AtomicPtr::new(null_mut()) } }; MOST];

/// Who may ask. Whether any pump has been started in this process.
static ASKING: Lock<bool> = Lock::new(false);

/// Which side this is of a connection.
#[derive(Clone, Copy)]
pub enum Side {
    /// The server's: the port's place.
    Server(usize),
    /// The client's, as it is to be taken.
    Client { tls: *mut Option<Connection>, announces: bool },
}

/// A connection, one end of a pair and the number at which the program has the other, in the caller's table.
#[derive(Clone, Copy)]
pub struct Ends {
    pub wire: Fd,
    pub near: Fd,
    pub programs: Fd,
}

#[derive(Clone, Copy)]
enum What {
    Attach {
        ends: Ends,
        side: Side,
    },
    /// setsockopt or getsockopt of the connection.
    Option {
        sets: bool,
        level: c_int,
        name: c_int,
        value: *mut c_void,
        len: *mut u32,
    },
    /// Answered when all that the program has said is on its way, or then.
    LastWords(u64),
}

struct Question {
    what: What,
    serial: u64,
    caller: u32,
    /// [`OPEN`], or the answer.
    answer: AtomicU32,
}

const OPEN: u32 = u32::MAX;

/// The right to ask.
pub struct Asking(Guard<'static, bool>);

pub fn lock() -> Asking {
    Asking(ASKING.lock())
}

pub fn fork_prepare() {
    ASKING.hold();
}

pub fn fork_done() {
    ASKING.let_go();
}

/// # Safety
/// The caller is the only thread of a forked child, which has no pumps.
pub unsafe fn after_fork() {
    for pump in &PUMPS {
        pump.tid.store(0, Ordering::Relaxed);
        pump.question.store(null_mut(), Ordering::Relaxed);
    }
    *ASKING.lock() = false;
    sched::forget_helpers();
    listen::after_fork();
}

/// Which pump is to have a connection, if its table has room: they take turns.
pub fn first(serial: u64) -> &'static Pump {
    &PUMPS[place_of(serial)]
}

fn place_of(serial: u64) -> usize {
    serial as u32 as usize % config::get().workers.min(MOST)
}

/// All of them, beginning with that one.
fn in_turn(serial: u64) -> impl Iterator<Item = &'static Pump> {
    let (before, from) = PUMPS.split_at(place_of(serial));
    from.iter().chain(before)
}

impl Asking {
    /// Hands the connection over: its two descriptors may be closed now. When a pump's table is full, which has two descriptors for
    /// each, the next is asked. Returns one that would have to be started first.
    pub fn attach(&mut self, ends: Ends, side: Side, serial: u64) -> Result<Option<&'static Pump>, Errno> {
        *self.0 = true;
        for pump in in_turn(serial) {
            if !pump.is_running() {
                return Ok(Some(pump));
            }
            match self.ask(pump, serial, What::Attach { ends, side }) {
                Err(Errno(libc::EMFILE)) => {}
                done => return done.map(|()| None),
            }
        }
        Err(Errno(libc::EMFILE))
    }

    fn ask(&self, pump: &Pump, serial: u64, what: What) -> Result<(), Errno> {
        let question = Question { what, serial, caller: sys::gettid(), answer: AtomicU32::new(OPEN) };
        pump.question.store((&raw const question).cast_mut(), Ordering::Release);
        // One that nobody is told of must not stay.
        if let Err(e) = pump.wake()
            && !pump.question.swap(null_mut(), Ordering::AcqRel).is_null()
        {
            return Err(e);
        }
        loop {
            match question.answer.load(Ordering::Acquire) {
                OPEN => futex::wait(&question.answer, OPEN),
                0 => return Ok(()),
                errno => return Err(Errno(errno as i32)),
            }
        }
    }
}

/// Whether a pump could take what it is handed. Containers may forbid it, and Linux before 5.9 has not all that it needs.
pub fn is_possible() -> Result<(), Errno> {
    // SAFETY: integers; the range is beyond all descriptors.
    unsafe {
        syscall!(libc::SYS_close_range, u32::MAX, u32::MAX, 0)?;
        let own = syscall!(libc::SYS_pidfd_open, sys::getpid(), 0)? as Fd;
        let copy = syscall!(libc::SYS_pidfd_getfd, own, own, 0);
        let _ = sysfd::close(own);
        sysfd::close(copy? as Fd)
    }
}

/// Whether the process has any.
pub fn are_running() -> bool {
    PUMPS.iter().any(Pump::is_running)
}

/// setsockopt or getsockopt of the connection behind `names`, which another process may have; then it is not there to be asked, and what
/// is set has no effect.
///
/// # Safety
/// As the C function.
pub unsafe fn option(
    names: &Names, sets: bool, level: c_int, name: c_int, value: *mut c_void, len: *mut u32,
) -> Result<(), Errno> {
    let mut done = Err(Errno(libc::ENOTCONN));
    if names.process == sys::getpid() {
        let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
        let asking = lock();
        for pump in in_turn(names.serial).filter(|pump| *asking.0 && pump.is_running()) {
            done = asking.ask(pump, names.serial, What::Option { sets, level, name, value, len });
            if done != Err(Errno(libc::ENOTCONN)) {
                break;
            }
        }
        drop(asking);
        sig::set_mask(mask);
    }
    if sets && done == Err(Errno(libc::ENOTCONN)) { Ok(()) } else { done }
}

/// The process exits: waits until what it has sent is in the kernel's hands.
pub fn last_words() {
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    let asking = lock();
    if *asking.0 {
        let until = time::after(super::LAST_WORDS);
        for pump in PUMPS.iter().filter(|pump| pump.is_running()) {
            let _ = asking.ask(pump, 0, What::LastWords(until));
        }
    }
    drop(asking);
    sig::set_mask(mask);
}

impl Pump {
    fn is_running(&self) -> bool {
        !matches!(self.tid.load(Ordering::Acquire), 0 | STARTS)
    }

    /// Sees that it runs.
    pub fn start(&'static self) -> Result<(), Errno> {
        while !self.is_running() {
            match self.tid.compare_exchange(0, STARTS, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => self.spawn()?,
                Err(_) => futex::wait(&self.tid, STARTS),
            }
        }
        Ok(())
    }

    fn spawn(&'static self) -> Result<(), Errno> {
        let it: *const Pump = self;
        // SAFETY: pumps live for ever, and this is what their threads are given.
        if unsafe { sched::spawn_kernel_thread(main, it.cast_mut().cast(), STACK) } {
            return Ok(());
        }
        self.say_started(0);
        Err(Errno(libc::ENOMEM))
    }

    fn say_started(&self, tid: u32) {
        self.tid.store(tid, Ordering::Release);
        futex::wake(&self.tid, u32::MAX >> 1);
    }

    /// EAGAIN: the user's processes have as many signals queued as they may. A thread that blocks the signal has it noted, whatever
    /// the program would do with it.
    fn wake(&self) -> Result<(), Errno> {
        sig::tgkill(self.tid.load(Ordering::Relaxed), WAKER)
    }

    /// The caller's question, if there is one.
    fn take(&self) -> Option<&Question> {
        let question = self.question.swap(null_mut(), Ordering::Acquire);
        // SAFETY: whoever asks keeps the question until it is answered.
        unsafe { question.as_ref() }
    }
}

impl Question {
    /// Nothing of it may be used after that.
    fn answer(&self, done: Result<(), Errno>) {
        let answer: *const AtomicU32 = &self.answer;
        self.answer.store(done.map_or_else(|e| e.0 as u32, |()| 0), Ordering::Release);
        futex::wake(answer, 1);
    }
}

unsafe extern "C-unwind" fn main(pump: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes one that lives for ever.
    let pump: &'static Pump = unsafe { &*pump.cast::<Pump>() };
    // libc has unblocked the waker.
    sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    vm::hide_own_stack(STACK);
    // SAFETY: integers. From here on the table is this thread's own, and empty.
    let own = unsafe { syscall!(libc::SYS_close_range, 0, u32::MAX, CLOSE_RANGE_UNSHARE) };
    let carrier = own.map(|_| ()).and_then(|()| Carrier::new(pump));
    sched::become_helper();
    pump.say_started(sys::gettid());
    match carrier {
        Ok(carrier) => carrier.run(),
        // Whoever asks is told so, each time.
        Err(e) => loop {
            let _ = sig::take_within(sig::bit(WAKER), u64::MAX >> 1);
            if let Some(question) = pump.take() {
                question.answer(Err(e));
            }
        },
    }
}

/// What a pump has to itself.
struct Carrier {
    pump: &'static Pump,
    events: Fd,
    wakes: Fd,
    process: Fd,
    served: BTreeMap<usize, Served>,
    /// And the number that the program was given for it.
    sessions: BTreeMap<u64, (Session, Fd)>,
    /// Those with more to do than their turn allowed.
    busy: VecDeque<u64>,
    /// By when handshakes are to be done, and peers to have said the end; each in order.
    handshakes: VecDeque<(u64, u64)>,
    lingering: VecDeque<(u64, u64)>,
    /// Who waits for the last words, and until when.
    last: Option<(*const Question, u64)>,
    scratch: Box<[u8]>,
}

impl Carrier {
    fn new(pump: &'static Pump) -> Result<Carrier, Errno> {
        let mask: sig::Mask = sig::bit(WAKER);
        // SAFETY: integers and a live mask of the kernel's size.
        let [events, wakes, process] = unsafe {
            [
                syscall!(libc::SYS_epoll_create1, libc::EPOLL_CLOEXEC)?,
                syscall!(
                    libc::SYS_signalfd4,
                    -1isize,
                    &raw const mask,
                    8usize,
                    libc::SFD_NONBLOCK | libc::SFD_CLOEXEC
                )?,
                syscall!(libc::SYS_pidfd_open, sys::getpid(), 0)?,
            ]
            .map(|fd| fd as Fd)
        };
        watch(events, wakes, libc::EPOLLIN as u32, WOKEN)?;
        Ok(Carrier {
            pump,
            events,
            wakes,
            process,
            served: BTreeMap::new(),
            sessions: BTreeMap::new(),
            busy: VecDeque::new(),
            handshakes: VecDeque::new(),
            lingering: VecDeque::new(),
            last: None,
            scratch: vec![0; SCRATCH].into_boxed_slice(),
        })
    }

    fn run(mut self) -> ! {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        loop {
            let found = self.wait(&mut events);
            for event in &events[..found] {
                match event.u64 {
                    WOKEN => self.woken(),
                    serial => self.go_on(serial),
                }
                self.answer();
            }
            for _ in 0..self.busy.len() {
                if let Some(serial) = self.busy.pop_front() {
                    self.go_on(serial);
                    self.answer();
                }
            }
            self.look_at_deadlines();
            self.look_at_last_words();
        }
    }

    fn wait(&self, events: &mut [libc::epoll_event; EVENTS]) -> usize {
        let first = |list: &VecDeque<(u64, u64)>| list.front().map_or(u64::MAX, |(at, _)| *at);
        let last = self.last.map_or(u64::MAX, |(_, at)| at);
        let next = first(&self.handshakes).min(first(&self.lingering)).min(last);
        let wait = match next {
            _ if !self.busy.is_empty() => 0,
            u64::MAX => -1,
            at => (at.saturating_sub(time::now()) / 1_000_000 + 1).min(i32::MAX as u64) as i32,
        };
        // SAFETY: the kernel writes at most so many events.
        unsafe { syscall!(libc::SYS_epoll_wait, self.events, events.as_mut_ptr(), EVENTS, wait) }.unwrap_or(0)
    }

    fn woken(&self) {
        let mut info = [0u8; 128];
        // SAFETY: the size of a signalfd_siginfo; one at a time.
        while unsafe { syscall!(libc::SYS_read, self.wakes, info.as_mut_ptr(), info.len()) }.is_ok() {}
    }

    fn answer(&mut self) {
        let Some(question) = self.pump.take() else { return };
        match question.what {
            What::Attach { ends, side } => {
                let serial = question.serial;
                let done = self.attach(question, ends, side);
                question.answer(done);
                self.go_on(serial);
            }
            What::Option { sets, level, name, value, len } => {
                let done = match self.sessions.get(&question.serial) {
                    None => Err(Errno(libc::ENOTCONN)),
                    // SAFETY: the arguments of whoever asks.
                    Some((session, _)) => unsafe {
                        if sets {
                            syscall!(libc::SYS_setsockopt, session.wire(), level, name, value, *len)
                        } else {
                            syscall!(libc::SYS_getsockopt, session.wire(), level, name, value, len)
                        }
                    }
                    .map(|_| ()),
                };
                question.answer(done);
            }
            What::LastWords(until) => {
                self.last = Some((question, until));
                for serial in self.sessions.keys() {
                    self.busy.push_back(*serial);
                }
            }
        }
    }

    fn attach(&mut self, question: &Question, ends: Ends, side: Side) -> Result<(), Errno> {
        let config = match side {
            Side::Server(port) => Some(self.config(port)?),
            Side::Client { .. } => None,
        };
        let wire = self.fetch(question.caller, ends.wire)?;
        let near = self.fetch(question.caller, ends.near).inspect_err(|_| {
            let _ = sysfd::close(wire);
        })?;
        let tls = match (side, config) {
            (Side::Server(_), Some(config)) => ServerConnection::new(config).ok().map(Connection::from),
            // SAFETY: whoever asks keeps it until it is answered.
            (Side::Client { tls, .. }, _) => unsafe { (*tls).take() },
            _ => None,
        };
        let Some(tls) = tls else {
            let _ = (sysfd::close(wire), sysfd::close(near));
            return Err(Errno(libc::ENOMEM));
        };
        let announces = matches!(side, Side::Client { announces: true, .. });
        let session = Session::new(wire, near, tls, announces);
        let edges = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32;
        watch(self.events, wire, edges, question.serial)?;
        watch(self.events, near, edges, question.serial)?;
        self.sessions.insert(question.serial, (session, ends.programs));
        self.handshakes.push_back((time::after(config::get().tls_timeout), question.serial));
        Ok(())
    }

    fn config(&mut self, port: usize) -> Result<Arc<ServerConfig>, Errno> {
        let served = match self.served.entry(port) {
            Entry::Occupied(place) => place.into_mut(),
            Entry::Vacant(place) => place.insert(Served::new(port)?),
        };
        Ok(served.config())
    }

    /// A descriptor of the caller's table: the process's, unless it has one of its own or main has ended.
    fn fetch(&self, caller: u32, fd: Fd) -> Result<Fd, Errno> {
        // SAFETY: integers.
        let get = |from: Fd| unsafe { syscall!(libc::SYS_pidfd_getfd, from, fd, 0) }.map(|got| got as Fd);
        // SAFETY: integers.
        match unsafe { syscall!(libc::SYS_pidfd_open, caller, PIDFD_THREAD) } {
            Ok(thread) => {
                let got = get(thread as Fd);
                let _ = sysfd::close(thread as Fd);
                got
            }
            Err(_) => get(self.process),
        }
    }

    fn go_on(&mut self, serial: u64) {
        let Some((session, number)) = self.sessions.get_mut(&serial) else { return };
        let state = session.go_on(&mut self.scratch, self.last.is_some());
        if session.begins_to_linger() {
            self.lingering.push_back((time::after(LINGER), serial));
        }
        match state {
            State::Waits => {}
            State::HasMore => self.busy.push_back(serial),
            State::Over => {
                if session.is_cut()
                    && !session.is_marked()
                    && let Some(programs) = find_programs_end(self.process, *number, serial)
                {
                    Session::tell_cut(programs);
                    let _ = sysfd::close(programs);
                }
                self.sessions.remove(&serial);
            }
        }
    }

    fn look_at_deadlines(&mut self) {
        let now = time::now();
        while let Some(serial) = due(&mut self.handshakes, now) {
            if let Some((session, _)) = self.sessions.get_mut(&serial).filter(|(session, _)| session.is_handshaking()) {
                session.cut();
                self.go_on(serial);
            }
        }
        while let Some(serial) = due(&mut self.lingering, now) {
            self.sessions.remove(&serial);
        }
    }

    fn look_at_last_words(&mut self) {
        if let Some((question, until)) = self.last
            && (time::now() >= until || self.sessions.values().all(|(s, _)| s.is_handshaking() || s.is_peer_told()))
        {
            self.last = None;
            // SAFETY: who asks waits for the answer.
            unsafe { (*question).answer(Ok(())) };
        }
    }
}

/// The program's end of a connection, to be closed again: it has the name that it was given. Mostly at the number that it was given too.
fn find_programs_end(process: Fd, number: Fd, serial: u64) -> Option<Fd> {
    let at = |number: Fd| {
        // SAFETY: integers.
        let got = unsafe { syscall!(libc::SYS_pidfd_getfd, process, number, 0) }.ok()? as Fd;
        let is_it = Names::read(got).is_some_and(|names| names.serial == serial && names.process == sys::getpid());
        if !is_it {
            let _ = sysfd::close(got);
        }
        is_it.then_some(got)
    };
    let mut found = at(number);
    if found.is_none() {
        sys::task::any_descriptor(|number| {
            found = at(number as Fd);
            found.is_some()
        });
    }
    found
}

/// The next whose time has come.
fn due(list: &mut VecDeque<(u64, u64)>, now: u64) -> Option<u64> {
    list.front().is_some_and(|(at, _)| *at <= now).then(|| list.pop_front())?.map(|(_, serial)| serial)
}

fn watch(set: Fd, fd: Fd, events: u32, data: u64) -> Result<(), Errno> {
    let event = libc::epoll_event { events, u64: data };
    // SAFETY: a live event.
    unsafe { syscall!(libc::SYS_epoll_ctl, set, libc::EPOLL_CTL_ADD, fd, &raw const event) }.map(|_| ())
}
