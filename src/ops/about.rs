//! What a thread may be asked, and told, about itself: its stack, name, processors, policy, clock and number.

use super::thread::of;
use super::{green, task};
use crate::atomic::Ordering;
use crate::errno::{Errno, Exit};
use crate::real;
use crate::sched;
use crate::sys::{self, mem};
use crate::syscall;
use crate::thread::{self, DETACHED, ENDED, FREE, Thread, is_main};
use core::ffi::{c_char, c_int};
use libc::{pid_t, pthread_attr_t, pthread_t};

/// pthread_getattr_np(3): built from the pair; glibc would ask the kernel about a tid it does not know.
///
/// # Safety
/// As the C function.
pub unsafe fn getattr(handle: pthread_t, attr: *mut pthread_attr_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let pair = t.pair.get();
        if pair.size == 0 {
            return Err(Exit::Native);
        }
        let detached = t.life.load(Ordering::Acquire) == DETACHED;
        real::pthread_attr_init(attr);
        libc::pthread_attr_setguardsize(attr, pair.guard);
        libc::pthread_attr_setstack(attr, core::ptr::without_provenance_mut(pair.limit), pair.size);
        real::pthread_attr_setdetachstate(
            attr,
            if detached { libc::PTHREAD_CREATE_DETACHED } else { libc::PTHREAD_CREATE_JOINABLE },
        );
    }
    Ok(())
}

const NAME_SIZE: usize = 16;

/// pthread_setname_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn setname(handle: pthread_t, name: *const c_char) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let text = core::ffi::CStr::from_ptr(name).to_bytes_with_nul();
        if text.len() > NAME_SIZE {
            return Err(Exit::Errno(libc::ERANGE));
        }
        if is_main(t) {
            return Err(Exit::Native);
        }
        let mut own = [0; NAME_SIZE];
        own[..text.len()].copy_from_slice(text);
        t.name.set(own);
        if t.is_bound() {
            sched::scout::send(|| sys::task::set_name(t.tid(), &own));
        }
    }
    Ok(())
}

/// pthread_getname_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn getname(handle: pthread_t, out: *mut c_char, len: usize) -> Result<(), Exit> {
    // SAFETY: the caller's arguments; a name and its NUL fit in what was checked.
    unsafe {
        let t = of(handle)?;
        if is_main(t) {
            return Err(Exit::Native);
        }
        if len < NAME_SIZE {
            return Err(Exit::Errno(libc::ERANGE));
        }
        out.cast::<[u8; NAME_SIZE]>().write(name_of(t));
    }
    Ok(())
}

/// pthread_getaffinity_np(3): a green thread may run wherever a thread may that has changed nothing.
///
/// # Safety
/// As the C function.
pub unsafe fn getaffinity(handle: pthread_t, size: usize, set: *mut libc::cpu_set_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { task::sched_getaffinity(of(handle)?.tid() as pid_t, size, set).map(|_| ()) }
}

/// pthread_setaffinity_np(3): the thread gets a kernel thread of its own, unless it has that affinity.
///
/// # Safety
/// As the C function.
pub unsafe fn setaffinity(handle: pthread_t, size: usize, set: *const libc::cpu_set_t) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        check_alive(t)?;
        task::sched_setaffinity(t.tid() as pid_t, size, set).map(|_| ())
    }
}

/// `ESRCH` for a thread whose kernel thread would be gone.
fn check_alive(t: &Thread) -> Result<(), Errno> {
    if matches!(t.life.load(Ordering::Acquire), ENDED | FREE) { Err(Errno(libc::ESRCH)) } else { Ok(()) }
}

/// pthread_getschedparam(3): what the process began with, unless it has a kernel thread.
///
/// # Safety
/// As the C function.
pub unsafe fn getschedparam(handle: pthread_t, policy: *mut c_int, param: *mut libc::sched_param) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let tid = of(handle)?.tid() as pid_t;
        *policy = task::sched_getscheduler(tid)?;
        task::sched_getparam(tid, param).map(|_| ())
    }
}

