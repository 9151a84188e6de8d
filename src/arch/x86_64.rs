//! x86-64: thread pointer, thread-local words, trampolines.
//!
//! What may not be assumed: that any TLS but the words below is reachable between writing the thread
//! pointer and switching the stack. Every function that does either is `inline(always)` or assembly.

use crate::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::arch::{asm, global_asm};

// The block, 72 bytes of static TLS reached by one load of its offset (initial-exec):
//   +0   current   *const Thread, null on workers and foreign threads
//   +8   depth     i32, nesting inside the runtime
//   +12  deferred  u32, non-zero when a signal waits for depth 0
//   +16  worker    *const Worker, set on a worker's own TCB only
//   +24  held      what `current` was, and the bits below, while a vfork child has the thread's stack and TCB, or for good where
//                  another process has this TCB; else 0
//   +32  held_mask u64, the signal mask of that child and its parent
//   +40  waiter    *const Waiter, where a foreign thread sleeps; null elsewhere
//   +48  put_off   u64, the signals that a foreign thread has left with the kernel until depth 0
//   +56  outcome   what the handlers of a foreign thread mean for the call that they interrupted
//   +64  own_table u64, non-zero on a kernel thread whose table of descriptors is not the process's
global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 8",
    ".globl greenlet_tls_block",
    ".hidden greenlet_tls_block",
    ".type greenlet_tls_block,@object",
    ".size greenlet_tls_block,72",
    "greenlet_tls_block:",
    ".zero 72",
    ".popsection",
);
macro_rules! tls_read {
    ($off:literal, $reg:literal, $ty:ty) => {{
        let v: $ty;
        // SAFETY: reads one word of this module's own static TLS through the thread pointer.
        unsafe {
            asm!(
                "mov {t}, qword ptr [rip + greenlet_tls_block@GOTTPOFF]",
                concat!("mov {v", $reg, "}, fs:[{t} + ", $off, "]"),
                t = out(reg) _, v = lateout(reg) v, options(nostack, preserves_flags, readonly)
            );
        }
        v
    }};
}

macro_rules! tls_write {
    ($off:literal, $reg:literal, $v:expr) => {
        // SAFETY: writes one word of this module's own static TLS through the thread pointer.
        unsafe {
            asm!(
                "mov {t}, qword ptr [rip + greenlet_tls_block@GOTTPOFF]",
                concat!("mov fs:[{t} + ", $off, "], {v", $reg, "}"),
                t = out(reg) _, v = in(reg) $v, options(nostack, preserves_flags)
            )
        }
    };
}

/// The calling thread's record; null on workers and on foreign threads.
#[inline(always)]
pub fn current() -> *const crate::thread::Thread {
    let p: usize = tls_read!(0, "", usize);
    p as *const crate::thread::Thread
}

#[inline(always)]
pub fn set_current(t: *const crate::thread::Thread) {
    tls_write!(0, "", t as usize);
}

#[inline(always)]
pub fn depth() -> i32 {
    tls_read!(8, ":e", i32)
}

#[inline(always)]
pub fn set_depth(depth: i32) {
    tls_write!(8, ":e", depth);
}

/// Adds to the depth in one instruction, so that a signal sees either value.
#[inline(always)]
pub fn depth_add(n: i32) {
    // SAFETY: modifies one word of this module's own static TLS.
    unsafe {
        asm!(
            "mov {t}, qword ptr [rip + greenlet_tls_block@GOTTPOFF]",
            "add dword ptr fs:[{t} + 8], {n:e}",
            t = out(reg) _, n = in(reg) n, options(nostack)
        );
    }
}

#[inline(always)]
pub fn deferred() -> bool {
    tls_read!(12, ":e", u32) != 0
}

#[inline(always)]
pub fn set_deferred(on: bool) {
    tls_write!(12, ":e", on as u32);
}

/// The worker whose own TCB this is; null elsewhere.
#[inline(always)]
pub fn tls_worker() -> *const crate::sched::Worker {
    let p: usize = tls_read!(16, "", usize);
    p as *const crate::sched::Worker
}

#[inline(always)]
pub fn set_tls_worker(w: *const crate::sched::Worker) {
    tls_write!(16, "", w as usize);
}

/// In `held`, where records are aligned to more: that it is, and two bits for what the process that has it shares (`beside`).
const HELD: usize = 1;
const HELD_BITS: usize = 7;

/// Whether a vfork child has this thread's stack and TCB, or another process this TCB: then it is that one who asks.
#[inline(always)]
pub fn is_held() -> bool {
    tls_read!(24, "", usize) != 0
}

