//! poll, select, epoll_wait and their kin: the real call with a zero timeout, a wait on every descriptor, and
//! the real call again. None of them is ever restarted after a handler (signal(7)).

use super::green;
use super::ready::{pass, verdict};
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::reactor::{Interest, Outcome, Turn, Wanted, Watches};
use crate::report::Call;
use crate::sched;
use crate::signal;
use crate::sys::fd as sysfd;
use crate::sys::sig::Mask;
use crate::sys::time::{self, Timespec};
use crate::sys::{mem, task};
use crate::syscall;
use crate::thread::cancel;
use crate::thread::wait::{self, Wait};
use core::ffi::c_int;
use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, timespec, timeval};

const READS: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDNORM | libc::POLLRDBAND | libc::POLLRDHUP;
const WRITES: i16 = libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND;

/// Repeats `look` until it finds something, `until` passes (then zero), or a handler runs.
///
/// `look` is told what is held: nothing before the first wait, after which the kernel does not mind a number that is closed.
fn until_found<I: Iterator<Item = Wanted>>(
    call: Call, until: Option<u64>, mut look: impl FnMut(&mut Watches) -> Result<usize, Errno>, wanted: impl Fn() -> I,
    blocking: impl FnOnce() -> Result<usize, Errno>,
) -> Result<usize, Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    let how = Wait::until(call, until).cancellable().failing();
    let mut turns: Vec<Turn> = Vec::new();
    let mut watches = Watches::new();
    loop {
        let found = signal::route::shown_to_kernel(|| signal::undisturbed(|| look(&mut watches)));
        if found != Ok(0) || until.is_some_and(|u| u <= time::now()) {
            pass(turns);
            return Ok(found?);
        }
        // An edge that this look has found nothing behind may mean something to others: this one's interest is narrower.
        let mut outcome = watches.wait(&mut wanted(), &how, &mut turns);
        while outcome == Outcome::Moved {
            outcome = watches.wait(&mut wanted(), &how, &mut turns);
        }
        match outcome {
            Outcome::NotPollable | Outcome::OtherMeaning | Outcome::Moved => {
                pass(turns);
                drop(watches);
                let scope = super::offload::enter();
                let r = blocking();
                super::offload::leave(scope);
                return Ok(r?);
            }
            // One last look, with the deadline passed.
            Outcome::Woken(Wake::TimedOut) => {}
            Outcome::Woken(why) => {
                if let Err(exit) = verdict(why, true) {
                    pass(turns);
                    return Err(exit);
                }
            }
        }
    }
}

/// Runs `f` with the signal mask of a p-call.
fn with_mask<R>(mask: Option<Mask>, f: impl FnOnce() -> R) -> R {
    match (mask, green()) {
        (Some(mask), Some(t)) => signal::with_mask(t, mask, f),
        _ => f(),
    }
}

/// The mask of a p-call: the first word of a set holds signals 1 to 64.
fn mask_of(set: *const sigset_t) -> Result<Option<Mask>, Errno> {
    if set.is_null() { Ok(None) } else { mem::read::<Mask>(set.cast()).map(Some) }
}

/// A timeout in the kernel's form: `None` for ever.
fn deadline_of(t: *const timespec) -> Result<Option<u64>, Exit> {
    if t.is_null() {
        return Ok(None);
    }
    let t = mem::read::<Timespec>(t.cast())?;
    if t.is_valid() { Ok(Some(time::after(t.nanos()))) } else { Err(Errno::INVAL.into()) }
}

/// poll(2).
///
/// # Safety
/// As the C function.
pub unsafe fn poll(fds: *mut pollfd, n: nfds_t, timeout: c_int) -> Result<c_int, Exit> {
    let until = (timeout >= 0).then(|| time::after(timeout as u64 * 1_000_000));
    // SAFETY: the caller's array.
    unsafe { poll_until(fds, n, until) }
}

/// ppoll(2).
///
/// # Safety
/// As the C function.
pub unsafe fn ppoll(
    fds: *mut pollfd, n: nfds_t, timeout: *const timespec, set: *const sigset_t,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let until = deadline_of(timeout)?;
        with_mask(mask_of(set)?, || poll_until(fds, n, until))
    }
}

/// # Safety
/// `fds` points to `n` entries.
unsafe fn poll_until(fds: *mut pollfd, n: nfds_t, until: Option<u64>) -> Result<c_int, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's array; entries are read between system calls that write them.
    unsafe {
        let entries = || {
            (0..n as usize).filter_map(move |i| {
                let p = *fds.add(i);
                let read = if p.events & READS != 0 { 1 } else { 0 };
                let write = if p.events & WRITES != 0 { 2 } else { 0 };
                let interest = match read | write {
                    2 => Interest::WRITE,
                    3 => Interest::BOTH,
                    // Errors and hang-ups are told to readers too.
                    _ => Interest::READ,
                };
                (p.fd >= 0).then_some(Wanted { fd: p.fd, interest, events: p.events })
            })
        };
        let found = until_found(
            Call::Poll,
            until,
            |_| syscall!(libc::SYS_poll, fds, n, 0usize),
            entries,
            || {
                let left = until.map(|u| Timespec::from_nanos(u.saturating_sub(time::now())));
                let left = left.as_ref().map_or(core::ptr::null(), |t| t as *const Timespec);
                syscall!(libc::SYS_ppoll, fds, n, left, 0usize, 8usize)
            },
        )?;
        Ok(found as c_int)
    }
}

