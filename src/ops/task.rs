//! What the kernel keeps for each kernel thread and a program can change or ask about: affinity, scheduling, priority,
//! credentials, namespaces, filters, timers and counters of one thread.
//!
//! A green thread that changes its own gets a kernel thread of its own first (`thread::bind`), and the threads that it
//! makes from then on are kernel threads, because they inherit what only the kernel can hand down. A change that changes
//! nothing binds nobody. A thread id may be a green one: the kernel is given the kernel thread's that stands for it.

use crate::arch::tls;
use crate::errno::{Errno, Exit};
use crate::reactor;
use crate::real;
use crate::sched;
use crate::sys::{self, mem};
use crate::syscall;
use crate::thread::{self, FIRST_TID, Thread, bind};
use core::ffi::{c_int, c_long, c_void};
use libc::pid_t;

type Words = [usize; 6];

/// What a call does with the thread that it names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Asks,
    /// Uses its kernel thread, and changes nothing that others inherit.
    Uses,
    Changes,
}

fn is_caller(t: &Thread) -> bool {
    core::ptr::eq(tls::current(), t)
}

/// The thread of ours that `id` names, 0 being the caller.
fn named(id: pid_t, access: Access) -> Option<&'static Thread> {
    match id {
        0 => thread::current(),
        // A kernel's id is right already, and a search for who has it is worth while only to note a change.
        1.. if access == Access::Changes || id as u32 >= FIRST_TID => thread::of_tid(id as u32),
        _ => None,
    }
}

/// The kernel's id for the thread that `id` names. To be asked of any, to be used only of one of ours; else `Native`.
fn kernel_id(id: pid_t, access: Access) -> Result<pid_t, Exit> {
    // What others have set of the caller, it sees.
    bind::obey();
    let t = named(id, access);
    if access == Access::Asks {
        return Ok(match t {
            None => id,
            Some(t) if is_caller(t) => 0,
            Some(t) if t.has_kernel_tid() => t.tid() as pid_t,
            Some(_) => sched::default_tid() as pid_t,
        });
    }
    let t = t.ok_or(Exit::Native)?;
    bind::any(t)?;
    Ok(t.tid() as pid_t)
}

/// The calling thread changes what it hands down, with this system call.
///
/// # Safety
/// As the system call.
unsafe fn changes_itself(n: c_long, a: Words) -> Result<c_long, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    bind::to_kernel_thread()?;
    // SAFETY: the caller's arguments.
    let answer = unsafe { sys::syscall6(n, a) }? as c_long;
    t.set_altered();
    Ok(answer)
}

/// The calling thread takes its table of descriptors out of the process's, with this system call. Its own kernel thread has it
/// from then on, and those that it makes.
pub(super) fn unshares_table<R>(unshare: impl FnOnce() -> Result<R, Errno>) -> Result<R, Exit> {
    bind::to_kernel_thread()?;
    let answer = reactor::unshare_table(unshare)?;
    if let Some(t) = thread::current() {
        t.set_altered();
    }
    Ok(answer)
}

/// The calling thread is about to use its kernel thread; the call itself is the kernel's.
fn uses_itself<T>() -> Result<T, Exit> {
    bind::to_kernel_thread()?;
    Err(Exit::Native)
}

/// Whether a new thread has to inherit what its creator alone has: the creator is a kernel thread of the program's, or has
/// changed its own.
pub(super) fn is_inherited() -> bool {
    crate::start::active() && thread::current().is_none_or(Thread::is_altered)
}

/// Makes the system call with the kernel's id for the thread that argument `at` names.
///
/// # Safety
/// As the system call.
unsafe fn about(n: c_long, mut a: Words, at: usize, access: Access) -> Result<c_long, Exit> {
    let id = a[at] as pid_t;
    let changed = if access == Access::Changes { named(id, access) } else { None };
    // SAFETY: the caller's arguments.
    let vain = changed.is_some_and(|t| unsafe { is_vain(n, &a, t) });
    let access = if vain { Access::Asks } else { access };
    a[at] = kernel_id(id, access)? as usize;
    // SAFETY: the caller's arguments, with another thread id.
    let answer = unsafe { sys::syscall6(n, a) }? as c_long;
    if let Some(t) = changed.filter(|_| !vain) {
        t.set_altered();
    }
    Ok(answer)
}

