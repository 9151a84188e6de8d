//! The ids of users and groups, which belong to the process and which the kernel keeps for each of its threads.

use crate::errno::{Errno, Exit};
use crate::ops::offload;
use crate::real;
use core::ffi::{c_char, c_int};
use libc::gid_t;

pub use crate::signal::setxid::{begin, end};

/// What libc tries first.
const USUAL: usize = 64;
/// NGROUPS_MAX.
const MOST: usize = 65_536;

/// initgroups(3): the look-up may wait for a network and is offloaded, so it cannot be made between [`begin`] and [`end`].
///
/// # Safety
/// As the C function.
pub unsafe fn initgroups(user: *const c_char, own: gid_t) -> Result<c_int, Exit> {
    let mut groups: Vec<gid_t> = Vec::new();
    let mut count = USUAL as c_int;
    let scope = offload::enter();
    loop {
        groups.resize(count as usize, 0);
        let room = count;
        // SAFETY: the caller's string, and room for so many groups.
        let found = unsafe { real::getgrouplist(user, own, groups.as_mut_ptr(), &mut count) };
        if found >= 0 {
            break;
        }
        if count <= room {
            offload::leave(scope);
            return Err(Errno(libc::ENOMEM).into());
        }
    }
    offload::leave(scope);
    let call = begin();
    // SAFETY: as many groups as were found.
    let answer = unsafe { real::setgroups((count as usize).min(MOST), groups.as_ptr()) };
    end(call);
    Ok(answer)
}