/// Whether the caller is such a process, and shares this besides memory.
pub fn shares(bits: usize) -> bool {
    tls_read!(24, "", usize) & bits != 0
}

/// What `held` is in the TCB of a process that shares this.
pub const fn held_by_process(shares: usize) -> usize {
    HELD | shares
}

/// Lends the thread's stack and TCB, and with them `current`, to a vfork child that starts with this signal mask and shares
/// this.
#[inline(always)]
pub fn hold(mask: u64, shares: usize) {
    tls_write!(32, "", mask);
    tls_write!(24, "", current() as usize | HELD | shares);
    set_current(core::ptr::null());
}

/// Ends [`hold`]: the thread is itself again. The mask that was given.
#[inline(always)]
pub fn release() -> u64 {
    let held = tls_read!(24, "", usize);
    set_current((held & !HELD_BITS) as *const crate::thread::Thread);
    tls_write!(24, "", 0usize);
    held_mask()
}

/// The record of the thread whose thread pointer is `tp`, held or not; null for a foreign thread.
///
/// # Safety
/// `tp` is a live TCB.
#[inline]
pub unsafe fn current_of(tp: usize) -> *const crate::thread::Thread {
    let block = (tp as isize + tls_offset()) as *const AtomicUsize;
    // SAFETY: the block is static TLS: at the same offset in every TCB.
    unsafe {
        let word = |n: usize| (*block.add(n)).load(Ordering::Acquire);
        match (word(0), word(3)) {
            // One that is being released has its first word back before it loses the other.
            (0, 0) => word(0) as *const crate::thread::Thread,
            (0, held) => (held & !HELD_BITS) as *const crate::thread::Thread,
            (current, _) => current as *const crate::thread::Thread,
        }
    }
}

/// The mask that was given to [`hold`].
#[inline(always)]
pub fn held_mask() -> u64 {
    tls_read!(32, "", u64)
}

/// Where the calling foreign thread sleeps.
#[inline(always)]
pub fn foreign_waiter() -> *const crate::thread::wait::Waiter {
    let p: usize = tls_read!(40, "", usize);
    p as *const crate::thread::wait::Waiter
}

#[inline(always)]
pub fn set_foreign_waiter(w: *const crate::thread::wait::Waiter) {
    tls_write!(40, "", w as usize);
}

#[inline(always)]
pub fn put_off() -> u64 {
    tls_read!(48, "", u64)
}

#[inline(always)]
pub fn set_put_off(signals: u64) {
    tls_write!(48, "", signals);
}

#[inline(always)]
pub fn foreign_outcome() -> usize {
    tls_read!(56, "", usize)
}

#[inline(always)]
pub fn set_foreign_outcome(outcome: usize) {
    tls_write!(56, "", outcome);
}

/// Whether the calling thread has a table of descriptors of its own.
#[inline(always)]
pub fn has_own_table() -> bool {
    tls_read!(64, "", usize) != 0
}

#[inline(always)]
pub fn set_own_table(on: bool) {
    tls_write!(64, "", on as usize);
}

/// The offset of the block from the thread pointer, the same in every thread.
pub fn tls_offset() -> isize {
    let off: isize;
    // SAFETY: reads a GOT entry that the dynamic linker filled.
    unsafe {
        asm!("mov {0}, qword ptr [rip + greenlet_tls_block@GOTTPOFF]", out(reg) off, options(nostack, preserves_flags, readonly))
    };
    off
}

static FSGSBASE: AtomicBool = AtomicBool::new(false);
const HWCAP2_FSGSBASE: u64 = 1 << 1;
const ARCH_SET_FS: i32 = 0x1002;

/// Decides how the thread pointer is written: the instruction where the kernel allows it, else
/// `arch_prctl`, which `GREENLET_FORCE=arch_prctl` in the environment forces (tests).
pub fn init(allow_fsgsbase: bool) {
    // SAFETY: getauxval reads a table that the kernel left at start.
    let hwcap2 = unsafe { libc::getauxval(libc::AT_HWCAP2) };
    FSGSBASE.store(allow_fsgsbase && hwcap2 & HWCAP2_FSGSBASE != 0, Ordering::Relaxed);
}

/// The thread pointer.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let tp: usize;
    // SAFETY: the TCB's first word is its own address (the x86-64 TLS ABI).
    unsafe { asm!("mov {0}, fs:[0]", out(reg) tp, options(nostack, preserves_flags, readonly)) };
    tp
}

/// A request to valgrind, which knows it by these instructions; on a CPU they change nothing, and the answer is 0.
pub fn ask_valgrind(request: [usize; 6]) -> usize {
    let answer: usize;
    // SAFETY: the rotations add up to 128 bits, and the exchange is with itself.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") request.as_ptr(), inout("rdx") 0usize => answer, options(nostack),
        );
    }
    answer
}