/// Whether the call gives a thread without a kernel thread what it has already, or what the kernel will refuse: then it can
/// be made of any thread that has changed nothing.
///
/// # Safety
/// As the system call.
unsafe fn is_vain(n: c_long, a: &Words, t: &Thread) -> bool {
    if t.has_kernel_tid() && !(thread::is_main(t) && is_caller(t) && !t.is_bound()) {
        return false;
    }
    let like = if is_caller(t) { 0 } else { sched::default_tid() };
    // SAFETY: live variables, or a failing call; what the program passes is read with care.
    unsafe {
        match n {
            libc::SYS_sched_setaffinity => {
                let mut now = [0u8; 1024];
                let Ok(size) = syscall!(libc::SYS_sched_getaffinity, like, now.len(), now.as_mut_ptr()) else {
                    return false;
                };
                (0..size).all(|i| {
                    let asked = if i < a[1] { mem::read((a[2] + i) as *const u8).unwrap_or(0) } else { 0 };
                    asked == now[i]
                })
            }
            libc::SYS_sched_setscheduler => is_scheduled(like, a[1] as c_int, a[2]) || is_refused(a[1] as c_int, a[2]),
            libc::SYS_sched_setparam => {
                let policy = syscall!(libc::SYS_sched_getscheduler, like).unwrap_or(usize::MAX);
                is_scheduled(like, policy as c_int, a[1])
            }
            libc::SYS_setpriority => {
                // The system call counts from 40 down to 1.
                let now = syscall!(libc::SYS_getpriority, libc::PRIO_PROCESS, like).unwrap_or(0);
                let asked = (a[2] as i32).clamp(-20, 19);
                let rank = (20 - asked) as u64;
                now != 0 && (rank == now as u64 || rank > now as u64 && !may(libc::RLIMIT_NICE, rank))
            }
            _ => false,
        }
    }
}

/// Whether `like` has this policy, and the priority at `param`.
fn is_scheduled(like: u32, policy: c_int, param: usize) -> bool {
    let mut now = 0i32;
    // SAFETY: the kernel writes a sched_param, which is one int.
    let has = unsafe {
        syscall!(libc::SYS_sched_getparam, like, &raw mut now).is_ok()
            && syscall!(libc::SYS_sched_getscheduler, like) == Ok(policy as usize)
    };
    has && mem::read(param as *const i32) == Ok(now)
}

/// Whether the kernel will refuse this policy and the priority at `param` to every thread of the process.
fn is_refused(policy: c_int, param: usize) -> bool {
    let asked = mem::read(param as *const i32).unwrap_or(0);
    matches!(policy & !libc::SCHED_RESET_ON_FORK, libc::SCHED_FIFO | libc::SCHED_RR)
        && asked > 0
        && !may(libc::RLIMIT_RTPRIO, asked as u64)
}

/// Whether the process may go as far as `asked` against others: by its limit, or by privilege, which other things may still
/// make void.
fn may(limit: libc::__rlimit_resource_t, asked: u64) -> bool {
    const SYS_NICE: u32 = 23;
    const VERSION_3: u32 = 0x2008_0522;
    let mut bounds = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let mut header = CapabilityHeader { version: VERSION_3, id: 0 };
    let mut sets = [[0u32; 3]; 2];
    // SAFETY: live structures of the sizes that the kernel writes.
    unsafe {
        let limited = syscall!(libc::SYS_prlimit64, 0usize, limit, 0usize, &raw mut bounds);
        let told = syscall!(libc::SYS_capget, &raw mut header, sets.as_mut_ptr());
        limited.is_err() || told.is_err() || bounds.rlim_cur >= asked || sets[0][0] & 1 << SYS_NICE != 0
    }
}

