//! The macros that export a C symbol. One sentence per hook; the sentence is the prototype and the operation.
//!
//! | macro | for |
//! |---|---|
//! | `hook!` | a call that may park or unwind, given to an operation |
//! | `offload!` | a call known to block in the kernel or inside libc: the real one, with the worker's permit given up |
//! | `exec!` | exec: the real one, with what the calling thread has pending given to the kernel |
//! | `ids!` | a call that changes the ids of all kernel threads: the real one, which asks each of them once |
//! | `open!` | a call that may wait and then answers a descriptor: the real one, then the engine hears of it |
//! | `input!` | a call for input from a stream: a wait for it, then the real call |
//! | `observe!` | a call that only makes, or tells of, a descriptor: the real one, then the engine hears of it |
//! | `jump!` | a call whose real function must be jumped to from the outermost frame (`syscall`) |
//!
//! Every hook is the same three steps, from an operation that ends in one of five ways:
//!
//! ```text
//!     no second thread yet ────────────────────────────────────────┐
//!     its patch set is off ──────────▶ as Exit::Offloaded           │
//!     the operation ── a value ───────▶ return it, errno untouched  │
//!                   ├─ Exit::Errno ───▶ say it as the type says     │
//!                   ├─ Exit::Cancelled ▶ unwind from here, or retry │
//!                   ├─ Exit::Offloaded ▶ the next definition, with the permit given up
//!                   └─ Exit::Native ────────────────────────────────┴▶ the next definition
//! ```
//!
//! A cancelled thread unwinds through the hook's frame, so a hook is `extern "C-unwind"` and no value with a destructor
//! is alive in it at a real call. (`redhook` catches unwinding, hence it carries `observe!` alone.)
//!
//! Each hook proves its prototype: a function that nobody calls makes the same call of `c::NAME`, the `libc` crate's
//! declaration, and does not compile when an argument or the answer differs. Nothing is generated for it.
//!
//! Rejected: one generic function taking the operation as a closure. Its frame would stand between the hook and the
//! unwinder's landing, and the symbol's own name would be missing from backtraces.

/// `stringify!` as a `&CStr` constant.
macro_rules! c_name {
    ($name:expr) => {
        match core::ffi::CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => panic!("a symbol has a NUL inside"),
        }
    };
}

/// The `Next` of a symbol, by the version given or the newest.
macro_rules! next {
    ($name:ident) => {
        engine::real::Next::new(c_name!(stringify!($name)), None)
    };
    ($name:ident, $version:literal) => {
        engine::real::Next::new(c_name!(stringify!($name)), Some(c_name!($version)))
    };
}

/// A dead call that compiles only when the prototype is the C library's.
macro_rules! proof {
    ($name:ident($($arg:ident: $type:ty),*) -> $ret:ty) => {
        #[allow(dead_code, clippy::too_many_arguments)]
        unsafe fn proof($($arg: $type),*) -> <$ret as $crate::ret::Convention>::C {
            // SAFETY: never called; the types are what is wanted.
            unsafe { $crate::c::$name($($arg),*) }
        }
    };
}

/// Calls the next definition with the hook's own arguments, as the last thing the hook does.
macro_rules! call_next {
    ($next:ident($($arg:ident: $type:ty),*) -> $ret:ty) => {
        // SAFETY: the pointer has the prototype that `proof!` checked, and the arguments are the program's own.
        unsafe {
            match $crate::real::typed::<unsafe extern "C-unwind" fn($($type),*) -> $ret>(&$next) {
                Some(real) => real($($arg),*),
                None => <$ret as $crate::ret::Convention>::failed(libc::ENOSYS),
            }
        }
    };
}

/// The same while another worker may run the other green threads: `enter` gives the permit up. `leave` keeps `errno`; a real call that
/// unwinds skips it, which the engine finds out when the thread next waits or ends.
macro_rules! call_next_offloaded {
    ($next:ident($($arg:ident: $type:ty),*) -> $ret:ty, $enter:expr) => {{
        let scope = $enter;
        let answer = call_next!($next($($arg: $type),*) -> $ret);
        engine::ops::offload::leave(scope);
        answer
    }};
}

