//! Those that clone(2) puts into our memory without holding their maker: a process beside us, or a kernel thread that libc
//! knows nothing of.
//!
//! Such a child begins with its maker's thread pointer, and would take itself for the green thread that its maker is. It is
//! given a TCB of its own, which libc made, and in it the maker's thread-local variables as they are at that moment. To a kernel
//! thread's TCB no thread of ours belongs: it is a foreign one. A process is known by its TCB as a vfork child is.
//!
//! A TCB is free again when its guest is gone. Nobody tells, so the kernel is asked when the next one is wanted.
//!
//! What such a process waits for it waits for in the kernel, where nothing of it is left when it is killed. So whoever wakes must
//! wake there too, once there has been one ([`any_process`]).
//!
//! Rejected: to ask the kernel in each hook which process calls, as long as such a child may live.

use super::{Thread, hijack, tls_image};
use crate::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use crate::errno::Errno;
use crate::sys::lock::Lock;
use crate::sys::time::Deadline;
use crate::sys::{self, futex};
use crate::syscall;

/// What is put into our memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guest {
    Thread,
    /// With what it shares besides.
    Process(Shares),
}

/// What a process has in common with its maker, besides the memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares(usize);

impl Shares {
    pub const NOTHING: Shares = Shares(0);
    pub const FILES: Shares = Shares(2);
    pub const HANDLERS: Shares = Shares(4);

    /// As clone(2) says it.
    pub fn of(flags: i32) -> Shares {
        let files = if flags & libc::CLONE_FILES != 0 { Shares::FILES.0 } else { 0 };
        let handlers = if flags & libc::CLONE_SIGHAND != 0 { Shares::HANDLERS.0 } else { 0 };
        Shares(files | handlers)
    }

    /// The bits that stand for it in a TCB.
    pub fn bits(self) -> usize {
        self.0
    }
}

/// A TCB for guests.
#[derive(Debug)]
pub struct Room {
    tp: usize,
    /// The process or kernel thread that has it; 0 for nobody, -1 for one that is being made.
    guest: AtomicI32,
    /// The process whose kernel thread that is; 0 for a process.
    group: AtomicI32,
}

const NOBODY: i32 = 0;
const EXPECTED: i32 = -1;

static ANY_PROCESS: AtomicBool = AtomicBool::new(false);

/// Words that the kernel clears, and wakes for, when a guest ends (CLONE_CHILD_CLEARTID).
static CLEARED: Lock<Vec<usize>> = Lock::new(Vec::new());
static ANY_CLEARED: AtomicBool = AtomicBool::new(false);

/// Whether there may be a process beside us.
pub fn any_process() -> bool {
    ANY_PROCESS.load(Ordering::Relaxed)
}

/// The kernel will clear this word, and wake who waits for it there.
pub fn note_cleared(word: usize) {
    let mut cleared = CLEARED.lock();
    if !cleared.contains(&word) {
        cleared.push(word);
    }
    ANY_CLEARED.store(true, Ordering::Relaxed);
}

/// Whether who waits for this word must do so in the kernel.
pub fn is_cleared(word: usize) -> bool {
    ANY_CLEARED.load(Ordering::Relaxed) && CLEARED.lock().contains(&word)
}

/// Counted up with every signal to a condition, once there has been such a process: what it waits for in place of the
/// condition's own memory, which our threads do not use.
static SIGNALLED: AtomicU32 = AtomicU32::new(0);

/// What [`wait_for_signal`] is to be given: asked before the mutex is released.
pub fn signals() -> u32 {
    SIGNALLED.load(Ordering::SeqCst)
}

/// Waits, in a process beside others, until any condition has been signalled since `seen` was asked; an early end is as good.
/// False at the deadline.
pub fn wait_for_signal(seen: u32, until: Option<Deadline>) -> bool {
    futex::wait_until(&SIGNALLED, seen, until) != Err(Errno::TIMEDOUT)
}

/// A condition is signalled.
pub fn signal() {
    SIGNALLED.fetch_add(1, Ordering::SeqCst);
    futex::wake(&SIGNALLED, i32::MAX as u32);
}

static ROOMS: Lock<Vec<&'static Room>> = Lock::new(Vec::new());

impl Room {
    /// Its thread pointer.
    pub fn thread_pointer(&self) -> usize {
        self.tp
    }

    fn is_free(&self) -> bool {
        let (guest, group) = (self.guest.load(Ordering::Relaxed), self.group.load(Ordering::Relaxed));
        // SAFETY: integers; no signal is sent.
        let is_there = || unsafe {
            match group {
                0 => syscall!(libc::SYS_kill, guest, 0usize),
                _ => syscall!(libc::SYS_tgkill, group, guest, 0usize),
            }
        };
        guest == NOBODY || (guest != EXPECTED && is_there() == Err(Errno(libc::ESRCH)))
    }

    /// The guest has been made, or not.
    pub fn entered_by(&self, id: i32) {
        self.guest.store(if id > 0 { id } else { NOBODY }, Ordering::Relaxed);
    }
}

/// A TCB for a guest that is about to be made: `entered_by` must follow.
pub fn room_for(guest: Guest) -> Result<&'static Room, Errno> {
    let free = take_free();
    let room = match free {
        Some(room) => room,
        None => make()?,
    };
    let group = if guest == Guest::Thread { sys::getpid() } else { 0 };
    if guest != Guest::Thread {
        ANY_PROCESS.store(true, Ordering::SeqCst);
    }
    room.group.store(group, Ordering::Relaxed);
    super::plant_guest(room.tp, guest);
    tls_image::copy_to(room.tp);
    Ok(room)
}

fn take_free() -> Option<&'static Room> {
    let rooms = ROOMS.lock();
    let room = rooms.iter().copied().find(|room| room.is_free())?;
    room.guest.store(EXPECTED, Ordering::Relaxed);
    Some(room)
}

fn make() -> Result<&'static Room, Errno> {
    let t: &Thread = hijack::make_empty().ok_or(Errno::AGAIN)?;
    let room: &Room =
        Box::leak(Box::new(Room { tp: t.tp(), guest: AtomicI32::new(EXPECTED), group: AtomicI32::new(0) }));
    ROOMS.lock().push(room);
    Ok(room)
}

/// Forgets the parent's.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: the caller's promise.
    unsafe {
        ROOMS.reset(Vec::new());
        CLEARED.reset(Vec::new());
    }
    ANY_PROCESS.store(false, Ordering::Relaxed);
    ANY_CLEARED.store(false, Ordering::Relaxed);
}
