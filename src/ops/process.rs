//! The making of processes: who is their parent; vfork, clone and _Fork, which run no atfork handlers; the order of those
//! handlers.

use crate::arch::tls;
use crate::errno::{Errno, Exit};
use crate::reactor::Table;
use crate::real::{self, ForkHandler};
use crate::sched;
use crate::signal;
use crate::start;
use crate::sys::{self, mem, sig};
use crate::syscall;
pub use crate::thread::beside::Shares;
use crate::thread::beside::{self, Guest, Room};
use crate::thread::{self, bind, exit};
use core::ffi::{c_char, c_int, c_long, c_void};
use libc::pid_t;

/// pthread_atfork(3): handlers of the program or a library are about to be registered, and ours must be there first.
pub fn atfork(_prepare: ForkHandler, _parent: ForkHandler, _child: ForkHandler) -> Result<(), Exit> {
    start::register_at_fork();
    Err(Exit::Native)
}

/// What pthread_atfork(3) calls in a program that was linked since glibc 2.34, with the object that the handlers are in.
pub fn register_atfork(
    prepare: ForkHandler, parent: ForkHandler, child: ForkHandler, _object: *mut c_void,
) -> Result<(), Exit> {
    atfork(prepare, parent, child)
}

/// A call that makes a child is about to be made.
pub fn becomes_parent() {
    sched::wait_for_reserve();
    bind::to_parent();
}

/// The same for a call that waits in the kernel as well.
pub fn enter_as_parent() -> super::offload::Scope {
    becomes_parent();
    super::offload::enter_here()
}

/// fork(3): the rest is done by the handlers of [`start`].
pub fn fork() -> Result<pid_t, Exit> {
    becomes_parent();
    Err(Exit::Native)
}

/// forkpty(3).
pub fn forkpty(
    _master: *mut c_int, _name: *mut c_char, _settings: *const libc::termios, _size: *const libc::winsize,
) -> Result<pid_t, Exit> {
    fork()
}

/// vfork(2) is about to be made: the child will run in this process's memory, on the calling thread's stack and TCB,
/// while the thread is held in the kernel. The other green threads go on. Every hook that the child calls is libc's own
/// function, because [`active`](start::active) says no to it, but for those that wake threads ([`started`](start::started)).
/// Its own are the signal mask, the dispositions and the table of descriptors, which the kernel copies.
///
/// Rejected: a fork (the parent is not held, and does not see what the child writes), and a record for the child (what
/// it leaves when it execs nobody could clear).
pub fn vfork_prepare(shares: Shares) {
    enter_as_parent();
    start::vfork_prepare(shares);
}

/// In the child.
pub fn vfork_child() {
    start::vfork_child();
}

/// In the parent, whose child has gone, or was not made. It waits for a permit, which it may have lost.
pub fn vfork_parent() {
    start::vfork_parent();
    sched::onload();
}

/// exec is about to be made. What a green thread has pending is the library's to keep, and the new program's to find: the kernel
/// is given it. [`exec_failed`] must follow, if anything does.
pub fn before_exec() -> sig::Mask {
    tls::enter();
    thread::current().map_or(0, |t| {
        t.sync_mask();
        signal::route::to_kernel(t)
    })
}

/// It was not made.
pub fn exec_failed(given: sig::Mask) {
    if let Some(t) = thread::current() {
        signal::route::back_from_kernel(t, given);
    }
    tls::leave();
}

/// execve(2) and execveat(2) made by syscall(2).
///
/// # Safety
/// As the system call.
pub unsafe fn exec_by_syscall(n: c_long, a: [usize; 6]) -> Result<c_long, Exit> {
    let given = before_exec();
    // SAFETY: the caller's arguments.
    let answer = unsafe { sys::syscall6(n, a) };
    exec_failed(given);
    Ok(answer? as c_long)
}

/// What the caller of clone(2) gets.
#[derive(Clone, Copy, Debug)]
pub enum Child {
    /// One with memory of its own.
    Fork(Table),
    /// One that has the caller's memory while the caller is held.
    Vfork(Shares),
    /// One that has the caller's memory and holds nobody.
    Beside(Guest),
}