/// A call that may park or unwind.
///
/// - `fn recv(…) -> ssize_t = ops::io::recv`: the operation, once a second thread exists. Takes `, version "…"` for a
///   symbol that libc has kept only under an old version.
/// - `[SOCKET] fn accept(…) -> c_int = …`: the operation while that patch set is on (`engine::patch`); else the real call with the
///   permit given up.
/// - `[SOCKET] fn __recv_chk(…) -> ssize_t = ops::io::recv(fd, …) if len <= size`: these arguments, on this condition.
/// - `always fn sigaction(…) -> c_int = …`: from the first call on.
/// - `waking fn sem_post(…) -> c_int = …`: in a vfork child too, and any other process that has its parent's memory, since a
///   thread of its parent may be what it wakes, or must wake it. A thread that was told to look while it was in the call looks
///   at its end: one that calls all the time is hardly ever found outside, and has just given away what others may want.
/// - `closing fn close(…) -> c_int = …`: in each child too that has its parent's table of descriptors.
/// - `accepting fn accept(…) -> c_int = …, with flags`: what it answers may be a connection that is to speak TLS.
/// - `connecting fn connect(…) -> c_int = …`: where the server is to be talked to in TLS, that comes after it.
/// - `secure fn getpeername(…) -> c_int = …`: if any port speaks TLS, with or without a second thread;
///   `[SOCKET] or secure fn`: in either case, and the operation sees to the set itself then.
/// - `waking old fn`, `waking new fn`: the symbol's version is GLIBC_2.2.5, hidden, or GLIBC_2.3.2, the default. The functions
///   bear the C name, so the two of one name live in two modules.
macro_rules! hook {
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path $(, version $version:literal)?) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name $(, $version)?), engine::active().then_some(true), $op($($arg),*) }
    };
    ([$set:ident] fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name), engine::serves(engine::patch::Set::$set), $op($($arg),*) }
    };
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty
        = $($op:ident)::+($($given:ident),*) if $condition:expr) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name), (engine::active() && $condition).then_some(true), $($op)::+($($given),*) }
    };
    ([$set:ident] fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty
        = $($op:ident)::+($($given:ident),*) if $condition:expr) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name), engine::serves(engine::patch::Set::$set).filter(|_| $condition), $($op)::+($($given),*) }
    };
    (always fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path $(, version $version:literal)?) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name $(, $version)?), Some(true), $op($($arg),*) }
    };
    (secure fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name), engine::tls::is_on().then_some(true), $op($($arg),*) }
    };
    ([$set:ident] or secure fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret, next!($name),
            if engine::tls::is_on() { Some(true) } else { engine::serves(engine::patch::Set::$set) }, $op($($arg),*) }
    };
    (accepting fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> c_int = $op:path, with $flags:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> c_int {
            hook! { @function [] from_listener, $name($($arg: $type),*) -> c_int,
                next!($name), engine::serves(engine::patch::Set::SOCKET), $op($($arg),*) }
            // SAFETY: the program's own arguments; nothing in this frame has a destructor when it is unwound.
            let made = unsafe { from_listener($($arg),*) };
            if made >= 0
                && engine::tls::is_on()
                && let Err(errno) = engine::tls::accepted(made, $flags)
            {
                return $crate::ret::Convention::failed(errno.0);
            }
            made
        }
    };
    (connecting fn $name:ident($fd:ident: $fd_type:ty, $addr:ident: $addr_type:ty, $len:ident: $len_type:ty) -> c_int
        = $op:path) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($fd: $fd_type, $addr: $addr_type, $len: $len_type) -> c_int {
            hook! { @function [] plainly, $name($fd: $fd_type, $addr: $addr_type, $len: $len_type) -> c_int,
                next!($name), engine::serves(engine::patch::Set::SOCKET), $op($fd, $addr, $len) }
            // SAFETY: the program's own arguments; nothing in this frame has a destructor when it is unwound.
            unsafe {
                let answer = plainly($fd, $addr, $len);
                if !engine::tls::connects() {
                    return answer;
                }
                loop {
                    match engine::ops::tls::connected($fd, $addr, $len, answer) {
                        Ok(done) => return done,
                        Err(engine::Exit::Errno(errno)) => return $crate::ret::Convention::failed(errno),
                        Err(engine::Exit::Cancelled) => $crate::real::test_cancel(),
                        Err(engine::Exit::Native | engine::Exit::Offloaded) => return answer,
                    }
                }
            }
        }
    };
    (closing fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name), engine::is_table_watched().then_some(true), $op($($arg),*) }
    };
    (waking fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path $(, version $version:literal)?) => {
        hook! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret,
            next!($name $(, $version)?), engine::started().then_some(true), engine::then_look($op($($arg),*)) }
    };
    (waking old fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @versioned "GLIBC_2.2.5", "@", engine::started().then_some(true), $name($($arg: $type),*) -> $ret = $op }
    };
    (waking new fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $op:path) => {
        hook! { @versioned "GLIBC_2.3.2", "@@", engine::started().then_some(true), $name($($arg: $type),*) -> $ret = $op }
    };

    // A label in front of the function carries the C name and the version: `.symver` needs a name that the same
    // assembly defines. rustc's version script, which does not know the label, hides it.
    (@versioned $version:literal, $at:literal, $ours:expr, $name:ident($($arg:ident: $type:ty),*) -> $ret:ty = $op:path)
        => {
        hook! { @function [] $name, $name($($arg: $type),*) -> $ret,
            next!($name, $version), $ours, engine::then_look($op($($arg),*)) }
        versioned! {
            concat!("greenlet_", stringify!($name), "_", $version), concat!(stringify!($name), $at, $version), $name
        }
    };

    (@function [$($attribute:tt)*] $function:ident, $name:ident($($arg:ident: $type:ty),*) -> $ret:ty,
        $next:expr, $ours:expr, $operation:expr) => {
        $($attribute)*
        unsafe extern "C-unwind" fn $function($($arg: $type),*) -> $ret {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = $next;
            proof!($name($($arg: $type),*) -> $ret);
            #[allow(unused_unsafe)]
            while let Some(is_on) = $ours {
                // SAFETY: the operation takes what the C function takes, and the program vouches for it.
                match if is_on { unsafe { $operation } } else { Err(engine::Exit::Offloaded) } {
                    Ok(value) => return $crate::ret::Value::done(value),
                    Err(engine::Exit::Errno(errno)) => return $crate::ret::Convention::failed(errno),
                    // SAFETY: nothing in this frame has a destructor, and the operation has returned.
                    Err(engine::Exit::Cancelled) => unsafe { $crate::real::test_cancel() },
                    Err(engine::Exit::Offloaded) => {
                        return call_next_offloaded!(NEXT($($arg: $type),*) -> $ret, engine::ops::offload::enter());
                    }
                    Err(engine::Exit::Native) => break,
                }
            }
            call_next!(NEXT($($arg: $type),*) -> $ret)
        }
    };
}

