//! Signal dispositions and masks by their older names, of System V (sighold) and BSD (sigblock). glibc makes these of functions of
//! its own, which no hook sees.

use super::signal::{change_mask, sigaction};
use crate::errno::{Errno, Exit};
use crate::sys::sig;
use core::ffi::c_int;
use core::ptr::{null, null_mut};
use libc::{sigaction as SigAction, sighandler_t};

/// A disposition that means: block it.
const SIG_HOLD: sighandler_t = 2;

/// As sigaddset(3), which also knows glibc's own signals.
fn bit(signo: c_int) -> Result<sig::Mask, Errno> {
    sig::bit_of(signo).ok_or(Errno::INVAL)
}

/// sighold(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sighold(signo: c_int) -> Result<c_int, Exit> {
    change_mask(libc::SIG_BLOCK, bit(signo)?)?;
    Ok(0)
}

/// sigrelse(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sigrelse(signo: c_int) -> Result<c_int, Exit> {
    change_mask(libc::SIG_UNBLOCK, bit(signo)?)?;
    Ok(0)
}

/// sigignore(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sigignore(signo: c_int) -> Result<c_int, Exit> {
    // SAFETY: an all-zero structure is valid, and live.
    unsafe {
        let mut new: SigAction = core::mem::zeroed();
        new.sa_sigaction = libc::SIG_IGN;
        sigaction(signo, &new, null_mut())
    }
}

/// sigset(3): the disposition before, or `SIG_HOLD` where the signal was blocked.
///
/// # Safety
/// As the C function.
pub unsafe fn sigset(signo: c_int, handler: sighandler_t) -> Result<sighandler_t, Exit> {
    let bit = bit(signo)?;
    // SAFETY: live structures, of which all-zero ones are valid; the caller's handler.
    unsafe {
        let mut new: SigAction = core::mem::zeroed();
        let mut old: SigAction = core::mem::zeroed();
        new.sa_sigaction = handler;
        let holds = handler == SIG_HOLD;
        sigaction(signo, if holds { null() } else { &new }, &mut old)?;
        let before = change_mask(if holds { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK }, bit)?;
        Ok(if before & bit != 0 { SIG_HOLD } else { old.sa_sigaction })
    }
}

/// sigblock(3): the first 32 signals that were blocked before.
///
/// # Safety
/// As the C function.
pub unsafe fn sigblock(mask: c_int) -> Result<c_int, Exit> {
    Ok(change_mask(libc::SIG_BLOCK, mask as u32 as sig::Mask)? as c_int)
}

/// sigsetmask(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sigsetmask(mask: c_int) -> Result<c_int, Exit> {
    Ok(change_mask(libc::SIG_SETMASK, mask as u32 as sig::Mask)? as c_int)
}

/// siggetmask(3).
///
/// # Safety
/// As the C function.
pub unsafe fn siggetmask() -> Result<c_int, Exit> {
    Ok(change_mask(libc::SIG_BLOCK, 0)? as c_int)
}
