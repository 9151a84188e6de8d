//! The ids of users and groups. libc changes them in all threads.

use core::ffi::{c_char, c_int};
use engine::ops;
use libc::{gid_t, size_t, uid_t};

ids! { fn setuid(id: uid_t) -> c_int }
ids! { fn setgid(id: gid_t) -> c_int }
ids! { fn seteuid(effective: uid_t) -> c_int }
ids! { fn setegid(effective: gid_t) -> c_int }
ids! { fn setreuid(real: uid_t, effective: uid_t) -> c_int }
ids! { fn setregid(real: gid_t, effective: gid_t) -> c_int }
ids! { fn setresuid(real: uid_t, effective: uid_t, saved: uid_t) -> c_int }
ids! { fn setresgid(real: gid_t, effective: gid_t, saved: gid_t) -> c_int }
ids! { fn setgroups(count: size_t, groups: *const gid_t) -> c_int }
hook! { fn initgroups(user: *const c_char, own: gid_t) -> c_int = ops::ids::initgroups }