/// Makes `tp` the thread pointer of this kernel thread.
///
/// # Safety
/// `tp` is a live TCB that no other kernel thread runs on, and the caller switches to the stack that
/// belongs to it before anything touches TLS.
#[inline(always)]
pub unsafe fn set_thread_pointer(tp: usize) {
    if FSGSBASE.load(Ordering::Relaxed) {
        // SAFETY: the kernel advertised the instruction; the caller vouches for the value.
        unsafe { asm!("wrfsbase {0}", in(reg) tp, options(nostack, preserves_flags)) };
    } else {
        // SAFETY: as above, through the kernel.
        let _ = unsafe { crate::syscall!(libc::SYS_arch_prctl, ARCH_SET_FS, tp) };
    }
}

/// Floating-point control state, which POSIX gives to each thread: MXCSR and the x87 control word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FpControl {
    mxcsr: u32,
    x87: u16,
}

impl FpControl {
    /// What the ABI promises at thread start.
    pub const DEFAULT: FpControl = FpControl { mxcsr: 0x1f80, x87: 0x037f };

    /// Reads this CPU's control words, status flags left out.
    #[inline(always)]
    pub fn save() -> FpControl {
        let mut fp = FpControl::DEFAULT;
        // SAFETY: both instructions store into live locals.
        unsafe {
            asm!("stmxcsr [{0}]", "fnstcw [{1}]", in(reg) &mut fp.mxcsr, in(reg) &mut fp.x87, options(nostack, preserves_flags));
        }
        fp
    }

    /// Loads the control words.
    #[inline(always)]
    pub fn load(&self) {
        // SAFETY: both words came from `save` or are the defaults, so no reserved bit is set.
        unsafe {
            asm!("ldmxcsr [{0}]", "fldcw [{1}]", in(reg) &self.mxcsr, in(reg) &self.x87, options(nostack, preserves_flags, readonly));
        }
    }
}

// greenlet_swap(save: *mut usize, to: usize): leaves this stack and continues another.
//
// The stack of a suspended adopted thread or of a worker that runs one:
//
//   | return address |
//   | rbp rbx r12-r15|   pushed below, in this order
//   +----------------+ <- *save
//
// A fresh worker stack is laid out the same way by `prepare_stack`, with the entry as return address.
global_asm!(
    ".pushsection .text.greenlet_swap,\"ax\",@progbits",
    ".balign 16",
    ".globl greenlet_swap",
    ".hidden greenlet_swap",
    ".type greenlet_swap,@function",
    "greenlet_swap:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov [rdi], rsp",
    "mov rsp, rsi",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".size greenlet_swap, . - greenlet_swap",
    ".popsection",
);

unsafe extern "C" {
    fn greenlet_swap(save: *mut usize, to: usize);
    fn greenlet_hatch_exit(flag: *const u32) -> !;
    fn greenlet_entry(start: usize, arg: usize, unwind_buf: *mut u8, calls: *const EntryCalls) -> Outcome;
}

/// Saves this context's stack pointer in `save` and continues at `to`.
///
/// # Safety
/// `to` was saved by `swap` or made by [`prepare_stack`], is continued exactly once, and the thread pointer
/// already is the one that belongs to it.
#[inline(always)]
pub unsafe fn swap(save: *mut usize, to: usize) {
    // SAFETY: the caller's promise is the function's contract.
    unsafe { greenlet_swap(save, to) }
}

/// Lays out an empty stack so that a [`swap`] to the result calls `entry`.
///
/// # Safety
/// `top` is the 16-byte aligned end of at least 4 KiB of writable memory that nothing else uses.
pub unsafe fn prepare_stack(top: usize, entry: extern "C" fn() -> !) -> usize {
    // Six saved registers, the entry as return address, and one word so that the entry sees the alignment
    // it would have after a call.
    let sp = top - 8 * 8;
    // SAFETY: the eight words lie in the caller's memory.
    unsafe {
        let words = sp as *mut usize;
        for i in 0..6 {
            words.add(i).write(0);
        }
        words.add(6).write(entry as usize);
        words.add(7).write(0);
    }
    sp
}

