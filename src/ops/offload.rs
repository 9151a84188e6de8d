//! Calls known to block in the kernel: the permit is given up before and taken back after.

use crate::arch::tls;
use crate::report;
use crate::sched;

/// What [`enter`] leaves for [`leave`]. Plain data: a call that is unwound by cancellation skips `leave`, and
/// the thread goes on without a permit until it parks, as after a rescue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    offloaded: bool,
}

/// The calling thread is about to block in the kernel.
pub fn enter() -> Scope {
    sched::wait_for_reserve();
    enter_here()
}

/// The same on the kernel thread that it is on, whatever becomes of the others: it has been waited for already
/// (`sched::wait_for_reserve`), and the call is that kernel thread's (`bind::to_parent`).
pub fn enter_here() -> Scope {
    if tls::current().is_null() {
        return Scope { offloaded: false };
    }
    report::count(report::Event::Offload);
    Scope { offloaded: sched::offload() }
}

/// It is back. errno is kept: nothing here calls libc, and it is the thread's own wherever it resumes.
pub fn leave(scope: Scope) {
    if scope.offloaded {
        sched::onload();
    }
}