/// A child that is about to be made.
#[derive(Clone, Copy, Debug)]
pub enum Begun {
    Fork(Table),
    Vfork,
    Beside(&'static Room),
}

impl Child {
    /// What these flags make; `None` for one that brings a thread pointer of its own, and is not known by ours.
    fn of(flags: c_int) -> Option<Child> {
        let is = |flag: c_int| flags & flag != 0;
        match (is(libc::CLONE_VM), is(libc::CLONE_VFORK)) {
            _ if is(libc::CLONE_SETTLS) => None,
            (false, _) => Some(Child::Fork(if is(libc::CLONE_FILES) { Table::Shared } else { Table::Own })),
            _ if is(libc::CLONE_THREAD) => Some(Child::Beside(Guest::Thread)),
            (true, true) => Some(Child::Vfork(Shares::of(flags))),
            (true, false) => Some(Child::Beside(Guest::Process(Shares::of(flags)))),
        }
    }

    /// clone(2) with these flags, and this word for the child's id, is about to be made. [`Begun::end`] must follow.
    /// `Native` where it is not ours.
    pub fn begin(flags: c_int, child_id: *mut pid_t) -> Result<Begun, Exit> {
        let ours = |child: &Child| if let Child::Beside(_) = child { start::loaded() } else { start::active() };
        match Child::of(flags).filter(ours).ok_or(Exit::Native)? {
            Child::Fork(table) => {
                becomes_parent();
                start::fork_prepare();
                Ok(Begun::Fork(table))
            }
            Child::Vfork(shares) => {
                vfork_prepare(shares);
                Ok(Begun::Vfork)
            }
            Child::Beside(guest) => {
                if flags & libc::CLONE_CHILD_CLEARTID != 0 {
                    beside::note_cleared(child_id as usize);
                }
                if guest != Guest::Thread {
                    becomes_parent();
                    start::process_beside();
                }
                Ok(Begun::Beside(beside::room_for(guest)?))
            }
        }
    }
}

impl Begun {
    /// The thread pointer that the child begins with, if that is not its maker's.
    pub fn thread_pointer(self) -> Option<usize> {
        match self {
            Begun::Beside(room) => Some(room.thread_pointer()),
            _ => None,
        }
    }

    /// In the child, if it has not got a thread pointer of its own.
    pub fn arrive(self) {
        match self {
            Begun::Fork(table) => start::raw_fork_child(table),
            Begun::Vfork => vfork_child(),
            Begun::Beside(_) => {}
        }
    }

    /// In the same, whose function has returned: libc will end this kernel thread alone, so ours must be gone before.
    pub fn leave(self, status: c_int) {
        if let Begun::Fork(_) = self
            && start::started()
        {
            exit::wait_for_the_others();
            // SAFETY: ends the process, as the end of its last thread does.
            let _ = unsafe { syscall!(libc::SYS_exit_group, status) };
        }
    }

    /// In the parent, which got this answer.
    pub fn end(self, id: c_int) {
        match self {
            Begun::Fork(_) => start::fork_parent(),
            Begun::Vfork => vfork_parent(),
            Begun::Beside(room) => room.entered_by(id),
        }
    }
}

/// The system calls fork, clone and clone3 made by syscall(2): ours when the child has its own memory and goes on from
/// here.
///
/// # Safety
/// As the system call.
pub unsafe fn fork_by_syscall(n: c_long, a: [usize; 6]) -> Result<c_long, Exit> {
    let (flags, stack) = match n {
        libc::SYS_fork => (0, 0),
        libc::SYS_clone => (a[0], a[1]),
        _ => {
            // The kernel's `struct clone_args`: flags first, stack sixth.
            let args = mem::read(a[0] as *const [u64; 6])?;
            (args[0] as usize, args[5] as usize)
        }
    };
    let Some(Child::Fork(table)) = Child::of(flags as c_int).filter(|_| stack == 0) else {
        return Err(Exit::Native);
    };
    becomes_parent();
    start::fork_prepare();
    // SAFETY: the caller's arguments; a child with a copy of this stack is put right before it returns.
    match unsafe { sys::syscall6(n, a) } {
        Ok(0) => {
            start::raw_fork_child(table);
            Ok(0)
        }
        done => {
            start::fork_parent();
            Ok(done? as c_long)
        }
    }
}

/// _Fork(3).
///
/// # Safety
/// As the C function.
pub unsafe fn fork_raw() -> Result<pid_t, Exit> {
    becomes_parent();
    start::fork_prepare();
    // SAFETY: libc's own; the child is put right before it returns.
    match unsafe { real::fork_raw() } {
        0 => {
            start::raw_fork_child(Table::Own);
            Ok(0)
        }
        pid => {
            start::fork_parent();
            // SAFETY: the calling thread's errno, which libc has just set.
            if pid < 0 { Err(Errno(unsafe { *libc::__errno_location() }).into()) } else { Ok(pid) }
        }
    }
}