// greenlet_hatch_exit(flag): the last steps of a hijacked pthread's kernel thread. rdi: the flag that says
// the stack is free. From the store on another worker may run on this very stack, so nothing below touches
// it: registers and `syscall` only (which clobbers rax, rcx and r11). Signals are blocked.
global_asm!(
    ".pushsection .text.greenlet_hatch_exit,\"ax\",@progbits",
    ".balign 16",
    ".globl greenlet_hatch_exit",
    ".hidden greenlet_hatch_exit",
    ".type greenlet_hatch_exit,@function",
    "greenlet_hatch_exit:",
    "mov dword ptr [rdi], 1",
    "mov eax, 202", // futex(flag, FUTEX_WAKE|PRIVATE, 1)
    "mov esi, 129",
    "mov edx, 1",
    "syscall",
    "mov eax, 60", // exit(0): this kernel thread only
    "xor edi, edi",
    "syscall",
    "ud2",
    ".size greenlet_hatch_exit, . - greenlet_hatch_exit",
    ".popsection",
);

/// Publishes `flag` and ends this kernel thread without touching its stack again.
///
/// # Safety
/// All signals are blocked; the kernel no longer knows the TCB (tid address, robust list, rseq).
pub unsafe fn hatch_exit(flag: *const u32) -> ! {
    // SAFETY: the caller's promise is the trampoline's contract.
    unsafe { greenlet_hatch_exit(flag) }
}

/// libc's half of unwinding, as the entry trampoline calls it.
#[repr(C)]
pub struct EntryCalls {
    pub sigsetjmp: usize,
    pub register_cancel: usize,
    pub unregister_cancel: usize,
}

/// How a start routine ended.
#[repr(C)]
pub struct Outcome {
    /// What it returned; meaningless when unwound.
    pub value: usize,
    /// 1 when pthread_exit or cancellation unwound it.
    pub unwound: usize,
}

// greenlet_entry(start, arg, unwind_buf, calls) -> (value, unwound)
//
// Calls the program's start routine under a registered unwind buffer, so that glibc's forced unwinding
// (pthread_exit, cancellation) ends here instead of in start_thread, whose end would take the kernel thread
// with it. sigsetjmp returns twice, which is why this is assembly: after the second return only rbx, r12,
// r13, r14, rbp and rsp, which the jump restores, are relied on. The return address is declared undefined:
// an uncaught C++ exception finds the end of the stack here, as it does in start_thread, and terminates.
//
//   rbx start   r12 arg   r13 unwind_buf   r14 calls
global_asm!(
    ".pushsection .text.greenlet_entry,\"ax\",@progbits",
    ".balign 16",
    ".globl greenlet_entry",
    ".hidden greenlet_entry",
    ".type greenlet_entry,@function",
    "greenlet_entry:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "mov rbx, rdi",
    "mov r12, rsi",
    "mov r13, rdx",
    "mov r14, rcx",
    "mov rdi, r13",
    "xor esi, esi",
    "call [r14]", // __sigsetjmp(buf, 0)
    "test eax, eax",
    "jne 2f",
    "mov rdi, r13",
    "call [r14 + 8]", // __pthread_register_cancel(buf)
    "mov rdi, r12",
    "call rbx",
    "mov rbx, rax",
    "mov rdi, r13",
    "call [r14 + 16]", // __pthread_unregister_cancel(buf)
    "mov rax, rbx",
    "xor edx, edx",
    "jmp 3f",
    "2:", // unwound: rsp is as it was at the call of sigsetjmp
    "xor eax, eax",
    "mov edx, 1",
    "3:",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".cfi_endproc",
    ".size greenlet_entry, . - greenlet_entry",
    ".popsection",
);

/// Runs `start(arg)` until it returns or is unwound.
///
/// # Safety
/// `unwind_buf` is 16-byte aligned, 256 bytes and lives in the caller's frame; `calls` are libc's.
#[inline(always)]
pub unsafe fn call_start(start: usize, arg: usize, unwind_buf: *mut u8, calls: *const EntryCalls) -> Outcome {
    // SAFETY: the caller's promise is the trampoline's contract.
    unsafe { greenlet_entry(start, arg, unwind_buf, calls) }
}

// greenlet_copy_guarded(to, from, len) -> 1, or 0 when `from` cannot be read. The one instruction that may fault
// is at a label that the SIGSEGV handler knows; it continues at the second label.
global_asm!(
    ".pushsection .text.greenlet_copy_guarded,\"ax\",@progbits",
    ".balign 16",
    ".globl greenlet_copy_guarded",
    ".hidden greenlet_copy_guarded",
    ".globl greenlet_copy_guarded_access",
    ".hidden greenlet_copy_guarded_access",
    ".globl greenlet_copy_guarded_fault",
    ".hidden greenlet_copy_guarded_fault",
    ".type greenlet_copy_guarded,@function",
    "greenlet_copy_guarded:",
    "mov rcx, rdx",
    "mov eax, 1",
    "greenlet_copy_guarded_access:",
    "rep movsb",
    "ret",
    "greenlet_copy_guarded_fault:",
    "xor eax, eax",
    "ret",
    ".size greenlet_copy_guarded, . - greenlet_copy_guarded",
    ".popsection",
);