/// pthread_setschedparam(3): what every green thread has costs nothing; another policy binds.
///
/// # Safety
/// As the C function.
pub unsafe fn setschedparam(handle: pthread_t, policy: c_int, param: *const libc::sched_param) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        let valid = match policy {
            libc::SCHED_FIFO | libc::SCHED_RR => (1..=99).contains(&(*param).sched_priority),
            libc::SCHED_OTHER | libc::SCHED_BATCH | libc::SCHED_IDLE => (*param).sched_priority == 0,
            _ => false,
        };
        if !valid {
            return Err(Errno::INVAL.into());
        }
        check_alive(t)?;
        task::sched_setscheduler(t.tid() as pid_t, policy, param).map(|_| ())
    }
}

/// pthread_setschedprio(3).
///
/// # Safety
/// As the C function.
pub unsafe fn setschedprio(handle: pthread_t, priority: c_int) -> Result<(), Exit> {
    // SAFETY: the caller's handle; a sched_param is one int.
    unsafe {
        let t = of(handle)?;
        check_alive(t)?;
        task::sched_setparam(t.tid() as pid_t, (&raw const priority).cast()).map(|_| ())
    }
}

/// pthread_getcpuclockid(3): the clock of the kernel thread that runs it now.
///
/// # Safety
/// As the C function.
pub unsafe fn getcpuclockid(handle: pthread_t, clock: *mut libc::clockid_t) -> Result<(), Exit> {
    const PER_THREAD_SCHED: i32 = 6;
    // SAFETY: the caller's arguments; workers are never freed.
    unsafe {
        let t = of(handle)?;
        let tid = match t.worker.get().as_ref() {
            _ if t.has_kernel_tid() => t.tid(),
            Some(w) => w.tid(),
            // It has not run yet.
            None => sys::gettid(),
        };
        *clock = (!(tid as i32) << 3) | PER_THREAD_SCHED;
    }
    Ok(())
}

/// prctl(2): the thread's name is ours, what the kernel keeps for each thread is `task`'s, all else is the kernel's.
///
/// # Safety
/// As the C function.
pub unsafe fn prctl(option: c_int, a: usize, b: usize, c: usize, d: usize) -> Result<c_int, Exit> {
    let Some(t) = thread::current().filter(|&t| !is_main(t)) else {
        // SAFETY: the caller's arguments.
        return unsafe { task::prctl(option, [a, b, c, d]) };
    };
    match option {
        libc::PR_SET_NAME => {
            let mut name = mem::read(a as *const [u8; NAME_SIZE]).or_else(|_| short_name(a))?;
            name[NAME_SIZE - 1] = 0;
            t.name.set(name);
            if t.is_bound() {
                sched::scout::send(|| sys::task::set_name(t.tid(), &name));
            }
            Ok(0)
        }
        libc::PR_GET_NAME => {
            // SAFETY: the caller's buffer, as for the system call.
            unsafe { mem::write(a as *mut [u8; NAME_SIZE], name_of(t)) }?;
            Ok(0)
        }
        // SAFETY: the caller's arguments.
        _ => unsafe { task::prctl(option, [a, b, c, d]) },
    }
}

/// A name at the end of its page: as many bytes as there are up to its NUL.
fn short_name(at: usize) -> Result<[u8; NAME_SIZE], Errno> {
    let mut name = [0; NAME_SIZE];
    for (i, byte) in name.iter_mut().enumerate() {
        *byte = mem::read((at + i) as *const u8)?;
        if *byte == 0 {
            break;
        }
    }
    Ok(name)
}

/// A thread's name: its own, else its creator's, which is the process's.
fn name_of(t: &Thread) -> [u8; NAME_SIZE] {
    let mut name = t.name.get();
    if name[0] == 0 {
        // SAFETY: the kernel writes sixteen bytes into a live array.
        let _ = unsafe { syscall!(libc::SYS_prctl, libc::PR_GET_NAME, name.as_mut_ptr()) };
    }
    name
}

/// gettid(2): the number in the descriptor, which is nobody else's; the main thread's is the process id.
///
/// # Safety
/// None is needed; operations are unsafe alike.
pub unsafe fn gettid() -> Result<pid_t, Exit> {
    match green() {
        Some(t) => Ok(t.tid() as pid_t),
        None => Err(Exit::Native),
    }
}
