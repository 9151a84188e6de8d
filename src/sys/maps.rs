//! What sort of memory an address lies in: shared with another process, executable.
//!
//! Asked of the kernel with PROCMAP_QUERY (Linux 6.11), else read from /proc/self/maps.

use crate::syscall;

/// `struct procmap_query` of the kernel, as far as it is used.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    query_flags: u64,
    query_addr: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

const PROCMAP_QUERY: usize = 0xc068_6611;

/// A permission: its flag in a query, and its place and letter in a line of the maps file.
struct Permission {
    flag: u64,
    at: usize,
    letter: u8,
}

const SHARED: Permission = Permission { flag: 8, at: 3, letter: b's' };
const EXECUTABLE: Permission = Permission { flag: 4, at: 2, letter: b'x' };
const _: () = assert!(size_of::<Query>() == 0x68);

/// Whether `address` is in a shared mapping. When that cannot be learnt: yes, the answer that is never wrong.
pub fn is_shared(address: usize) -> bool {
    has(address, &SHARED)
}

/// Whether `address` is in an executable mapping. When that cannot be learnt: yes.
pub fn is_executable(address: usize) -> bool {
    has(address, &EXECUTABLE)
}

fn has(address: usize, permission: &Permission) -> bool {
    const PATH: &core::ffi::CStr = c"/proc/self/maps";
    // SAFETY: a NUL-terminated path; the kernel reads and writes one live structure.
    unsafe {
        let Ok(fd) = syscall!(libc::SYS_openat, libc::AT_FDCWD, PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) else {
            return true;
        };
        let mut q = Query { size: size_of::<Query>() as u64, query_addr: address as u64, ..Query::default() };
        let answer = match syscall!(libc::SYS_ioctl, fd, PROCMAP_QUERY, &raw mut q) {
            Ok(_) => q.vma_flags & permission.flag != 0,
            Err(_) => read_maps(fd, address, permission).unwrap_or(true),
        };
        let _ = syscall!(libc::SYS_close, fd);
        answer
    }
}

/// Finds the line of `address` and looks at its permission letters.
///
/// # Safety
/// `fd` is the open maps file, at its beginning.
#[cold]
unsafe fn read_maps(fd: usize, address: usize, permission: &Permission) -> Option<bool> {
    let mut buf = [0u8; 4096];
    let mut held = 0;
    loop {
        // SAFETY: the kernel writes into the free part of a live buffer.
        let n = unsafe { syscall!(libc::SYS_read, fd, buf.as_mut_ptr().add(held), buf.len() - held) }.ok()?;
        held += n;
        while let Some(end) = buf[..held].iter().position(|&b| b == b'\n') {
            let line = core::str::from_utf8(&buf[..end]).unwrap_or("");
            if let Some(says) = line_says(line, address, permission) {
                return Some(says);
            }
            buf.copy_within(end + 1..held, 0);
            held -= end + 1;
        }
        if n == 0 || held == buf.len() {
            return None;
        }
    }
}

/// Whether the mapping of this line has the permission, if it holds `address`.
fn line_says(line: &str, address: usize, permission: &Permission) -> Option<bool> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let from = usize::from_str_radix(from, 16).ok()?;
    let to = usize::from_str_radix(to, 16).ok()?;
    (from..to).contains(&address).then(|| rest.as_bytes().get(permission.at) == Some(&permission.letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        let line = "7f00-7f10 rw-s 00000000 00:01 5 /dev/zero (deleted)";
        assert_eq!(line_says(line, 0x7f08, &SHARED), Some(true));
        assert_eq!(line_says(line, 0x7f10, &SHARED), None);
        assert_eq!(line_says("7f00-7f10 rw-p 00000000 00:00 0", 0x7f00, &SHARED), Some(false));
    }

    #[test]
    fn own_memory_is_private() {
        let local = 0u64;
        assert!(!is_shared(&raw const local as usize));
        assert!(!is_executable(&raw const local as usize));
        assert!(is_executable(is_executable as *const () as usize));
    }
}