unsafe extern "C" {
    fn greenlet_copy_guarded(to: *mut u8, from: *const u8, len: usize) -> u32;
    static greenlet_copy_guarded_access: u8;
    static greenlet_copy_guarded_fault: u8;
}

/// Copies `len` bytes; false when the source cannot be read, or the destination cannot be written. Needs the engine's SIGSEGV handler.
///
/// # Safety
/// What is at `to`, if anything, is the caller's to write.
pub unsafe fn copy_guarded(to: *mut u8, from: *const u8, len: usize) -> bool {
    // SAFETY: the caller's destination; a fault on either side is recovered from.
    unsafe { greenlet_copy_guarded(to, from, len) != 0 }
}

/// In a SIGSEGV handler: continues a [`copy_guarded`] that faulted. False when it was something else.
///
/// # Safety
/// `context` is the handler's ucontext.
pub unsafe fn recover(context: *mut core::ffi::c_void) -> bool {
    // SAFETY: the caller's context; the labels are code addresses that are not read.
    unsafe {
        let rip = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize];
        let hit = *rip as usize == (&raw const greenlet_copy_guarded_access) as usize;
        if hit {
            *rip = (&raw const greenlet_copy_guarded_fault) as i64;
        }
        hit
    }
}

/// A signal handler with SA_SIGINFO.
pub type Handler = unsafe extern "C-unwind" fn(i32, *mut libc::siginfo_t, *mut core::ffi::c_void);

unsafe extern "C-unwind" {
    fn greenlet_call_on(
        end: usize, f: Handler, signo: i32, info: *mut libc::siginfo_t, context: *mut core::ffi::c_void,
    );
}

// greenlet_call_on(end, f, signo, info, context): calls f(signo, info, context) on the stack that ends at `end`, 16-byte
// aligned. rbp holds this stack meanwhile, and unwinding goes through it.
global_asm!(
    ".pushsection .text.greenlet_call_on,\"ax\",@progbits",
    ".balign 16",
    ".globl greenlet_call_on",
    ".hidden greenlet_call_on",
    ".type greenlet_call_on,@function",
    "greenlet_call_on:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbp, 0",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rsp, rdi",
    "mov rax, rsi",
    "mov edi, edx",
    "mov rsi, rcx",
    "mov rdx, r8",
    "call rax",
    "mov rsp, rbp",
    ".cfi_def_cfa_register rsp",
    "pop rbp",
    ".cfi_adjust_cfa_offset -8",
    "ret",
    ".cfi_endproc",
    ".size greenlet_call_on, . - greenlet_call_on",
    ".popsection",
);

/// Calls a signal handler on another stack.
///
/// # Safety
/// `end` is the 16-byte aligned end of a stack that nothing uses; the rest is as for `f`.
pub unsafe fn call_on(end: usize, f: Handler, signo: i32, info: *mut libc::siginfo_t, context: *mut core::ffi::c_void) {
    // SAFETY: the caller's promise is the function's contract.
    unsafe { greenlet_call_on(end, f, signo, info, context) }
}

/// The instruction that a signal handler interrupted.
///
/// # Safety
/// `context` is the handler's ucontext.
pub unsafe fn interrupted_in(context: *const core::ffi::c_void) -> usize {
    // SAFETY: the caller's context.
    unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] as usize }
}

/// Begins a signal handler as the kernel would, with its frame at `frame`, where the address that it returns to is.
///
/// # Safety
/// A whole frame of the kernel's lies at `frame`, with what `info` and `context` name; this stack is left without a
/// destructor being run.
pub unsafe fn begin_handler(
    frame: usize, f: Handler, signo: i32, info: *mut libc::siginfo_t, context: *mut core::ffi::c_void,
) -> ! {
    // SAFETY: the stack is as at a handler's entry; nothing here is returned to.
    unsafe {
        asm!(
            "mov rsp, {frame}",
            "jmp {f}",
            frame = in(reg) frame, f = in(reg) f,
            in("edi") signo, in("rsi") info, in("rdx") context,
            options(noreturn)
        )
    }
}

/// Asks for the cache line at any address, valid or not; never faults.
#[inline(always)]
pub fn prefetch(at: usize) {
    // SAFETY: a hint: it reads nothing that the program could see and cannot fault.
    unsafe { core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(at as *const i8) };
}

/// This function's stack pointer, roughly.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: copies a register.
    unsafe { asm!("mov {0}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}
