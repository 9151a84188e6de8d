//! The next definitions: libc's own functions behind our hooks, and those the engine itself needs.
//!
//! Resolved with `dlvsym`/`dlsym(RTLD_NEXT)`, without allocation where the symbol exists: on first use while there is one
//! thread, and all that are left by [`resolve_all`] before there is a second. From then on nobody may ask: `dlsym` waits for
//! the loader's lock, which a thread in `dlopen` holds while it runs constructors, and these may wait for other threads.
//! In the engine's own tests, where nothing is interposed, the next definition simply is libc's.

use crate::atomic::{AtomicUsize, Ordering};
use core::ffi::{CStr, c_char, c_int, c_void};

/// One symbol, by name and, where it has several, by version. Each is a static in the section that [`resolve_all`] goes through,
/// where nothing else is; the alignment keeps it an array.
#[repr(align(16))]
pub struct Next {
    name: &'static CStr,
    version: Option<&'static CStr>,
    /// 0 before it is looked up.
    addr: AtomicUsize,
}

/// In the place of the address of what libc does not have.
const MISSING: usize = 1;

impl Next {
    pub const fn new(name: &'static CStr, version: Option<&'static CStr>) -> Next {
        Next { name, version, addr: AtomicUsize::new(0) }
    }

    /// The function's address; null when libc does not have it.
    #[inline]
    pub fn get(&self) -> *const () {
        let addr = self.addr.load(Ordering::Relaxed);
        if addr > MISSING { addr as *const () } else { self.look_up(addr) }
    }

    #[cold]
    fn look_up(&self, known: usize) -> *const () {
        if known == MISSING {
            return core::ptr::null();
        }
        // SAFETY: the names are NUL-terminated; RTLD_NEXT searches after the object that holds this code.
        let addr = unsafe {
            match self.version {
                Some(v) => libc::dlvsym(libc::RTLD_NEXT, self.name.as_ptr(), v.as_ptr()),
                None => libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()),
            }
        };
        self.addr.store(if addr.is_null() { MISSING } else { addr as usize }, Ordering::Relaxed);
        addr as *const ()
    }
}

unsafe extern "C" {
    #[link_name = "__start_greenlet_next"]
    static FIRST: u8;
    #[link_name = "__stop_greenlet_next"]
    static END: u8;
}

/// Looks up everything that the library may need. The calling thread is the only one.
pub fn resolve_all() {
    // SAFETY: the linker's names for the section, which holds statics of this one type.
    let all = unsafe {
        let first = (&raw const FIRST).cast::<Next>();
        core::slice::from_raw_parts(first, (&raw const END).cast::<Next>().offset_from_unsigned(first))
    };
    let mut is_any_missing = false;
    for next in all {
        is_any_missing |= next.get().is_null();
    }
    if is_any_missing {
        // SAFETY: takes nothing. It forgets the last failure, which the program has not made.
        unsafe { libc::dlerror() };
    }
}

/// Declares `pub unsafe fn name(args) -> ret` that calls libc's definition of the same name.
macro_rules! next {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? $(= $version:literal)?;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the C function of that name.
        #[inline]
        #[allow(non_snake_case)] // Some of libc's own begin with _IO.
        pub unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: Next = Next::new(
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) { Ok(s) => s, Err(_) => panic!() },
                next!(@version $($version)?));
            // SAFETY: the symbol has this prototype; libc is loaded for as long as we are.
            unsafe {
                let f: unsafe extern "C-unwind" fn($($ty),*) $(-> $ret)? = core::mem::transmute(NEXT.get());
                f($($arg),*)
            }
        }
    )*};
    (@version) => { None };
    (@version $v:literal) => { match CStr::from_bytes_with_nul(concat!($v, "\0").as_bytes()) { Ok(s) => Some(s), Err(_) => panic!() } };
}

pub type ForkHandler = Option<unsafe extern "C" fn()>;
pub type StartRoutine = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;

