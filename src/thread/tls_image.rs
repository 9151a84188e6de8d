//! Puts thread-local storage back to its initial image when a pair is recycled.
//!
//! `dl_iterate_phdr` gives, for each module with a PT_TLS segment, the image and this thread's block. libc's
//! and the loader's blocks are left alone (malloc's per-thread cache stays warm, ctype and locale pointers
//! stay set; `exit` resets what a program can see of them), and so is our own.

use super::tcb;
use crate::arch;
use crate::atomic::{AtomicUsize, Ordering};
use crate::real::{self, Next};
use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;

/// Held while the loader's lock may be: a child of fork must not find that taken.
pub static LOADER: crate::sys::lock::Lock<()> = crate::sys::lock::Lock::new(());

/// Restores every other module's block of the calling thread.
pub fn reset() {
    let _loader = LOADER.lock();
    // SAFETY: the callback matches the prototype, only reads what the loader passes and does not enter the loader, whose locks it
    // would take in the wrong order.
    unsafe { libc::dl_iterate_phdr(Some(one_module), core::ptr::null_mut()) };
}

/// How many objects the loader has ever loaded.
pub fn loads() -> u64 {
    let _loader = LOADER.lock();
    let mut loads = 0u64;
    // SAFETY: the callback matches the prototype and is given a live word.
    unsafe { libc::dl_iterate_phdr(Some(count), (&raw mut loads).cast()) };
    loads
}

/// The loader tells each module the same; the first will do.
unsafe extern "C" fn count(info: *mut libc::dl_phdr_info, size: usize, loads: *mut c_void) -> c_int {
    const NEEDED: usize = core::mem::offset_of!(libc::dl_phdr_info, dlpi_adds) + size_of::<u64>();
    // SAFETY: the loader passes a live description of so many bytes, and what `loads` passed is a live word.
    unsafe { *loads.cast::<u64>() = if size < NEEDED { u64::MAX } else { (*info).dlpi_adds } };
    1
}

/// Gives the TCB at `tp`, which nobody runs on, the calling thread's values, of modules whose blocks are at a fixed place.
pub fn copy_to(tp: usize) {
    let _loader = LOADER.lock();
    let mut tp = tp;
    // SAFETY: the callback matches the prototype and is given what it expects.
    unsafe { libc::dl_iterate_phdr(Some(copy_module), (&raw mut tp).cast()) };
}

unsafe extern "C" fn copy_module(info: *mut libc::dl_phdr_info, _: usize, to: *mut c_void) -> c_int {
    // SAFETY: the loader passes a live description; `copy_to` passes the thread pointer. A block at the same distance from
    // both thread pointers, by the other's own table, is static, and of the same size in both.
    unsafe {
        let (info, tp) = (&*info, *to.cast::<usize>());
        let block = info.dlpi_tls_data.cast::<u8>();
        if block.is_null() {
            return 0;
        }
        let theirs = tp.wrapping_add((block as usize).wrapping_sub(arch::thread_pointer()));
        if block_of(tp, info.dlpi_tls_modid) != Some(theirs) {
            return 0;
        }
        let headers = core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize);
        let is_kept = |h: &libc::Elf64_Phdr| is_kept(info.dlpi_name, block as usize, h.p_memsz as usize);
        for h in headers.iter().filter(|h| h.p_type == libc::PT_TLS && !is_kept(h)) {
            block.copy_to_nonoverlapping(theirs as *mut u8, h.p_memsz as usize);
        }
    }
    0
}

/// Where the TCB at `tp` has the block of a module, by its table (the TLS ABI's `dtv`): a count, then pairs of words, of which
/// the first is a generation.
///
/// # Safety
/// `tp` is a live TCB.
unsafe fn block_of(tp: usize, module: usize) -> Option<usize> {
    // SAFETY: the TCB's second word is the address of its table, behind the pair that holds the count.
    unsafe {
        let table = *((tp as *const *const usize).add(1));
        let count = *table.sub(2);
        (1..=count).contains(&module).then(|| *table.add(2 * module))
    }
}

unsafe extern "C" fn one_module(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the loader passes a live description whose headers and image are mapped; `dlpi_tls_data` is
    // this thread's block, or null when it has none yet, and is as large as the segment says.
    unsafe {
        let info = &*info;
        let headers = core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize);
        for h in headers.iter().filter(|h| h.p_type == libc::PT_TLS) {
            let mut block = info.dlpi_tls_data.cast::<u8>();
            if block.is_null() {
                block = static_block(info.dlpi_phdr as usize);
            }
            if block.is_null() || is_kept(info.dlpi_name, block as usize, h.p_memsz as usize) {
                continue;
            }
            let image = (info.dlpi_addr + h.p_vaddr) as *const u8;
            block.copy_from_nonoverlapping(image, h.p_filesz as usize);
            block.add(h.p_filesz as usize).write_bytes(0, (h.p_memsz - h.p_filesz) as usize);
        }
    }
    0
}

/// The calling thread's block of the module that has `address`, if that is in static TLS; else null. The loader tells of a block
/// only when the thread has asked for its address, which code that was compiled for static TLS never does.
fn static_block(address: usize) -> *mut u8 {
    #[repr(C)]
    struct Found {
        flags: u64,
        start: usize,
        end: usize,
        map: usize,
        rest: [usize; 8],
    }
    #[unsafe(link_section = "greenlet_next")]
    static FIND: Next = Next::new(c"_dl_find_object", None);
    static OFFSET: AtomicUsize = AtomicUsize::new(0);
    const MISSING: usize = usize::MAX;
    if OFFSET.load(Ordering::Relaxed) == 0 {
        let offset = tcb::published(real::address!(c"_thread_db_link_map_l_tls_offset"), usize::BITS, 1 << 16);
        OFFSET.store(offset.unwrap_or(MISSING), Ordering::Relaxed);
    }
    let (find, offset) = (FIND.get(), OFFSET.load(Ordering::Relaxed));
    if find.is_null() || offset == MISSING {
        return core::ptr::null_mut();
    }
    // SAFETY: the function of that name (glibc 2.35) takes no lock and fills in such a structure; the map of a loaded object, where
    // glibc says that it keeps the block's distance from the thread pointer: 0 or -1 for none.
    let distance = unsafe {
        let find: unsafe extern "C" fn(usize, *mut Found) -> c_int = core::mem::transmute(find);
        let mut found = MaybeUninit::<Found>::zeroed();
        if find(address, found.as_mut_ptr()) != 0 {
            return core::ptr::null_mut();
        }
        ((found.assume_init().map + offset) as *const isize).read_volatile()
    };
    if distance > 0 { (arch::thread_pointer() - distance as usize) as *mut u8 } else { core::ptr::null_mut() }
}

/// libc's, the loader's and our own blocks keep their contents.
///
/// # Safety
/// `name` is null or NUL-terminated.
unsafe fn is_kept(name: *const c_char, block: usize, size: usize) -> bool {
    let ours = (arch::thread_pointer() as isize + arch::tls_offset()) as usize;
    if (block..block + size).contains(&ours) {
        return true;
    }
    if name.is_null() {
        return false;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { core::ffi::CStr::from_ptr(name) }.to_bytes();
    let file = name.rsplit(|&b| b == b'/').next().unwrap_or(name);
    file.starts_with(b"libc.so.") || file.starts_with(b"ld-linux")
}
