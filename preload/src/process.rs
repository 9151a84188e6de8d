//! Processes, and everything that waits in the kernel for something no descriptor tells of: children, file locks,
//! disks, terminals, signals, message queues and semaphores of System V and POSIX. Most of what `fork` needs the
//! engine's `pthread_atfork` handlers do, since libc forks inside too. Registering some is hooked, so that the engine's come
//! first.

use crate::c::ForkHandler;
use crate::ret::{Convention, ErrorNumber};
use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use engine::{Exit, ops, real::Next};
use libc::{
    aiocb, id_t, idtype_t, mode_t, mq_attr, mqd_t, off_t, off64_t, pid_t, posix_spawn_file_actions_t,
    posix_spawnattr_t, rusage, sembuf, sigevent, siginfo_t, size_t, ssize_t, termios, timespec, winsize,
};

type ChildFunction = extern "C" fn(*mut c_void) -> c_int;

/// `vfork(2)`, which returns twice on one stack. The child goes first and overwrites the return address, so it is kept
/// in a register across the system call: registers are each process's own.
///
/// ```text
///     [rsp]  the return address at entry, at `jmp`, and not in between
///     rdi    the return address, from `pop` to `push`
/// ```
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C-unwind" fn vfork() -> pid_t {
    core::arch::naked_asm!(
        ".cfi_startproc",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "call {begin}",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "test rax, rax",
        "jz 2f",
        "jmp rax",
        "2: pop rdi",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_register rip, rdi",
        "mov eax, {vfork}",
        "syscall",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_offset rip, -8",
        "mov rdi, rax",
        "jmp {returned}",
        ".cfi_endproc",
        begin = sym vfork_begins,
        vfork = const libc::SYS_vfork,
        returned = sym vfork_returned,
    )
}

/// What `vfork` does: null for the system call, else where to jump.
extern "C" fn vfork_begins() -> *const () {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(vfork);
    proof!(vfork() -> pid_t);
    if !engine::active() {
        return NEXT.get();
    }
    ops::process::vfork_prepare(ops::process::Shares::NOTHING);
    core::ptr::null()
}

/// In the child, and then in the parent; `result` is the kernel's.
extern "C" fn vfork_returned(result: c_long) -> pid_t {
    if result == 0 {
        ops::process::vfork_child();
        return 0;
    }
    ops::process::vfork_parent();
    if result < 0 { Convention::failed(-result as c_int) } else { result as pid_t }
}

/// What `clone` runs in the child.
struct ChildStart {
    child: ops::process::Begun,
    function: ChildFunction,
    argument: *mut c_void,
}

/// The child begins here, on its own stack. What it is given is its parent's, who is held, or a copy.
extern "C" fn child_begins(start: *mut c_void) -> c_int {
    // SAFETY: `clone` passes this, alive until the parent is let go, or in memory of the child's own.
    let ChildStart { child, function, argument } = unsafe { start.cast::<ChildStart>().read() };
    child.arrive();
    let status = function(argument);
    child.leave(status);
    status
}

/// `clone(2)`: a child that shares our memory while we are held is a vfork's, one that does not is a fork's. One that shares it
/// and holds nobody is given a thread pointer of its own.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn clone(
    function: Option<ChildFunction>, stack: *mut c_void, flags: c_int, argument: *mut c_void, parent_id: *mut pid_t,
    tls: *mut c_void, child_id: *mut pid_t,
) -> c_int {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = next!(clone);
    proof!(clone(
        function: ChildFunction, stack: *mut c_void, flags: c_int, argument: *mut c_void, parent_id: *mut pid_t,
        tls: *mut c_void, child_id: *mut pid_t
    ) -> c_int);
    let real = |function: ChildFunction, argument: *mut c_void, flags: c_int, tls: *mut c_void| {
        call_next!(NEXT(
            function: ChildFunction, stack: *mut c_void, flags: c_int, argument: *mut c_void, parent_id: *mut pid_t,
            tls: *mut c_void, child_id: *mut pid_t
        ) -> c_int)
    };
    let Some(function) = function.filter(|_| !stack.is_null()) else {
        return Convention::failed(libc::EINVAL);
    };
    let child = match ops::process::Child::begin(flags, child_id) {
        Ok(child) => child,
        Err(Exit::Errno(error)) => return Convention::failed(error),
        Err(_) => return real(function, argument, flags, tls),
    };
    let mut start = ChildStart { child, function, argument };
    let id = match child.thread_pointer() {
        Some(at) => real(function, argument, flags | libc::CLONE_SETTLS, core::ptr::with_exposed_provenance_mut(at)),
        None => real(child_begins, (&raw mut start).cast(), flags, tls),
    };
    child.end(id);
    id
}