next! {
    /// pthread_create(3).
    fn pthread_create(thread: *mut libc::pthread_t, attr: *const libc::pthread_attr_t, start: StartRoutine, arg: *mut c_void) -> c_int;
    /// pthread_join(3): also how a dead TCB goes back to glibc.
    fn pthread_join(thread: libc::pthread_t, value: *mut *mut c_void) -> c_int;
    fn pthread_tryjoin_np(thread: libc::pthread_t, value: *mut *mut c_void) -> c_int;
    fn pthread_detach(thread: libc::pthread_t) -> c_int;
    fn pthread_cancel(thread: libc::pthread_t) -> c_int;
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
    fn pthread_testcancel();
    fn pthread_key_create(key: *mut libc::pthread_key_t, dtor: Option<unsafe extern "C" fn(*mut c_void)>) -> c_int;
    fn pthread_key_delete(key: libc::pthread_key_t) -> c_int;
    fn pthread_getspecific(key: libc::pthread_key_t) -> *mut c_void;
    fn pthread_setspecific(key: libc::pthread_key_t, value: *const c_void) -> c_int;
    fn pthread_getattr_np(thread: libc::pthread_t, attr: *mut libc::pthread_attr_t) -> c_int;
    fn pthread_getattr_default_np(attr: *mut libc::pthread_attr_t) -> c_int;
    fn pthread_attr_destroy(attr: *mut libc::pthread_attr_t) -> c_int;
    fn pthread_attr_init(attr: *mut libc::pthread_attr_t) -> c_int;
    fn pthread_attr_getstacksize(attr: *const libc::pthread_attr_t, size: *mut usize) -> c_int;
    fn pthread_attr_setstacksize(attr: *mut libc::pthread_attr_t, size: usize) -> c_int;
    fn pthread_attr_setstack(attr: *mut libc::pthread_attr_t, addr: *mut c_void, size: usize) -> c_int;
    fn pthread_attr_getguardsize(attr: *const libc::pthread_attr_t, size: *mut usize) -> c_int;
    fn pthread_attr_getstack(attr: *const libc::pthread_attr_t, addr: *mut *mut c_void, size: *mut usize) -> c_int;
    fn pthread_attr_getdetachstate(attr: *const libc::pthread_attr_t, state: *mut c_int) -> c_int;
    fn pthread_attr_setdetachstate(attr: *mut libc::pthread_attr_t, state: c_int) -> c_int;
    fn pthread_attr_getinheritsched(attr: *const libc::pthread_attr_t, inherit: *mut c_int) -> c_int;
    fn pthread_attr_getschedpolicy(attr: *const libc::pthread_attr_t, policy: *mut c_int) -> c_int;
    fn pthread_attr_getaffinity_np(attr: *const libc::pthread_attr_t, size: usize, set: *mut libc::cpu_set_t) -> c_int;
    fn pthread_mutex_lock(mutex: *mut libc::pthread_mutex_t) -> c_int;
    fn pthread_mutex_trylock(mutex: *mut libc::pthread_mutex_t) -> c_int;
    fn pthread_mutex_clocklock(mutex: *mut libc::pthread_mutex_t, clock: libc::clockid_t, at: *const libc::timespec) -> c_int;
    fn pthread_mutex_unlock(mutex: *mut libc::pthread_mutex_t) -> c_int;
    fn pthread_rwlock_tryrdlock(lock: *mut libc::pthread_rwlock_t) -> c_int;
    fn pthread_rwlock_trywrlock(lock: *mut libc::pthread_rwlock_t) -> c_int;
    fn pthread_rwlock_unlock(lock: *mut libc::pthread_rwlock_t) -> c_int;
    fn pthread_spin_trylock(lock: *mut libc::pthread_spinlock_t) -> c_int;
    fn sem_trywait(sem: *mut libc::sem_t) -> c_int;
    fn sem_post(sem: *mut libc::sem_t) -> c_int;
    fn sigaction(sig: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int;
    fn pthread_kill(thread: libc::pthread_t, sig: c_int) -> c_int;
    fn pthread_sigqueue(thread: libc::pthread_t, sig: c_int, value: libc::sigval) -> c_int;
    fn timer_create(clock: libc::clockid_t, event: *mut libc::sigevent, timer: *mut libc::timer_t) -> c_int;
    fn exit(status: c_int);
    fn longjmp(to: *mut c_void, value: c_int);
    fn getgrouplist(user: *const c_char, own: libc::gid_t, groups: *mut libc::gid_t, count: *mut c_int) -> c_int;
    fn setgroups(count: usize, groups: *const libc::gid_t) -> c_int;
    fn getaddrinfo(host: *const c_char, service: *const c_char, hints: *const libc::addrinfo, found: *mut *mut libc::addrinfo) -> c_int;
    fn freeaddrinfo(list: *mut libc::addrinfo);
    /// What pthread_atfork(3) calls; `dso` is the handle of the caller's object, null for one that is never unloaded.
    fn __register_atfork(prepare: ForkHandler, parent: ForkHandler, child: ForkHandler, dso: *mut c_void) -> c_int;
    fn _IO_list_lock();
    fn _IO_list_unlock();
    fn __call_tls_dtors();
    /// The loader's, for libc: a DTV for the descriptor, and what every module begins with in its static TLS. Null: no memory.
    fn _dl_allocate_tls(tcb: *mut c_void) -> *mut c_void;
}

/// `_Fork` of glibc: fork without the atfork handlers.
///
/// # Safety
/// As the C function.
pub unsafe fn fork_raw() -> libc::pid_t {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = Next::new(c"_Fork", None);
    // SAFETY: the symbol has this prototype.
    unsafe { core::mem::transmute::<*const (), unsafe extern "C" fn() -> libc::pid_t>(NEXT.get())() }
}

/// A libc symbol's address by name; null when there is none.
macro_rules! address {
    ($name:literal) => {{
        #[unsafe(link_section = "greenlet_next")]
        static SYMBOL: $crate::real::Next = $crate::real::Next::new($name, None);
        SYMBOL.get().cast::<core::ffi::c_void>()
    }};
}
pub(crate) use address;