/// What the three sets of a select ask for, and what counts for each as found, in the words of poll (`fs/select.c`).
const ASKED: [i16; 3] = [
    libc::POLLIN | libc::POLLRDNORM | libc::POLLRDBAND,
    libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND,
    libc::POLLPRI,
];
const FOUND: [i16; 3] = [ASKED[0] | libc::POLLHUP | libc::POLLERR, ASKED[1] | libc::POLLERR, ASKED[2]];

/// The three sets of a select, in and out.
struct Sets {
    at: [*mut u64; 3],
    asked: [Vec<u64>; 3],
    words: usize,
    n: c_int,
}

impl Sets {
    /// Of sets that are null or hold at least `n` bits.
    fn new(n: c_int, sets: [*mut fd_set; 3]) -> Result<Sets, Errno> {
        let words = (n as usize).div_ceil(64);
        let at = sets.map(|s| s.cast::<u64>());
        let mut asked = [const { Vec::new() }; 3];
        for (asked, at) in asked.iter_mut().zip(at).filter(|(_, at)| !at.is_null()) {
            *asked = mem::read_all(at, words)?;
        }
        Ok(Sets { at, asked, words, n })
    }

    /// The real call with a zero timeout; what is ready is written to the program's sets when something is.
    fn look(&self) -> Result<usize, Errno> {
        let mut now = self.asked.clone();
        let zero = Timespec::default();
        let p = now.each_mut().map(|set| if set.is_empty() { core::ptr::null_mut() } else { set.as_mut_ptr() });
        // SAFETY: live sets of `n` bits and a live timespec; no mask.
        let found = unsafe { syscall!(libc::SYS_pselect6, self.n, p[0], p[1], p[2], &raw const zero, 0usize) }?;
        if found > 0 {
            self.answer(&now);
        }
        Ok(found)
    }

    /// Writes the program's sets. A call that fails leaves them as they were: programs call again with them.
    fn answer(&self, sets: &[Vec<u64>; 3]) {
        for (set, at) in sets.iter().zip(self.at).filter(|(_, at)| !at.is_null()) {
            // SAFETY: the program's set has `words` words.
            unsafe { at.copy_from_nonoverlapping(set.as_ptr(), self.words) };
        }
    }

    /// Nothing was ready in time.
    fn answer_nothing(&self) {
        self.answer(&core::array::from_fn(|_| vec![0; self.words]));
    }

    fn descriptors(&self) -> impl Iterator<Item = Wanted> + '_ {
        (0..self.n).filter_map(move |fd| {
            let [read, write, except] = self.asked_of(fd);
            let interest = match (read || except, write) {
                (true, true) => Interest::BOTH,
                (true, false) => Interest::READ,
                (false, true) => Interest::WRITE,
                (false, false) => return None,
            };
            let mut events = 0;
            for (is_asked, kinds) in [read, write, except].into_iter().zip(ASKED) {
                events |= if is_asked { kinds } else { 0 };
            }
            Some(Wanted { fd, interest, events })
        })
    }

    /// In which of the sets the program has put a number.
    fn asked_of(&self, fd: c_int) -> [bool; 3] {
        let bit = 1u64 << (fd % 64);
        self.asked.each_ref().map(|set| set.get(fd as usize / 64).is_some_and(|word| word & bit != 0))
    }

    /// The real call for a program that has begun to wait: a number that is closed by now is ready, in whatever set it is.
    fn look_again(&self) -> Result<usize, Errno> {
        match self.look() {
            Err(Errno(libc::EBADF)) => Ok(self.look_one_by_one()),
            done => done,
        }
    }

    /// The kernel's call looks for closed numbers before it begins; as poll sees each, so its scan does.
    #[cold]
    fn look_one_by_one(&self) -> usize {
        let mut now = self.asked.each_ref().map(|set| vec![0u64; set.len()]);
        let mut found = 0;
        for wanted in self.descriptors() {
            let got = sysfd::poll_now(wanted.fd, wanted.events);
            let asked = self.asked_of(wanted.fd);
            for ((set, is_asked), kinds) in now.iter_mut().zip(asked).zip(FOUND) {
                if is_asked && got & (kinds | libc::POLLNVAL) != 0 {
                    set[wanted.fd as usize / 64] |= 1 << (wanted.fd % 64);
                    found += 1;
                }
            }
        }
        if found > 0 {
            self.answer(&now);
        }
        found
    }
}

