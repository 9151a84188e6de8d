//! The same as produce.c in Rust.
//!
//!     rustc produce.rs -L native=/usr/local/lib && ./produce

use std::ffi::{c_double, c_int, c_uint, c_void};
use std::ptr::{null_mut, without_provenance_mut};

#[repr(C)]
struct Queue {
    _private: [u8; 0],
}

#[link(name = "greenlet")]
unsafe extern "C-unwind" {
    fn greenlet_init(flags: c_uint) -> c_int;
    fn greenlet_spawn(start: extern "C-unwind" fn(*mut c_void) -> *mut c_void, arg: *mut c_void) -> u64;
    fn greenlet_join(greenlet: u64, value: *mut *mut c_void) -> c_int;
    fn greenlet_queue_new(capacity: usize) -> *mut Queue;
    fn greenlet_queue_put(queue: *mut Queue, item: *mut c_void, seconds: c_double) -> c_int;
    fn greenlet_queue_get(queue: *mut Queue, seconds: c_double, item: *mut *mut c_void) -> c_int;
    fn greenlet_queue_free(queue: *mut Queue);
}

const NUMBERS: usize = 10000;
const FOREVER: c_double = -1.0;

struct Job {
    queue: *mut Queue,
    first: usize,
}

extern "C-unwind" fn produce(job: *mut c_void) -> *mut c_void {
    // SAFETY: main gives a job that lives until this greenlet is joined, and its queue.
    unsafe {
        let job = &*job.cast::<Job>();
        for number in (job.first..=NUMBERS).step_by(2) {
            greenlet_queue_put(job.queue, without_provenance_mut(number), FOREVER);
        }
    }
    null_mut()
}

extern "C-unwind" fn consume(queue: *mut c_void) -> *mut c_void {
    let (mut sum, mut number) = (0, null_mut());
    // SAFETY: main gives the queue, and frees it after this greenlet is joined.
    while unsafe { greenlet_queue_get(queue.cast(), FOREVER, &mut number) } == 0 && !number.is_null() {
        sum += number.addr();
    }
    without_provenance_mut(sum)
}

fn main() {
    // SAFETY: the calls take what greenlet.h says.
    unsafe {
        assert_eq!(greenlet_init(0), 0);
        let queue = greenlet_queue_new(8);
        let mut jobs = [1, 2].map(|first| Job { queue, first });
        let producers = jobs.each_mut().map(|job| greenlet_spawn(produce, (job as *mut Job).cast()));
        let consumers = [(); 2].map(|()| greenlet_spawn(consume, queue.cast()));
        for producer in producers {
            assert_eq!(greenlet_join(producer, null_mut()), 0);
        }
        for _ in consumers {
            greenlet_queue_put(queue, null_mut(), FOREVER);
        }
        let mut sum = 0;
        for consumer in consumers {
            let mut part = null_mut();
            assert_eq!(greenlet_join(consumer, &mut part), 0);
            sum += part.addr();
        }
        greenlet_queue_free(queue);
        println!("the numbers to {NUMBERS} are {sum} together");
    }
}
