//! A thread that sleeps on its parker as a foreign one does: `thread::wait::Waiter` with loom's futex.

use greenlet_engine::park::{Fire, Parker, Wake};
use greenlet_engine::reactor::edges;
use loom::sync::Notify;

pub struct Sleeper {
    pub parker: Parker,
    /// What is left of the kernel's futex: a wake that comes before the sleep is not lost, and none means much.
    futex: Notify,
}

impl Sleeper {
    pub fn new() -> Sleeper {
        Sleeper { parker: Parker::new(), futex: Notify::new() }
    }

    /// Mirrors `Waiter::wake`.
    pub fn wake(&self, why: Wake) -> bool {
        match self.parker.fire(why) {
            Fire::Lost => false,
            Fire::Seen => true,
            Fire::MustResume | Fire::MustSignal => {
                self.futex.notify();
                true
            }
        }
    }

    /// Mirrors `Waiter::sleep` and `sleep_on_futex`, without a deadline.
    pub fn sleep(&self) -> Wake {
        if self.parker.commit() {
            while !self.parker.is_fired() {
                self.futex.wait();
            }
        }
        self.parker.take()
    }
}

impl edges::Sleeper for Sleeper {
    fn wake(&self) -> bool {
        Sleeper::wake(self, Wake::Ready)
    }
}
