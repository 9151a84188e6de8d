//! The engine's allocator: size classes over anonymous mappings.
//!
//! The program's malloc is out of bounds (it may be mid-way through its own start, it may take locks that
//! are ours, it may be jemalloc calling pthread_mutex_lock), so every Rust allocation of the library ends
//! here. Blocks are powers of two from 16 bytes to 64 KiB, carved from 1 MiB chunks and never returned;
//! larger ones are mapped and unmapped directly. The engine allocates rarely and small: no per-thread cache.

use super::lock::RawLock;
use super::vm;
use crate::arch::{self, tls};
use crate::atomic::{AtomicBool, AtomicU32, Ordering};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

const MIN_SHIFT: u32 = 4;
const MAX_SHIFT: u32 = 16;
const CLASSES: usize = (MAX_SHIFT - MIN_SHIFT + 1) as usize;
const CHUNK: usize = 1 << 20;
const PAGE: usize = 4096;

/// Whether valgrind looks on. Then it is told of every block, and none is used twice: who uses one after it was freed, or frees it
/// again, is found, and so is what is lost.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Requests to valgrind, of `valgrind.h`.
const RUNNING_ON_VALGRIND: usize = 0x1001;
const MALLOCLIKE_BLOCK: usize = 0x1301;
const FREELIKE_BLOCK: usize = 0x1302;

static IS_SECRET: AtomicBool = AtomicBool::new(false);

/// How many are at work of whose freed memory nothing may stay.
static WIPING: AtomicU32 = AtomicU32::new(0);

struct Free {
    next: *mut Free,
}

struct Heap {
    free: [*mut Free; CLASSES],
    bump: usize,
    end: usize,
    /// A chunk for when the kernel gives no more.
    reserve: usize,
}

struct Shared {
    lock: RawLock,
    heap: UnsafeCell<Heap>,
}

// SAFETY: `heap` is only touched while `lock` is held.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    lock: RawLock::new(),
    heap: UnsafeCell::new(Heap { free: [null_mut(); CLASSES], bump: 0, end: 0, reserve: 0 }),
};

/// Maps `len` bytes of zeroed memory; null when the kernel refuses.
pub fn map(len: usize) -> *mut u8 {
    const PROT: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const FLAGS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh private mapping at an address of the kernel's choice touches nothing that exists.
    unsafe { crate::syscall!(libc::SYS_mmap, 0usize, len, PROT, FLAGS, -1isize, 0usize) }
        .map_or(null_mut(), |p| p as *mut u8)
}

/// Looks whether valgrind does.
pub fn look_for_valgrind() {
    IS_WATCHED.store(arch::ask_valgrind([RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0]) != 0, Ordering::Relaxed);
}

#[cold]
fn tell_of_block(block: *mut u8, layout: Layout) {
    if !block.is_null() {
        arch::ask_valgrind([MALLOCLIKE_BLOCK, block.addr(), layout.size(), 0, 0, 0]);
    }
}

/// From now on what is allocated here is in no core dump: there may be keys.
pub fn keep_out_of_core_dumps() {
    IS_SECRET.store(true, Ordering::Relaxed);
    with_heap(|heap| {
        let begin = heap.bump & !(PAGE - 1);
        vm::hide(begin, heap.end - begin);
        if heap.reserve != 0 {
            vm::hide(heap.reserve, CHUNK);
        }
    });
}

/// What is freed while `f` runs is overwritten.
pub fn wiping<R>(f: impl FnOnce() -> R) -> R {
    WIPING.fetch_add(1, Ordering::Relaxed);
    let r = f();
    WIPING.fetch_sub(1, Ordering::Relaxed);
    r
}

fn map_more(len: usize) -> *mut u8 {
    let more = map(len);
    if IS_SECRET.load(Ordering::Relaxed) && !more.is_null() {
        vm::hide(more as usize, len);
    }
    more
}

