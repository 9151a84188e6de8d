//! How the library came into the process: preloaded, and then it acts at once; or because the program asks for it, by
//! DT_NEEDED or dlopen(3), and then greenlet_init(3) is the beginning.
//!
//! It is preloaded if LD_PRELOAD names it. `/etc/ld.so.preload` and the loader's `--preload` are known by what they do: the
//! library is before libc among the objects, as no dlopen puts it, though none of them needs it.

use core::ffi::{CStr, c_int, c_void};

/// `elf.h`
const PT_DYNAMIC: u32 = 2;
const DT_NULL: i64 = 0;
const DT_NEEDED: i64 = 1;
const DT_STRTAB: i64 = 5;
/// What names of the library's files begin with, and its soname does.
const STEM: &[u8] = b"libgreenlet.so";

#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

/// What is known after some of the objects.
#[derive(Default)]
struct Search {
    libc_was_first: Option<bool>,
    is_libc_seen: bool,
    is_needed: bool,
    is_own_name_listed: bool,
}

/// Whether the library is preloaded.
pub fn is_preloaded() -> bool {
    let mut search = Search::default();
    // SAFETY: the callback takes what it is given here.
    unsafe { libc::dl_iterate_phdr(Some(one_object), (&raw mut search).cast()) };
    search.is_own_name_listed || (search.libc_was_first == Some(false) && !search.is_needed)
}

unsafe extern "C" fn one_object(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: `is_preloaded` passes its own, and the loader a live description.
    let (search, info) = unsafe { (&mut *search.cast::<Search>(), &*info) };
    // SAFETY: the loader's name and program headers.
    let (name, headers) = unsafe {
        let name = if info.dlpi_name.is_null() { c"" } else { CStr::from_ptr(info.dlpi_name) };
        (base(name.to_bytes()), core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    let own = (is_preloaded as *const ()).addr();
    let holds_own = |h: &libc::Elf64_Phdr| {
        let begin = (info.dlpi_addr + h.p_vaddr) as usize;
        h.p_type == libc::PT_LOAD && (begin..begin + h.p_memsz as usize).contains(&own)
    };
    if headers.iter().any(holds_own) {
        search.libc_was_first = Some(search.is_libc_seen);
        search.is_own_name_listed = is_listed(name);
    }
    search.is_libc_seen |= name == b"libc.so.6";
    if let Some(dynamic) = headers.iter().find(|h| h.p_type == PT_DYNAMIC) {
        // SAFETY: the object's dynamic section, which the loader has mapped.
        search.is_needed |= unsafe { needs_us((info.dlpi_addr + dynamic.p_vaddr) as *const Dynamic) };
    }
    0
}

/// # Safety
/// A dynamic section whose string table the loader has relocated, as it does but for the kernel's own object.
unsafe fn needs_us(section: *const Dynamic) -> bool {
    // SAFETY: it ends with DT_NULL.
    let entries = || unsafe { (0..).map(|i| &*section.add(i)).take_while(|entry: &&Dynamic| entry.tag != DT_NULL) };
    let Some(strings) = entries().find(|entry| entry.tag == DT_STRTAB) else { return false };
    entries().filter(|entry| entry.tag == DT_NEEDED).any(|entry| {
        // SAFETY: the kernel's object needs nothing; in others this is an offset into the table.
        let name = unsafe { CStr::from_ptr((strings.value + entry.value) as *const _) };
        base(name.to_bytes()).starts_with(STEM)
    })
}

/// Whether LD_PRELOAD names the library, by this file name or one that is its own.
fn is_listed(name: &[u8]) -> bool {
    // SAFETY: a NUL-terminated name; the value is looked at here only.
    let list = unsafe {
        let value = libc::getenv(c"LD_PRELOAD".as_ptr());
        if value.is_null() { c"" } else { CStr::from_ptr(value) }
    };
    let mut files = list.to_bytes().split(|&b| b == b':' || b == b' ').map(base);
    files.any(|file| !file.is_empty() && (file == name || file.starts_with(STEM)))
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}
