//! How many there are of something, by address: hints, in a table of fixed size. Two addresses that share a place cost each
//! other a look or a turn, no more.

use crate::atomic::{AtomicU32, Ordering};

const PLACES: usize = 64;

pub struct Tally([AtomicU32; PLACES]);

impl Tally {
    pub const fn new() -> Tally {
        Tally([const { AtomicU32::new(0) }; PLACES])
    }

    /// The place of the object at `at`, which is 16 bytes or more long.
    pub fn of<T>(&self, at: *const T) -> &AtomicU32 {
        let at = at as usize;
        &self.0[(at >> 4 ^ at >> 10) % PLACES]
    }

    /// Forgets all: they were threads of the parent.
    pub fn reset(&self) {
        for place in &self.0 {
            place.store(0, Ordering::Relaxed);
        }
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}