/// The system calls of this subject, by number, as syscall(2) makes them.
///
/// # Safety
/// As the system call.
pub unsafe fn by_number(n: c_long, a: Words) -> Result<c_long, Exit> {
    use Access::{Asks, Changes, Uses};
    const LANDLOCK_RESTRICT_SELF: c_long = 446;
    const IO_URING_OF_ONE_THREAD: u32 = 1 << 12 | 1 << 13;
    let process = a[0] as c_int == libc::PRIO_PROCESS as c_int;
    // SAFETY: the caller's arguments throughout.
    unsafe {
        match n {
            libc::SYS_sched_setaffinity
            | libc::SYS_sched_setscheduler
            | libc::SYS_sched_setparam
            | libc::SYS_sched_setattr => about(n, a, 0, Changes),
            libc::SYS_setpriority if process => about(n, a, 1, Changes),
            libc::SYS_ioprio_set if a[0] == IOPRIO_WHO_PROCESS => about(n, a, 1, Changes),
            libc::SYS_sched_getaffinity
            | libc::SYS_sched_getscheduler
            | libc::SYS_sched_getparam
            | libc::SYS_sched_getattr
            | libc::SYS_sched_rr_get_interval => about(n, a, 0, Asks),
            libc::SYS_getpriority if process => about(n, a, 1, Asks),
            libc::SYS_ioprio_get if a[0] == IOPRIO_WHO_PROCESS => about(n, a, 1, Asks),
            libc::SYS_get_robust_list => about(n, a, 0, Uses),
            libc::SYS_perf_event_open => about(n, a, 1, Uses),
            libc::SYS_tkill => Ok(super::signal::tgkill(sys::getpid(), a[0] as pid_t, a[1] as c_int)? as c_long),
            libc::SYS_capset => about_capabilities(n, a, Changes),
            libc::SYS_capget => about_capabilities(n, a, Asks),
            libc::SYS_prctl => Ok(super::about::prctl(a[0] as c_int, a[1], a[2], a[3], a[4])? as c_long),
            libc::SYS_timer_create => with_thread_event(a[0] as c_int, a[1] as *mut libc::sigevent, |event| {
                Ok(syscall!(libc::SYS_timer_create, a[0], event, a[2])? as c_long)
            }),
            libc::SYS_unshare if a[0] as c_int & libc::CLONE_FILES != 0 => {
                unshares_table(|| Ok(sys::syscall6(n, a)? as c_long))
            }
            libc::SYS_unshare if a[0] as c_int != 0 => changes_itself(n, a),
            // All ones only asks; in the others it is an id that nobody has.
            libc::SYS_personality | libc::SYS_setfsuid | libc::SYS_setfsgid if a[0] as u32 != u32::MAX => {
                changes_itself(n, a)
            }
            libc::SYS_arch_prctl if matches!(a[0], ARCH_SET_GS | ARCH_SET_CPUID) => changes_itself(n, a),
            libc::SYS_seccomp if is_own_filter(&a) => changes_itself(n, a),
            libc::SYS_keyctl if is_own_keys(&a) => changes_itself(n, a),
            // By themselves, not through libc, these change one thread's.
            libc::SYS_setuid
            | libc::SYS_setgid
            | libc::SYS_setreuid
            | libc::SYS_setregid
            | libc::SYS_setresuid
            | libc::SYS_setresgid
            | libc::SYS_setgroups
            | libc::SYS_setns
            | libc::SYS_set_mempolicy
            | libc::SYS_ioperm
            | libc::SYS_iopl
            | LANDLOCK_RESTRICT_SELF => changes_itself(n, a),
            libc::SYS_ptrace | libc::SYS_set_robust_list | libc::SYS_set_tid_address => uses_itself(),
            libc::SYS_io_uring_setup
                if mem::read((a[1] + 8) as *const u32).unwrap_or(0) & IO_URING_OF_ONE_THREAD != 0 =>
            {
                uses_itself()
            }
            libc::SYS_io_uring_register if a[1] == IORING_REGISTER_RING_FDS => uses_itself(),
            _ => Err(Exit::Native),
        }
    }
}

const IOPRIO_WHO_PROCESS: usize = 1;
/// Of what arch_prctl(2) sets, the GS base and the trap on CPUID are not moved between kernel threads.
const ARCH_SET_GS: usize = 0x1001;
const ARCH_SET_CPUID: usize = 0x1012;
const IORING_REGISTER_RING_FDS: usize = 20;

/// A filter, or strict mode, for the calling thread and not for all.
fn is_own_filter(a: &Words) -> bool {
    const FOR_ALL: usize = 1;
    a[0] == 0 || (a[0] == 1 && a[1] & FOR_ALL == 0)
}

