//! Throws random input at what reads TLS records and the options of TLS, and looks whether that holds what it promises.
//!
//! ```text
//! greenlet-fuzz [TARGET...] [--seconds N] [--seed N] [--from N] [--rounds N]
//!
//!     server, client   a connection of that side, to whose peer's socket changed records of the corpus come, in pieces
//!     peer             a connection to a true peer, between which and it bytes are changed, lost, doubled and held up
//!     listen, connect, options
//!                      changed values of GREENLET_TLS_LISTEN, GREENLET_TLS_CONNECT and greenlet_connect_ssl's options
//! ```
//!
//! Round N of a seed makes its input from these two alone; what fails says which it was, and `--seed S --from N --rounds 1` repeats it
//! (but for what rustls draws by lot). Without coverage as a guide: the corpus has what a random byte would not find.
//!
//! Rejected: cargo-fuzz, honggfuzz, AFL. They need a nightly compiler, or tools that a fresh machine lacks.

mod heap;
mod input;
mod options;
mod peer;
mod records;

use input::Random;
use std::process::exit;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// What a target finds wrong, in words.
type Verdict = Result<(), String>;
type Target = (&'static str, fn(&mut Random) -> Verdict);

const TARGETS: [Target; 6] = [
    ("server", records::server),
    ("client", records::client),
    ("peer", peer::round),
    ("listen", options::listen),
    ("connect", options::connect),
    ("options", options::terms),
];

struct Asked {
    targets: Vec<Target>,
    seconds: u64,
    seed: u64,
    from: u64,
    rounds: u64,
}

fn main() {
    let asked = parse(std::env::args().skip(1)).unwrap_or_else(|wrong| {
        eprintln!("greenlet-fuzz: {wrong}");
        exit(2)
    });
    let failed = asked.targets.iter().filter(|target| !run(target, &asked)).count();
    println!("{} passed, {failed} failed", asked.targets.len() - failed);
    exit(i32::from(failed != 0));
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { targets: Vec::new(), seconds: 5, seed: 1, from: 0, rounds: u64::MAX };
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--seconds" => &mut asked.seconds,
            "--seed" => &mut asked.seed,
            "--from" => &mut asked.from,
            "--rounds" => &mut asked.rounds,
            name => {
                let target = TARGETS.iter().find(|(known, _)| *known == name);
                asked.targets.push(*target.ok_or_else(|| format!("{name}: no such target"))?);
                continue;
            }
        };
        *place = words.next().and_then(|n| n.parse().ok()).ok_or_else(|| format!("{word} takes a number"))?;
    }
    if asked.targets.is_empty() {
        asked.targets = TARGETS.to_vec();
    }
    Ok(asked)
}

/// Whether the target holds for as long as was asked for, in seconds or rounds.
fn run(&(name, target): &Target, asked: &Asked) -> bool {
    let begun = Instant::now();
    let mut round = asked.from;
    while begun.elapsed() < Duration::from_secs(asked.seconds) && round - asked.from < asked.rounds {
        let mut random = Random::new(asked.seed, round);
        let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&mut random)));
        if let Err(wrong) = verdict.unwrap_or_else(|_| Err("it panics".to_owned())) {
            println!("{name}: FAILED in round {round} of seed {}: {wrong}", asked.seed);
            return false;
        }
        round += 1;
    }
    println!("{name}: {} rounds of seed {}, {:.0} s", round - asked.from, asked.seed, begun.elapsed().as_secs_f64());
    true
}
