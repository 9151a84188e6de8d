//! glibc's list of the threads whose stacks are the program's own, and the lock over it.
//!
//! What walks the list has to find every thread there: `dlopen` fills in static TLS, `dlclose` waits for who looks up a symbol.
//! glibc says where the list is (`_thread_db_rtld_global__dl_stack_user`, for its debugger library) but not where the lock is.
//! From 2.34 to 2.42 they lie like this in `_rtld_global`:
//!
//! ```text
//!   +0 user's list   +16 list of cached stacks   +32 their size   +40 stack in flight   +48 the lock
//! ```
//!
//! It is believed only where that holds together and, before the first use, somebody has been seen to wait for the lock:
//! [`prove`] holds it while glibc itself takes a thread out of the list. Its three states are those of our own lock.

use super::{Thread, recycle, tcb};
use crate::arch::tls;
use crate::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::real;
use crate::sys::lock::RawLock;
use crate::sys::{self, sig};
use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

/// glibc's `list_t`.
#[repr(C)]
struct Link {
    next: *mut Link,
    prev: *mut Link,
}

#[repr(C)]
struct Lists {
    user: Link,
    cache: Link,
    cache_size: usize,
    in_flight: usize,
    lock: u32,
}

const _: () = assert!(core::mem::offset_of!(Lists, lock) == 48);

static LISTS: AtomicPtr<Lists> = AtomicPtr::new(null_mut());

/// The size of a list's head, and of a link.
const BITS: u32 = 8 * size_of::<Link>() as u32;

/// Where a descriptor has its link.
pub(super) fn link_offset() -> Option<usize> {
    tcb::published(real::address!(c"_thread_db_pthread_list"), BITS, tcb::MOST)
}

/// The lists, if they look as they should: an empty cache has no size, nothing is in flight, and the pair is in the user's list.
fn find(pair: &Thread) -> Option<*mut Lists> {
    const LONGEST: usize = 1 << 20;
    let global = real::address!(c"_rtld_global").cast_mut();
    let offset = tcb::published(real::address!(c"_thread_db_rtld_global__dl_stack_user"), BITS, 1 << 16)?;
    if global.is_null() || !is_known_version() {
        return None;
    }
    let lists = global.wrapping_byte_add(offset).cast::<Lists>();
    let wanted = (pair.tp() + link_offset()?) as *mut Link;
    // SAFETY: within glibc's own structure, by its word and its version's layout; words are read that other threads may write, and
    // nothing is followed but the links of a list in which glibc has put the caller's pair.
    unsafe {
        let cache = &raw mut (*lists).cache;
        let (first, size) =
            ((&raw const (*cache).next).read_volatile(), (&raw const (*lists).cache_size).read_volatile());
        if (first == cache) != (size == 0) || size % 4096 != 0 {
            return None;
        }
        let head = &raw mut (*lists).user;
        let mut at = (&raw const (*head).next).read_volatile();
        let found = (0..LONGEST).any(|_| {
            let is_it = at == wanted || at == head || at.is_null();
            if !is_it {
                at = (&raw const (*at).next).read_volatile();
            }
            is_it
        });
        (found && at == wanted && (*(*at).next).prev == at).then_some(lists)
    }
}

fn is_known_version() -> bool {
    let version = real::address!(c"gnu_get_libc_version");
    if version.is_null() {
        return false;
    }
    // SAFETY: the function of that name takes nothing and returns a constant string.
    let text = unsafe {
        let version: unsafe extern "C" fn() -> *const core::ffi::c_char = core::mem::transmute(version);
        CStr::from_ptr(version()).to_bytes()
    };
    matches!(text, [b'2', b'.', b'3', b'4'..=b'9'] | [b'2', b'.', b'4', b'0'..=b'2'])
}

/// What the observer is to do, and has seen.
struct Scene {
    lock: &'static RawLock,
    state: AtomicU32,
}

const MOST_TRIES: u32 = 1000;

const WAITS: u32 = 0;
/// The lock is held, and somebody may come to wait for it.
const LOOKS: u32 = 1;
/// Somebody did, and the lock has been let go.
const SEEN: u32 = 2;
const STOPS: u32 = 3;

/// Learns where the lists are, at the cost of `spare`, a hatched pair over a stack of ours that nobody uses: glibc waits for
/// the lock, which the caller holds, to take it out of its list, and another kernel thread sees it wait and lets go.
pub(super) fn prove(spare: &Thread) -> bool {
    let Some(lists) = find(spare) else {
        recycle::dispose(spare);
        return false;
    };
    let scene = Scene {
        // SAFETY: a word within the structure, which is never unmapped; glibc uses it as its lock, or not at all for that moment.
        lock: unsafe { RawLock::at(&raw mut (*lists).lock) },
        state: AtomicU32::new(WAITS),
    };
    let mut observer: libc::pthread_t = 0;
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    // SAFETY: the scene outlives the thread, which is joined below.
    let made = unsafe {
        real::pthread_create(&mut observer, core::ptr::null(), observe, (&raw const scene).cast_mut().cast()) == 0
    };
    // Who makes a thread or sets ids holds it for some time.
    let held = made
        && (0..MOST_TRIES).any(|_| {
            scene.lock.try_acquire() || {
                sys::sched_yield();
                false
            }
        });
    if held {
        scene.state.store(LOOKS, Ordering::SeqCst);
    }
    recycle::dispose(spare);
    let seen = scene.state.swap(STOPS, Ordering::SeqCst) == SEEN;
    if made {
        // SAFETY: the thread made above, joined once.
        unsafe { real::pthread_join(observer, null_mut()) };
    }
    if held && !seen {
        scene.lock.release();
    }
    sig::set_mask(mask);
    if seen {
        LISTS.store(lists, Ordering::Release);
    }
    seen
}

/// The observer's start routine: lets go of the lock when it sees that somebody waits for it.
unsafe extern "C-unwind" fn observe(scene: *mut c_void) -> *mut c_void {
    // SAFETY: `prove` passes its own, and joins this thread.
    let scene = unsafe { &*scene.cast::<Scene>() };
    loop {
        match scene.state.load(Ordering::SeqCst) {
            LOOKS if scene.lock.is_contended() => {
                if scene.state.compare_exchange(LOOKS, SEEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    scene.lock.release();
                }
            }
            WAITS | LOOKS => sys::sched_yield(),
            _ => return null_mut(),
        }
    }
}

/// Adds the descriptor at `tp`, as glibc does for a thread whose stack is the program's.
///
/// # Safety
/// [`prove`] has succeeded. The descriptor is complete but for its link, and stays mapped until glibc has taken it out.
pub(super) unsafe fn add(tp: usize, link: usize) {
    let lists = LISTS.load(Ordering::Acquire);
    let new = (tp + link) as *mut Link;
    // No handler of the program's may run here and find the lock taken by its own thread.
    tls::enter();
    // SAFETY: proved: the lock and the list are glibc's, and it changes the list under that lock only. Who walks it in a debugger
    // sees a complete entry or none.
    unsafe {
        let lock = RawLock::at(&raw mut (*lists).lock);
        lock.acquire();
        let head = &raw mut (*lists).user;
        let first = (*head).next;
        new.write(Link { next: first, prev: head });
        (*first).prev = new;
        AtomicPtr::from_ptr(&raw mut (*head).next).store(new, Ordering::Release);
        lock.release();
    }
    tls::leave();
}
