//! The kernel's door. Every system call of the engine is made here, with the `syscall` instruction.
//!
//! libc's wrappers are not used: they are cancellation points, they write the program's `errno`, and the
//! symbol may be our own hook. Nothing here allocates, locks or touches thread-local storage.

pub mod alloc;
pub mod fd;
pub mod futex;
pub mod lock;
pub mod maps;
pub mod mem;
pub mod sig;
pub mod task;
pub mod time;
pub mod vm;

use crate::errno::Errno;
use core::arch::asm;

/// Makes system call `nr` with up to six arguments.
///
/// # Safety
/// The arguments satisfy what the kernel asks of that system call: pointers are valid for the access it
/// makes, and the call does not invalidate memory that Rust code relies on.
#[inline(always)]
pub unsafe fn syscall6(nr: i64, a: [usize; 6]) -> Result<usize, Errno> {
    let ret: isize;
    // SAFETY: the x86-64 Linux convention: number in rax, arguments in rdi rsi rdx r10 r8 r9, rcx and r11
    // clobbered, result in rax. The caller vouches for the arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as isize => ret,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2],
            in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    if (-4095..0).contains(&ret) { Err(Errno(-ret as i32)) } else { Ok(ret as usize) }
}

/// `syscall!(SYS_x, a, b)` with each argument cast to a machine word. Must stand in an unsafe block.
#[macro_export]
#[doc(hidden)]
macro_rules! syscall {
    ($nr:expr $(, $arg:expr)*) => {
        $crate::sys::syscall6($nr as i64, $crate::syscall!(@pad [] $($arg,)* 0usize, 0usize, 0usize, 0usize, 0usize, 0usize,))
    };
    (@pad [$($done:tt)*] $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $($rest:tt)*) => {
        [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, $f as usize]
    };
}

/// Writes a message to standard error, as far as it goes; used for diagnostics only.
pub fn stderr(message: &[u8]) {
    // SAFETY: write reads `message.len()` bytes of a live slice and has no other effect on memory.
    let _ = unsafe { syscall!(libc::SYS_write, 2usize, message.as_ptr(), message.len()) };
}

/// The calling kernel thread's true id, whatever the program is told.
pub fn gettid() -> u32 {
    // SAFETY: gettid takes no arguments and cannot fail.
    unsafe { syscall!(libc::SYS_gettid) }.unwrap_or(0) as u32
}

/// Whether the process has one kernel thread; false when that cannot be known.
pub fn is_single_threaded() -> bool {
    // SAFETY: all zeros is a valid value.
    let mut about: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: a NUL-terminated path and a live structure; the kernel's layout is libc's.
    let asked = unsafe { syscall!(libc::SYS_stat, c"/proc/self/task".as_ptr(), &raw mut about) };
    // A directory for each, and the directory's own two names.
    asked.is_ok() && about.st_nlink == 3
}

/// The process id.
pub fn getpid() -> i32 {
    // SAFETY: getpid takes no arguments and cannot fail.
    unsafe { syscall!(libc::SYS_getpid) }.unwrap_or(0) as i32
}

/// Gives the CPU to another kernel thread.
pub fn sched_yield() {
    // SAFETY: sched_yield takes no arguments.
    let _ = unsafe { syscall!(libc::SYS_sched_yield) };
}

/// A fixed buffer to format a diagnostic into without allocating; overlong text is cut.
pub struct Line {
    buf: [u8; 1024],
    len: usize,
}

impl Line {
    pub const fn new() -> Line {
        Line { buf: [0; 1024], len: 0 }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

impl Default for Line {
    fn default() -> Line {
        Line::new()
    }
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let n = s.len().min(self.buf.len() - self.len);
        self.buf[self.len..self.len + n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        Ok(())
    }
}

/// Ends the process with a message: the engine met something that it cannot survive.
pub fn fatal(args: core::fmt::Arguments<'_>) -> ! {
    let mut line = Line::new();
    let _ = core::fmt::write(&mut line, format_args!("libgreenlet: fatal: {args}\n"));
    stderr(line.bytes());
    // SAFETY: SIGABRT with its default action ends the process; the calls touch no memory of ours.
    unsafe {
        let _ = sig::reset_default(libc::SIGABRT);
        let _ = syscall!(libc::SYS_tgkill, getpid(), gettid(), libc::SIGABRT);
        let _ = syscall!(libc::SYS_exit_group, 134usize);
    }
    loop {
        core::hint::spin_loop();
    }
}