/// Operations on the calling thread's own keyrings.
fn is_own_keys(a: &Words) -> bool {
    const GET_ID: usize = 0;
    const JOIN_SESSION: usize = 1;
    const SET_DEFAULT: usize = 14;
    const ASSUME_AUTHORITY: usize = 16;
    const THREADS: i32 = -1;
    matches!(a[0], JOIN_SESSION | SET_DEFAULT | ASSUME_AUTHORITY) || (a[0] == GET_ID && a[1] as i32 == THREADS)
}

/// The same through libc's functions, whose answers are ints.
///
/// # Safety
/// As the system call.
unsafe fn int(n: c_long, a: Words) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { by_number(n, a) }.map(|value| value as c_int)
}

/// sched_setaffinity(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_setaffinity(id: pid_t, size: usize, set: *const libc::cpu_set_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_sched_setaffinity, [id as usize, size, set as usize, 0, 0, 0]) }
}

/// sched_getaffinity(2). The system call answers how much it wrote; the rest is cleared.
///
/// # Safety
/// As the C function.
pub unsafe fn sched_getaffinity(id: pid_t, size: usize, set: *mut libc::cpu_set_t) -> Result<c_int, Exit> {
    let given = size.min(i32::MAX as usize);
    // SAFETY: the caller's arguments.
    unsafe {
        let n = by_number(libc::SYS_sched_getaffinity, [id as usize, given, set as usize, 0, 0, 0])? as usize;
        set.cast::<u8>().add(n).write_bytes(0, size - n);
    }
    Ok(0)
}

/// sched_setscheduler(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_setscheduler(id: pid_t, policy: c_int, param: *const libc::sched_param) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_sched_setscheduler, [id as usize, policy as usize, param as usize, 0, 0, 0]) }
}

/// sched_getscheduler(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_getscheduler(id: pid_t) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_sched_getscheduler, [id as usize, 0, 0, 0, 0, 0]) }
}

/// sched_setparam(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_setparam(id: pid_t, param: *const libc::sched_param) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_sched_setparam, [id as usize, param as usize, 0, 0, 0, 0]) }
}

/// sched_getparam(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_getparam(id: pid_t, param: *mut libc::sched_param) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_sched_getparam, [id as usize, param as usize, 0, 0, 0, 0]) }
}

/// sched_rr_get_interval(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_rr_get_interval(id: pid_t, interval: *mut libc::timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_sched_rr_get_interval, [id as usize, interval as usize, 0, 0, 0, 0]) }
}

/// setpriority(2).
///
/// # Safety
/// As the C function.
pub unsafe fn setpriority(which: libc::__priority_which_t, who: libc::id_t, value: c_int) -> Result<c_int, Exit> {
    // SAFETY: integers.
    unsafe { int(libc::SYS_setpriority, [which as usize, who as usize, value as usize, 0, 0, 0]) }
}

/// getpriority(2). The system call counts from 40 down to 1.
///
/// # Safety
/// As the C function.
pub unsafe fn getpriority(which: libc::__priority_which_t, who: libc::id_t) -> Result<c_int, Exit> {
    // SAFETY: integers.
    unsafe { int(libc::SYS_getpriority, [which as usize, who as usize, 0, 0, 0, 0]) }.map(|value| 20 - value)
}

/// nice(2): the new value. Where the kernel says EACCES, this call has always said EPERM.
///
/// # Safety
/// As the C function.
pub unsafe fn nice(increment: c_int) -> Result<c_int, Exit> {
    // SAFETY: integers.
    unsafe {
        let now = getpriority(libc::PRIO_PROCESS, 0)?;
        let asked = now.saturating_add(increment).clamp(-20, 19);
        match setpriority(libc::PRIO_PROCESS, 0, asked) {
            Err(Exit::Errno(libc::EACCES)) => Err(Exit::Errno(libc::EPERM)),
            done => done.map(|_| asked),
        }
    }
}

/// unshare(2).
///
/// # Safety
/// As the C function.
pub unsafe fn unshare(flags: c_int) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_unshare, [flags as usize, 0, 0, 0, 0, 0]) }
}

/// setns(2).
///
/// # Safety
/// As the C function.
pub unsafe fn setns(fd: c_int, kind: c_int) -> Result<c_int, Exit> {
    // SAFETY: integers.
    unsafe { int(libc::SYS_setns, [fd as usize, kind as usize, 0, 0, 0, 0]) }
}