/// A label that jumps to a function and is exported as a symbol with a version.
macro_rules! versioned {
    ($label:expr, $symbol:expr, $function:ident) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $label, ", \"ax\", @progbits"),
            concat!(".globl ", $label),
            concat!(".type ", $label, ", @function"),
            concat!($label, ":"),
            ".cfi_startproc",
            "jmp {function}",
            ".cfi_endproc",
            concat!(".size ", $label, ", . - ", $label),
            concat!(".symver ", $label, ", ", $symbol),
            ".popsection",
            function = sym $function,
        );
    };
}

/// The real call, while another worker may run the other green threads.
/// `then function`: it is called with a reference to the answer and the arguments.
/// `version "…"` as in `hook!`; `if condition`: only then does it wait; `parent fn`: it makes a child.
macro_rules! offload {
    (parent fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty) => {
        offload! { @function $name($($arg: $type),*) -> $ret, next!($name), true, engine::ops::process::enter_as_parent() }
    };
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty
        $(, version $version:literal)? $(, if $waits:expr)?) => {
        offload! { @function $name($($arg: $type),*) -> $ret, next!($name $(, $version)?), true $(&& $waits)?,
            engine::ops::offload::enter() }
    };
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty, then $heard:path) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
            offload! { @function [] offloaded, $name($($arg: $type),*) -> $ret, next!($name), true,
                engine::ops::offload::enter() }
            // SAFETY: the program's own arguments, and what the real call has made of them.
            unsafe {
                let answer = offloaded($($arg),*);
                $heard(&answer, $($arg),*);
                answer
            }
        }
    };
    (@function $name:ident($($arg:ident: $type:ty),*) -> $ret:ty, $next:expr, $waits:expr, $enter:expr) => {
        offload! { @function [#[unsafe(no_mangle)]] $name, $name($($arg: $type),*) -> $ret, $next, $waits, $enter }
    };
    (@function [$($attribute:tt)*] $function:ident, $name:ident($($arg:ident: $type:ty),*) -> $ret:ty,
        $next:expr, $waits:expr, $enter:expr) => {
        $($attribute)*
        unsafe extern "C-unwind" fn $function($($arg: $type),*) -> $ret {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = $next;
            proof!($name($($arg: $type),*) -> $ret);
            if !(engine::active() && $waits) {
                return call_next!(NEXT($($arg: $type),*) -> $ret);
            }
            call_next_offloaded!(NEXT($($arg: $type),*) -> $ret, $enter)
        }
    };
}

/// The real call, by which libc changes the ids of every kernel thread of the process.
macro_rules! ids {
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> c_int) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> c_int {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = next!($name);
            proof!($name($($arg: $type),*) -> c_int);
            if !engine::active() {
                return call_next!(NEXT($($arg: $type),*) -> c_int);
            }
            let call = engine::ops::ids::begin();
            let answer = call_next!(NEXT($($arg: $type),*) -> c_int);
            engine::ops::ids::end(call);
            answer
        }
    };
}