fn shift_of(layout: Layout) -> u32 {
    let size = layout.size().max(layout.align()).max(1 << MIN_SHIFT);
    size.next_power_of_two().trailing_zeros()
}

impl Heap {
    fn take(&mut self, shift: u32) -> *mut u8 {
        let class = (shift - MIN_SHIFT) as usize;
        let head = self.free[class];
        if !head.is_null() {
            // SAFETY: blocks on a free list are ours, unused and large enough for a link.
            self.free[class] = unsafe { (*head).next };
            return head.cast();
        }
        let size = 1usize << shift;
        let at = (self.bump + size - 1) & !(size - 1);
        if self.bump == 0 || at + size > self.end {
            let chunk = match map_more(CHUNK) as usize {
                0 => core::mem::take(&mut self.reserve),
                chunk => chunk,
            };
            if chunk == 0 {
                return null_mut();
            }
            self.bump = chunk;
            self.end = self.bump + CHUNK;
            return self.take(shift);
        }
        self.bump = at + size;
        at as *mut u8
    }

    fn give(&mut self, block: *mut u8, shift: u32) {
        let class = (shift - MIN_SHIFT) as usize;
        let node = block.cast::<Free>();
        // SAFETY: the caller returns a block of this class, which is at least 16 bytes and unused now.
        unsafe { (*node).next = self.free[class] };
        self.free[class] = node;
    }
}

/// Whether there is memory for another thread's records, or to start with: what is needed for one has to be there at once, because
/// Rust ends the process where it is not. A reserve, once it was needed, is had again before anything new is begun.
pub fn has_room() -> bool {
    with_heap(|heap| {
        if heap.reserve == 0 {
            heap.reserve = map_more(CHUNK) as usize;
        }
        heap.reserve != 0
    })
}

/// The same for all that the first thread brings with it.
pub fn has_room_to_start() -> bool {
    const ALL: usize = 8 * CHUNK;
    let probe = map(ALL);
    if probe.is_null() {
        return false;
    }
    // SAFETY: just mapped, with this length, and seen by nobody.
    let _ = unsafe { crate::syscall!(libc::SYS_munmap, probe, ALL) };
    has_room()
}

fn with_heap<R>(f: impl FnOnce(&mut Heap) -> R) -> R {
    tls::enter();
    SHARED.lock.acquire();
    // SAFETY: the lock is held, so this is the only reference.
    let r = f(unsafe { &mut *SHARED.heap.get() });
    SHARED.lock.release();
    tls::leave();
    r
}

/// Takes the heap's lock across a fork, so that the child finds it consistent.
pub fn fork_prepare() {
    tls::enter();
    SHARED.lock.acquire();
}

/// Releases what [`fork_prepare`] took, in the parent and in the child.
pub fn fork_done() {
    SHARED.lock.release();
    tls::leave();
}

/// The global allocator of the library.
pub struct Allocator;

// SAFETY: blocks are disjoint, of at least the layout's size and, being naturally aligned powers of two,
// of at least its alignment; a failed mapping gives null.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let shift = shift_of(layout);
        let block = if shift > MAX_SHIFT { map_more(1 << shift) } else { with_heap(|h| h.take(shift)) };
        if IS_WATCHED.load(Ordering::Relaxed) {
            tell_of_block(block, layout);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let shift = shift_of(layout);
        if IS_WATCHED.load(Ordering::Relaxed) {
            arch::ask_valgrind([FREELIKE_BLOCK, block.addr(), 0, 0, 0, 0]);
        } else if shift > MAX_SHIFT {
            // SAFETY: the block was mapped by `alloc` with exactly this length.
            let _ = unsafe { crate::syscall!(libc::SYS_munmap, block, 1usize << shift) };
        } else {
            if WIPING.load(Ordering::Relaxed) != 0 {
                // SAFETY: the block is the caller's until it is given back, and has so many bytes.
                unsafe { block.write_bytes(0, 1 << shift) };
            }
            with_heap(|h| h.give(block, shift));
        }
    }
}