/// personality(2).
///
/// # Safety
/// As the C function.
pub unsafe fn personality(persona: libc::c_ulong) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_personality, [persona as usize, 0, 0, 0, 0, 0]) }
}

/// setfsuid(2): the id before.
///
/// # Safety
/// As the C function.
pub unsafe fn setfsuid(id: u32) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_setfsuid, [id as usize, 0, 0, 0, 0, 0]) }
}

/// setfsgid(2): the id before.
///
/// # Safety
/// As the C function.
pub unsafe fn setfsgid(id: u32) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_setfsgid, [id as usize, 0, 0, 0, 0, 0]) }
}

/// ioperm(2).
///
/// # Safety
/// As the C function.
pub unsafe fn ioperm(from: libc::c_ulong, count: libc::c_ulong, on: c_int) -> Result<c_int, Exit> {
    // SAFETY: integers.
    unsafe { int(libc::SYS_ioperm, [from as usize, count as usize, on as usize, 0, 0, 0]) }
}

/// iopl(2).
///
/// # Safety
/// As the C function.
pub unsafe fn iopl(level: c_int) -> Result<c_int, Exit> {
    // SAFETY: an integer.
    unsafe { int(libc::SYS_iopl, [level as usize, 0, 0, 0, 0, 0]) }
}

/// arch_prctl(2).
///
/// # Safety
/// As the C function.
pub unsafe fn arch_prctl(code: c_int, at: usize) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_arch_prctl, [code as usize, at, 0, 0, 0, 0]) }
}

/// pkey_set(3): the rights are in a register of the kernel thread's, which threads inherit.
///
/// # Safety
/// As the C function.
pub unsafe fn pkey_set(_key: c_int, _rights: libc::c_uint) -> Result<c_int, Exit> {
    alters_itself()
}

/// pkey_alloc(2): the same, for the key that it makes.
///
/// # Safety
/// As the C function.
pub unsafe fn pkey_alloc(_flags: libc::c_uint, _rights: libc::c_uint) -> Result<c_int, Exit> {
    alters_itself()
}

fn alters_itself() -> Result<c_int, Exit> {
    if let Some(t) = thread::current() {
        t.set_altered();
    }
    uses_itself()
}

/// ptrace(2): the kernel knows tracer and traced by kernel thread.
///
/// # Safety
/// As the C function.
pub unsafe fn ptrace(
    _request: libc::c_uint, _pid: pid_t, _at: *mut c_void, _data: *mut c_void,
) -> Result<c_long, Exit> {
    uses_itself()
}

/// prctl(2): the options that set what the kernel keeps for each thread.
///
/// # Safety
/// As the C function.
pub(super) unsafe fn prctl(option: c_int, a: [usize; 4]) -> Result<c_int, Exit> {
    const AMBIENT_ASKS: usize = 1;
    const SYSCALL_USER_DISPATCH: c_int = 59;
    const SCHED_CORE: c_int = 62;
    const IO_FLUSHER: c_int = 57;
    match option {
        libc::PR_CAP_AMBIENT if a[0] == AMBIENT_ASKS => Err(Exit::Native),
        libc::PR_SET_KEEPCAPS
        | libc::PR_SET_SECCOMP
        | libc::PR_CAPBSET_DROP
        | libc::PR_SET_TSC
        | libc::PR_SET_SECUREBITS
        | libc::PR_SET_TIMERSLACK
        | libc::PR_MCE_KILL
        | libc::PR_SET_NO_NEW_PRIVS
        | libc::PR_CAP_AMBIENT
        | libc::PR_SET_SPECULATION_CTRL
        | IO_FLUSHER
        // SAFETY: the caller's arguments.
        | SCHED_CORE => unsafe {
            Ok(changes_itself(libc::SYS_prctl, [option as usize, a[0], a[1], a[2], a[3], 0])? as c_int)
        },
        // Not inherited by threads.
        libc::PR_SET_PDEATHSIG
        | libc::PR_TASK_PERF_EVENTS_DISABLE
        | libc::PR_TASK_PERF_EVENTS_ENABLE
        | SYSCALL_USER_DISPATCH => uses_itself(),
        _ => Err(Exit::Native),
    }
}