/// The real call, which does not come back unless it fails.
macro_rules! exec {
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> c_int) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> c_int {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = next!($name);
            proof!($name($($arg: $type),*) -> c_int);
            if !engine::active() {
                return call_next!(NEXT($($arg: $type),*) -> c_int);
            }
            let given = engine::ops::process::before_exec();
            let answer = call_next!(NEXT($($arg: $type),*) -> c_int);
            engine::ops::process::exec_failed(given);
            answer
        }
    };
}

/// The real call, which may wait (a named pipe's peer) and be cancelled there, then the engine hears of the descriptor.
macro_rules! open {
    (fn $name:ident($($arg:ident: $type:ty),*) -> c_int) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> c_int {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = next!($name);
            proof!($name($($arg: $type),*) -> c_int);
            let fd = call_next!(NEXT($($arg: $type),*) -> c_int);
            if fd >= 0 && engine::active() {
                engine::ops::fd::opened(fd);
            }
            fd
        }
    };
}

/// The real call, which takes input from a stream, once there is some.
///
/// `fn fgets(…) -> …, from stream`: it may read more than once. `, one from stream`: it takes a character, so that
/// nothing needs to be said when the buffer has one. Either with `if condition`: whether it reads at all.
macro_rules! input {
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty, one from $stream:expr) => {
        input! { @function $name($($arg: $type),*) -> $ret, $stream, engine::ops::stdio::is_empty($stream) }
    };
    (fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty, from $stream:expr, if $condition:expr) => {
        input! { @function $name($($arg: $type),*) -> $ret, $stream, $condition }
    };
    (@function $name:ident($($arg:ident: $type:ty),*) -> $ret:ty, $stream:expr, $reads:expr) => {
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
            #[unsafe(link_section = "greenlet_next")]
            static NEXT: engine::real::Next = next!($name);
            proof!($name($($arg: $type),*) -> $ret);
            #[allow(unused_unsafe)]
            while let Some(is_on) = engine::serves(engine::patch::Set::FILE)
                // SAFETY: the program gives a stream that is open.
                && unsafe { $reads }
            {
                let turn = if is_on {
                    // SAFETY: as above; in this frame nothing has a destructor when it is unwound.
                    unsafe { engine::ops::stdio::wait_for_input($stream) }
                } else {
                    Err(engine::Exit::Offloaded)
                };
                match turn {
                    Ok(turn) => {
                        let answer = call_next!(NEXT($($arg: $type),*) -> $ret);
                        // SAFETY: as above.
                        unsafe { engine::ops::stdio::filled($stream, turn) };
                        return answer;
                    }
                    Err(engine::Exit::Errno(errno)) => return $crate::ret::Convention::failed(errno),
                    // SAFETY: nothing in this frame has a destructor, and the operation has returned.
                    Err(engine::Exit::Cancelled) => unsafe { $crate::real::test_cancel() },
                    Err(engine::Exit::Offloaded) => {
                        return call_next_offloaded!(NEXT($($arg: $type),*) -> $ret, engine::ops::offload::enter());
                    }
                    Err(engine::Exit::Native) => break,
                }
            }
            call_next!(NEXT($($arg: $type),*) -> $ret)
        }
    };
}

