//! Address space for stacks: what of mmap(2) and madvise(2) the engine needs for it.

use crate::arch;
use crate::syscall;

const PAGE: usize = 4096;
/// Since Linux 6.13.
const MADV_GUARD_INSTALL: usize = 102;

/// Private zeroed memory, committed as it is touched, without huge pages; `None` when the kernel refuses.
pub fn map_stacks(size: usize) -> Option<usize> {
    // SAFETY: a new mapping where the kernel likes.
    unsafe { map(0, size, 0) }
}

/// The same in the place of what [`map_stacks`] mapped; false, and nothing is changed, when the kernel refuses.
///
/// # Safety
/// Nobody needs what the memory holds.
pub unsafe fn map_stacks_again(at: usize, size: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { map(at, size, libc::MAP_FIXED) }.is_some()
}

/// # Safety
/// Without MAP_FIXED none; with it the range is the caller's.
unsafe fn map(at: usize, size: usize, how: i32) -> Option<usize> {
    const PROT: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const FLAGS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    // SAFETY: the caller's promise. A kernel without huge pages refuses the advice, which is then not needed.
    unsafe {
        let at = syscall!(libc::SYS_mmap, at, size, PROT, FLAGS | how, -1i32, 0usize).ok()?;
        let _ = syscall!(libc::SYS_madvise, at, size, libc::MADV_NOHUGEPAGE);
        Some(at)
    }
}

/// Unmaps what [`map_stacks`] mapped.
///
/// # Safety
/// Nobody uses it.
pub unsafe fn unmap(at: usize, size: usize) {
    // SAFETY: the caller's promise.
    let _ = unsafe { syscall!(libc::SYS_munmap, at, size) };
}

/// Makes every access to the pages from `at` on a fault; false when the kernel cannot.
///
/// # Safety
/// The pages are the caller's, and hold nothing.
pub unsafe fn install_guard(at: usize, size: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { syscall!(libc::SYS_madvise, at, size, MADV_GUARD_INSTALL) }.is_ok()
}

/// The memory reads as zero from now on, and what it took is the system's again.
///
/// # Safety
/// Nobody needs what it holds. The whole pages of the range are the caller's.
pub unsafe fn forget_contents(at: usize, size: usize) {
    // SAFETY: the caller's promise.
    let _ = unsafe { syscall!(libc::SYS_madvise, at, size, libc::MADV_DONTNEED) };
}

/// A resource limit of the process; `None` when the kernel does not say.
fn limit(which: libc::__rlimit_resource_t) -> Option<libc::rlim_t> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one live structure.
    unsafe { syscall!(libc::SYS_prlimit64, 0usize, which, 0usize, &raw mut limit) }.ok()?;
    Some(limit.rlim_cur)
}

/// Keeps what there is in core dumps out of them.
pub fn hide(at: usize, size: usize) {
    // SAFETY: advice about whole pages, which nothing else depends on.
    let _ = unsafe { syscall!(libc::SYS_madvise, at, size, libc::MADV_DONTDUMP) };
}

/// The same for the calling kernel thread's stack of `size` bytes, at whose beginning the caller is.
pub fn hide_own_stack(size: usize) {
    let here = arch::stack_pointer() & !(PAGE - 1);
    hide(here - size / 8 * 7, size / 8 * 7 + PAGE);
}

/// Overwrites what calls that have returned have left on the stack, as far as a call of cryptography reaches.
#[inline(never)]
pub fn wipe_stack_below() {
    let mut used = [0u8; 32 * 1024];
    // SAFETY: a live array; written so that it is not left out.
    unsafe { core::ptr::write_volatile(&raw mut used, [0; 32 * 1024]) };
    core::hint::black_box(&mut used);
}

/// Whether a limit (RLIMIT_AS, RLIMIT_DATA) counts what is mapped, touched or not.
pub fn is_address_space_limited() -> bool {
    [libc::RLIMIT_AS, libc::RLIMIT_DATA].into_iter().any(|which| limit(which) != Some(libc::RLIM_INFINITY))
}

/// How far the process's first stack may grow, in bytes; no more than `most`.
pub fn stack_limit(most: usize) -> usize {
    limit(libc::RLIMIT_STACK).map_or(0, |limit| limit.min(most as libc::rlim_t) as usize)
}

/// Whether the system commits no more memory than it has (vm.overcommit_memory is 2): then what is mapped counts, used or
/// not. When that cannot be learnt: yes.
pub fn is_overcommit_strict() -> bool {
    const PATH: &core::ffi::CStr = c"/proc/sys/vm/overcommit_memory";
    let mut mode = 0u8;
    // SAFETY: a NUL-terminated path; the kernel writes one byte.
    unsafe {
        let Ok(fd) = syscall!(libc::SYS_openat, libc::AT_FDCWD, PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) else {
            return true;
        };
        let read = syscall!(libc::SYS_read, fd, &raw mut mode, 1usize);
        let _ = syscall!(libc::SYS_close, fd);
        read != Ok(1) || mode == b'2'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zero_again_when_forgotten() {
        let at = map_stacks(8192).expect("two pages");
        // SAFETY: this test's own pages.
        unsafe {
            let byte = (at + 4096) as *mut u8;
            byte.write_volatile(7);
            forget_contents(at, 8192);
            assert_eq!(byte.read_volatile(), 0);
            unmap(at, 8192);
        }
    }
}