/// The kernel takes a number beyond the table of descriptors for the table's size: programs give `getdtablesize()`, which may be
/// millions, with sets of FD_SETSIZE bits.
fn within_table(n: c_int) -> c_int {
    if n <= libc::FD_SETSIZE as c_int {
        return n;
    }
    let size = sched::scout::send(task::table_size);
    n.min(size.map_or(n, |size| size as c_int))
}

/// select(2). The remaining time is written back, as Linux does.
///
/// # Safety
/// As the C function.
pub unsafe fn select(
    n: c_int, r: *mut fd_set, w: *mut fd_set, e: *mut fd_set, timeout: *mut timeval,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let Some(t) = timeout.as_mut() else { return select_until(n, [r, w, e], None) };
        if t.tv_sec < 0 || t.tv_usec < 0 {
            return Err(Errno::INVAL.into());
        }
        let span = Timespec { sec: t.tv_sec.saturating_add(t.tv_usec / 1_000_000), nsec: t.tv_usec % 1_000_000 * 1000 };
        let end = span.plus(time::now());
        let result = select_until(n, [r, w, e], Some(end.nanos()));
        if !matches!(result, Err(Exit::Native | Exit::Cancelled)) {
            let left = end.less(time::now());
            (t.tv_sec, t.tv_usec) = (left.sec, left.nsec / 1000);
        }
        result
    }
}

/// pselect(2).
///
/// # Safety
/// As the C function.
pub unsafe fn pselect(
    n: c_int, r: *mut fd_set, w: *mut fd_set, e: *mut fd_set, timeout: *const timespec, set: *const sigset_t,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let until = deadline_of(timeout)?;
        with_mask(mask_of(set)?, || select_until(n, [r, w, e], until))
    }
}

/// # Safety
/// Each set is null or holds at least `n` bits.
unsafe fn select_until(n: c_int, sets: [*mut fd_set; 3], until: Option<u64>) -> Result<c_int, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    if n < 0 {
        return Err(Errno::INVAL.into());
    }
    let n = within_table(n);
    let sets = Sets::new(n, sets)?;
    let found = until_found(
        Call::Select,
        until,
        |watches| if watches.are_held() { sets.look_again() } else { sets.look() },
        || sets.descriptors(),
        || {
            let left = until.map(|u| Timespec::from_nanos(u.saturating_sub(time::now())));
            let left = left.as_ref().map_or(core::ptr::null(), |t| t as *const Timespec);
            // SAFETY: the program's sets, which still hold what was asked.
            unsafe { syscall!(libc::SYS_pselect6, n, sets.at[0], sets.at[1], sets.at[2], left, 0usize) }
        },
    )?;
    if found == 0 {
        sets.answer_nothing();
    }
    Ok(found as c_int)
}

/// epoll_wait(2).
///
/// # Safety
/// As the C function.
pub unsafe fn epoll_wait(epfd: c_int, events: *mut epoll_event, n: c_int, timeout: c_int) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { epoll_pwait(epfd, events, n, timeout, core::ptr::null()) }
}

/// epoll_pwait(2).
///
/// # Safety
/// As the C function.
pub unsafe fn epoll_pwait(
    epfd: c_int, events: *mut epoll_event, n: c_int, timeout: c_int, set: *const sigset_t,
) -> Result<c_int, Exit> {
    let until = (timeout >= 0).then(|| time::after(timeout as u64 * 1_000_000));
    // SAFETY: the caller's arguments.
    unsafe { with_mask(mask_of(set)?, || epoll_until(epfd, events, n, until)) }
}

/// epoll_pwait2(2).
///
/// # Safety
/// As the C function.
pub unsafe fn epoll_pwait2(
    epfd: c_int, events: *mut epoll_event, n: c_int, timeout: *const timespec, set: *const sigset_t,
) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let until = deadline_of(timeout)?;
        with_mask(mask_of(set)?, || epoll_until(epfd, events, n, until))
    }
}

/// # Safety
/// `events` has room for `n` entries.
unsafe fn epoll_until(epfd: c_int, events: *mut epoll_event, n: c_int, until: Option<u64>) -> Result<c_int, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    let found = until_found(
        Call::Epoll,
        until,
        |watches| {
            // Unlike poll, it does not look its number up again.
            // SAFETY: the caller's array.
            watches.attempt(epfd, |epfd| unsafe {
                syscall!(libc::SYS_epoll_pwait, epfd, events, n, 0usize, 0usize, 8usize)
            })
        },
        || core::iter::once(Wanted { fd: epfd, interest: Interest::READ, events: libc::POLLIN }),
        || {
            let left = until.map_or(-1, |u| u.saturating_sub(time::now()).div_ceil(1_000_000) as i64);
            // SAFETY: the caller's array.
            unsafe { syscall!(libc::SYS_epoll_pwait, epfd, events, n, left, 0usize, 8usize) }
        },
    )?;
    Ok(found as c_int)
}

/// A wait for time alone, as `select` without descriptors.
pub(super) fn sleep_until(how: &Wait) -> Wake {
    wait::sleep(how)
}