/// The real call, which neither parks nor unwinds, then the engine hears of the descriptor:
/// `opens` when the answer is a new one, `opens pair` when an array of two is filled, `names fd` for one that is known.
///
/// libc has every symbol observed here since 2.9: `redhook` panics where one is missing.
macro_rules! observe {
    (fn $name:ident($($arg:ident: $type:ty),*) -> c_int, opens) => {
        observe! { @hook $name($($arg: $type),*), answer => engine::ops::fd::opened(answer) }
    };
    (fn $name:ident($($arg:ident: $type:ty),*) -> c_int, opens $pair:ident) => {
        observe! { @hook $name($($arg: $type),*), answer => {
            engine::ops::fd::opened(*$pair);
            engine::ops::fd::opened(*$pair.add(1));
        } }
    };
    (fn $name:ident($($arg:ident: $type:ty),*) -> c_int, names $fd:ident) => {
        observe! { @hook $name($($arg: $type),*), answer => engine::ops::fd::seen($fd) }
    };

    // A module, because redhook declares a type, a static and a function by the name of the symbol.
    (@hook $name:ident($($arg:ident: $type:ty),*), $answer:ident => $tell:expr) => {
        mod $name {
            use super::*;

            proof!($name($($arg: $type),*) -> c_int);

            redhook::hook! {
                unsafe fn $name($($arg: $type),*) -> c_int => observed {
                    // SAFETY: the arguments are the program's own, the prototype is proved, and what the real call
                    // filled in when it succeeded may be read.
                    unsafe {
                        let $answer = redhook::real!($name)($($arg),*);
                        if $answer >= 0 && engine::active() {
                            $tell;
                        }
                        $answer
                    }
                }
            }

            // Looked up before there are threads: `redhook` does it in a `Once`, and where one thread forks while another is
            // in there the child's first call waits for ever.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static LOOK_UP: extern "C" fn() = look_up;

            extern "C" fn look_up() {
                let _ = redhook::real!($name);
            }
        }
    };
}

/// A hook in assembly, for a function that must be jumped to with the stack as the program left it, because it may be
/// asked to return on another stack (`syscall(SYS_clone, …)`).
///
/// `jump! { syscall => decide }` calls `decide` with the same arguments, seven at most, and it returns an `Answer`.
///
/// ```text
///     the caller's frame          [rsp + 8]  the seventh argument, if there is one
///     the return address          [rsp]      at entry, and again at `jmp` and `ret`
///     rdi rsi rdx rcx r8 r9       saved, because the real function wants them
///     the seventh argument        copied, where `decide` looks for it; the stack is aligned here
/// ```
macro_rules! jump {
    ($name:ident => $decide:ident) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C-unwind" fn $name() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "push rdi",
                ".cfi_adjust_cfa_offset 8",
                "push rsi",
                ".cfi_adjust_cfa_offset 8",
                "push rdx",
                ".cfi_adjust_cfa_offset 8",
                "push rcx",
                ".cfi_adjust_cfa_offset 8",
                "push r8",
                ".cfi_adjust_cfa_offset 8",
                "push r9",
                ".cfi_adjust_cfa_offset 8",
                "push qword ptr [rsp + 56]",
                ".cfi_adjust_cfa_offset 8",
                // rdi to r9: the caller's. Returns rax: a value or an address, rdx: which of the two.
                "call {decide}",
                "mov r11, rdx",
                "add rsp, 8",
                ".cfi_adjust_cfa_offset -8",
                "pop r9",
                ".cfi_adjust_cfa_offset -8",
                "pop r8",
                ".cfi_adjust_cfa_offset -8",
                "pop rcx",
                ".cfi_adjust_cfa_offset -8",
                "pop rdx",
                ".cfi_adjust_cfa_offset -8",
                "pop rsi",
                ".cfi_adjust_cfa_offset -8",
                "pop rdi",
                ".cfi_adjust_cfa_offset -8",
                // As at entry, but rax: the value or the address, r11: zero when it is the address.
                "test r11, r11",
                "jz 2f",
                "ret",
                "2: jmp rax",
                ".cfi_endproc",
                decide = sym $decide,
            )
        }
    };
}