hook! { fn fork() -> pid_t = ops::process::fork }
hook! {
    fn forkpty(master: *mut c_int, name: *mut c_char, settings: *const termios, size: *const winsize) -> pid_t
        = ops::process::forkpty
}
hook! { fn _Fork() -> pid_t = ops::process::fork_raw }
// The first is what the `pthread_atfork` in each program and library calls, the second what some found in libc when it
// was a function there.
hook! {
    always fn __register_atfork(prepare: ForkHandler, parent: ForkHandler, child: ForkHandler, object: *mut c_void)
        -> ErrorNumber = ops::process::register_atfork
}
hook! {
    always fn pthread_atfork(prepare: ForkHandler, parent: ForkHandler, child: ForkHandler) -> ErrorNumber
        = ops::process::atfork, version "GLIBC_2.2.5"
}

type Strings = *const *const c_char;

exec! { fn execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int }
exec! { fn execv(path: *const c_char, argv: Strings) -> c_int }
exec! { fn execvp(file: *const c_char, argv: Strings) -> c_int }
exec! { fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int }
exec! { fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int }
exec! { fn execveat(folder: c_int, path: *const c_char, argv: Strings, envp: Strings, flags: c_int) -> c_int }

unsafe extern "C" {
    static environ: Strings;
}

/// The arguments after the first of a function with any number of them: five came in registers, the others on the stack.
#[repr(C)]
struct Rest {
    registers: [*const c_char; 5],
    pad: usize,
    returns_to: usize,
    stack: [*const c_char; 0],
}

impl Rest {
    /// # Safety
    /// There are more than `at` arguments.
    unsafe fn get(&self, at: usize) -> *const c_char {
        // SAFETY: the caller's promise.
        self.registers
            .get(at)
            .copied()
            .unwrap_or_else(|| unsafe { *self.stack.as_ptr().add(at - self.registers.len()) })
    }

    /// Calls `exec` with the strings before the null, as an array, and with what follows that.
    ///
    /// # Safety
    /// The arguments are strings and a null, and one more where `exec` uses it.
    unsafe fn gathered(&self, exec: impl FnOnce(Strings, &dyn Fn() -> Strings) -> c_int) -> c_int {
        /// As many as fit here need no memory of the heap's, which a child of vfork would not give back.
        const FEW: usize = 128;
        // SAFETY: the caller's promise.
        unsafe {
            let count = (0..).take_while(|&at| !self.get(at).is_null()).count();
            let mut few = [core::ptr::null(); FEW];
            let mut many = Vec::new();
            let array = if count < FEW {
                &mut few[..]
            } else {
                many.resize(count + 1, core::ptr::null());
                &mut many[..]
            };
            for (at, string) in array[..count].iter_mut().enumerate() {
                *string = self.get(at);
            }
            exec(array.as_ptr(), &|| self.get(count + 1).cast())
        }
    }
}

/// A hook of a function that takes any number of strings: the first argument and the others are handed to another one.
///
/// ```text
///     the caller's frame     [rsp + 8]   the seventh argument, and those after it
///     the return address     [rsp]       at entry and at `ret`
///     a word that aligns
///     rsi rdx rcx r8 r9      `Rest` begins here
/// ```
macro_rules! strings {
    ($name:ident => $gather:ident) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C-unwind" fn $name() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "sub rsp, 48",
                ".cfi_adjust_cfa_offset 48",
                "mov [rsp], rsi",
                "mov [rsp + 8], rdx",
                "mov [rsp + 16], rcx",
                "mov [rsp + 24], r8",
                "mov [rsp + 32], r9",
                "mov rsi, rsp",
                "sub rsp, 8",
                ".cfi_adjust_cfa_offset 8",
                "call {gather}",
                "add rsp, 56",
                ".cfi_adjust_cfa_offset -56",
                "ret",
                ".cfi_endproc",
                gather = sym $gather,
            )
        }
    };
}

strings! { execl => execl_gathered }
strings! { execle => execle_gathered }
strings! { execlp => execlp_gathered }

unsafe extern "C-unwind" fn execl_gathered(path: *const c_char, rest: &Rest) -> c_int {
    // SAFETY: the caller's strings; the environment is libc's.
    unsafe { rest.gathered(|argv, _| execve(path, argv, environ)) }
}

unsafe extern "C-unwind" fn execle_gathered(path: *const c_char, rest: &Rest) -> c_int {
    // SAFETY: the caller's strings, and its environment behind them.
    unsafe { rest.gathered(|argv, envp| execve(path, argv, envp())) }
}