/// The kernel's struct of capget(2) and capset(2).
#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilityHeader {
    version: u32,
    id: pid_t,
}

/// capset(2).
///
/// # Safety
/// As the C function.
pub unsafe fn capset(header: *mut c_void, data: *mut c_void) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_capset, [header as usize, data as usize, 0, 0, 0, 0]) }
}

/// capget(2).
///
/// # Safety
/// As the C function.
pub unsafe fn capget(header: *mut c_void, data: *mut c_void) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { int(libc::SYS_capget, [header as usize, data as usize, 0, 0, 0, 0]) }
}

/// The thread id is in the header, where the kernel says which version it would like.
///
/// # Safety
/// As the system call.
unsafe fn about_capabilities(n: c_long, mut a: Words, access: Access) -> Result<c_long, Exit> {
    let theirs = a[0] as *mut CapabilityHeader;
    let mut header = mem::read(theirs)?;
    header.id = kernel_id(header.id, access)?;
    a[0] = &raw mut header as usize;
    // SAFETY: a live header; the rest is the caller's, and so is the header that the kernel would have written to.
    unsafe {
        let answer = sys::syscall6(n, a);
        (*theirs).version = header.version;
        Ok(answer? as c_long)
    }
}

/// timer_create(2): a timer that tells one thread, or runs on one thread's clock, is given a kernel thread.
///
/// # Safety
/// As the C function.
pub unsafe fn timer_create(
    clock: libc::clockid_t, event: *mut libc::sigevent, timer: *mut libc::timer_t,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments; libc sets the calling thread's errno.
    with_thread_event(clock, event, |event| unsafe {
        match real::timer_create(clock, event, timer) {
            0 => Ok(0),
            _ => Err(Errno(*libc::__errno_location()).into()),
        }
    })
}

/// Calls `make` with an event that names the thread by the id that the kernel has for it.
fn with_thread_event<R>(
    clock: libc::clockid_t, event: *mut libc::sigevent, make: impl FnOnce(*mut libc::sigevent) -> Result<R, Exit>,
) -> Result<R, Exit> {
    if clock == libc::CLOCK_THREAD_CPUTIME_ID {
        bind::to_kernel_thread()?;
    }
    if event.is_null() {
        return Err(Exit::Native);
    }
    let mut own = mem::read::<libc::sigevent>(event)?;
    let id = own.sigev_notify_thread_id;
    if own.sigev_notify != libc::SIGEV_THREAD_ID {
        return Err(Exit::Native);
    }
    own.sigev_notify_thread_id = match signalled_id(id) {
        Err(Exit::Errno(libc::ESRCH)) => return Err(Exit::Native),
        id => id?,
    };
    make(&raw mut own)
}

/// fcntl(2)'s struct f_owner_ex.
#[repr(C)]
#[derive(Clone, Copy)]
struct Owner {
    kind: c_int,
    id: pid_t,
}

/// F_SETOWN and F_SETOWN_EX of fcntl(2): `set` makes the call, with the kernel's id for the thread that is to be told of input.
pub fn set_owner(command: c_int, argument: usize, set: impl FnOnce(usize) -> c_int) -> Result<c_int, Exit> {
    const F_OWNER_TID: c_int = 0;
    if command == libc::F_SETOWN {
        // Linux takes a thread's id for its process's, of which that thread is asked first. Below zero it is a group.
        let is_green = argument as c_int >= FIRST_TID as c_int;
        return Ok(set(if is_green { signalled_id(argument as pid_t)? as usize } else { argument }));
    }
    let owner = mem::read(argument as *const Owner)?;
    if owner.kind != F_OWNER_TID {
        return Ok(set(argument));
    }
    let own = Owner { id: signalled_id(owner.id)?, ..owner };
    Ok(set(&raw const own as usize))
}

/// The kernel's id for a thread that is to be sent signals, which has its kernel thread from now on.
fn signalled_id(id: pid_t) -> Result<pid_t, Exit> {
    if id == sys::getpid() {
        // The kernel's id of the first kernel thread, which is main's only from now on.
        thread::main_thread().map_or(Ok(()), bind::any)?;
    }
    if (id as u32) < FIRST_TID { Ok(id) } else { kernel_id(id, Access::Uses) }
}
