//! What the two Rust peers share: arguments, time, output and the work itself, as bench.h has them for the C programs.

use std::io::BufRead;
use std::process::exit;
use std::time::{Duration, Instant};

pub const TOKENS: usize = 64;

pub fn die(what: &str) -> ! {
    eprintln!("{}: {what}", std::env::args().next().unwrap_or_default());
    exit(1)
}

pub fn text(index: usize) -> String {
    std::env::args().nth(index + 2).unwrap_or_default()
}

pub fn argument(index: usize, otherwise: f64) -> f64 {
    let word = text(index);
    if word.is_empty() {
        otherwise
    } else {
        word.parse().unwrap_or_else(|_| die("an argument is not a number"))
    }
}

pub fn count(index: usize, otherwise: usize) -> usize {
    argument(index, otherwise as f64) as usize
}

/// Doubles the count until one run lasts long enough. A macro, because the body of one peer awaits.
#[macro_export]
macro_rules! nanoseconds_each {
    ($first:expr, |$count:ident| $run:block) => {{
        let seconds = $crate::argument(0, 1.0);
        let mut $count: u64 = $first;
        loop {
            let elapsed: std::time::Duration = $run;
            if elapsed.as_secs_f64() >= seconds {
                break elapsed.as_nanos() as f64 / $count as f64;
            }
            $count *= 2;
        }
    }};
}

/// What a run of `done` operations would have taken for `asked`, where shares were rounded up.
pub fn scaled(elapsed: Duration, asked: u64, done: u64) -> Duration {
    elapsed.mul_f64(asked as f64 / done as f64)
}

pub fn scramble(word: u64) -> u64 {
    word.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407)
}

pub fn work(word: u64) -> u64 {
    (0..20).fold(word, |word, _| scramble(word))
}

pub fn sleep_of(index: usize) -> Duration {
    Duration::from_micros(1_000_000 + (scramble(scramble(index as u64)) >> 32) % 2_000_000)
}

pub fn late(wanted: Duration, start: Instant) -> Duration {
    start.elapsed().checked_sub(wanted).unwrap_or_else(|| die("a sleeper that woke early"))
}

pub fn cpu_us() -> f64 {
    // SAFETY: an all-zero timespec is a value, and the clock is written to it.
    unsafe {
        let mut now: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now);
        now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
    }
}

pub fn say_lateness(mut late: Vec<Duration>, cpu_before: f64) {
    let count = late.len();
    println!("cpu_us_per_sleeper {:.3}", (cpu_us() - cpu_before) / count as f64);
    late.sort();
    for (name, at) in [("p50", count / 2), ("p99", count * 99 / 100), ("max", count - 1)] {
        println!("late_{name}_us {:.1}", late[at].as_nanos() as f64 / 1e3);
    }
}

pub fn say_rate(each: &str, rate: &str, ns: f64) {
    println!("{each} {ns:.1}\n{rate} {:.0}", 1e9 / ns);
}

/// For the driver, which looks at the memory of this process in between.
pub fn say_and_wait(word: &str) {
    println!("{word}");
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).unwrap_or(0) == 0 {
        exit(1) // the driver has gone
    }
}