unsafe extern "C-unwind" fn execlp_gathered(file: *const c_char, rest: &Rest) -> c_int {
    // SAFETY: the caller's strings.
    unsafe { rest.gathered(|argv, _| execvp(file, argv)) }
}

// Rejected: to park on a pidfd while the wait is for one child. A plain wait also tells of a child's stops under ptrace,
// which it may have asked for itself (PTRACE_TRACEME) and no pidfd tells of; and the descriptor would for a moment take
// the lowest free number, which another thread that opens a file at that moment would see.
offload! { fn wait(status: *mut c_int) -> pid_t }
offload! { fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t }
offload! { fn __wait(status: *mut c_int) -> pid_t }
offload! { fn __waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t }
offload! { fn waitid(kind: idtype_t, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int }
offload! { fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t }
offload! { fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t }
offload! { fn system(command: *const c_char) -> c_int }
// Until the child has become another program, on a stack of libc's: the caller's kernel thread is held meanwhile.
offload! {
    parent fn posix_spawn(
        child: *mut pid_t, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, arguments: *const *mut c_char, environment: *const *mut c_char,
    ) -> ErrorNumber
}
offload! {
    parent fn posix_spawnp(
        child: *mut pid_t, file: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, arguments: *const *mut c_char, environment: *const *mut c_char,
    ) -> ErrorNumber
}

offload! { fn fsync(fd: c_int) -> c_int }
offload! { fn fdatasync(fd: c_int) -> c_int }
offload! { fn sync() -> () }
offload! { fn syncfs(fd: c_int) -> c_int }
offload! { fn sync_file_range(fd: c_int, offset: off64_t, len: off64_t, flags: c_uint) -> c_int }
offload! { fn msync(start: *mut c_void, len: size_t, flags: c_int) -> c_int, if flags & libc::MS_SYNC != 0 }
offload! {
    fn copy_file_range(
        from: c_int, from_offset: *mut off64_t, to: c_int, to_offset: *mut off64_t, len: size_t, flags: c_uint,
    ) -> ssize_t
}
offload! { fn aio_suspend(list: *const *const aiocb, count: c_int, timeout: *const timespec) -> c_int }
offload! { fn aio_suspend64(list: *const *const aiocb, count: c_int, timeout: *const timespec) -> c_int }
offload! {
    fn lio_listio(mode: c_int, list: *const *mut aiocb, count: c_int, event: *mut sigevent) -> c_int,
    if mode == libc::LIO_WAIT
}
offload! {
    fn lio_listio64(mode: c_int, list: *const *mut aiocb, count: c_int, event: *mut sigevent) -> c_int,
    if mode == libc::LIO_WAIT
}
offload! { fn flock(fd: c_int, operation: c_int) -> c_int }
offload! { fn lockf(fd: c_int, command: c_int, len: off_t) -> c_int }
offload! { fn lockf64(fd: c_int, command: c_int, len: off64_t) -> c_int }
offload! { fn tcdrain(fd: c_int) -> c_int }
offload! { fn tcsendbreak(fd: c_int, duration: c_int) -> c_int }
offload! {
    fn tcsetattr(fd: c_int, when: c_int, settings: *const termios) -> c_int, if when != libc::TCSANOW
}

offload! { fn msgrcv(queue: c_int, msg: *mut c_void, len: size_t, kind: c_long, flags: c_int) -> ssize_t }
offload! { fn msgsnd(queue: c_int, msg: *const c_void, len: size_t, flags: c_int) -> c_int }
offload! { fn semop(set: c_int, operations: *mut sembuf, count: size_t) -> c_int }
offload! { fn semtimedop(set: c_int, operations: *mut sembuf, count: size_t, timeout: *const timespec) -> c_int }
open! { fn mq_open(name: *const c_char, flags: c_int, mode: mode_t, settings: *mut mq_attr) -> c_int }
hook! { closing fn mq_close(queue: mqd_t) -> c_int = ops::fd::close_now }
offload! { fn mq_receive(queue: mqd_t, msg: *mut c_char, len: size_t, priority: *mut c_uint) -> ssize_t }
offload! {
    fn mq_timedreceive(queue: mqd_t, msg: *mut c_char, len: size_t, priority: *mut c_uint, deadline: *const timespec)
        -> ssize_t
}
offload! { fn mq_send(queue: mqd_t, msg: *const c_char, len: size_t, priority: c_uint) -> c_int }
offload! {
    fn mq_timedsend(queue: mqd_t, msg: *const c_char, len: size_t, priority: c_uint, deadline: *const timespec) -> c_int
}
