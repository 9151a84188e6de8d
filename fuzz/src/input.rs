//! Where input comes from: a generator that a seed sets, and the corpus, changed.

use std::path::Path;
use std::sync::LazyLock;

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, round: u64) -> Random {
        let mut random = Random(seed);
        random.0 = random.next() ^ round;
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn byte(&mut self) -> u8 {
        // Those that mean something at the edges of lengths and kinds.
        const EDGES: [u8; 12] = [0, 1, 2, 0x14, 0x15, 0x16, 0x17, 0x18, 0x3f, 0x40, 0x80, 0xff];
        if self.one_in(2) { EDGES[self.below(EDGES.len())] } else { self.next() as u8 }
    }

    /// Mostly few.
    pub fn size(&mut self, most: usize) -> usize {
        let most = most >> self.below(16);
        self.below(most + 1)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

pub type Corpus = LazyLock<Vec<Vec<u8>>>;

/// The files of that folder, in the order of their names.
pub fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus")).collect()
}

/// One of the corpus, with some changes; sometimes two, one in the other.
pub fn changed(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = random.pick(corpus).clone();
    for _ in 0..random.size(32) {
        change(random, &mut input, corpus);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    const LONGEST: usize = 1 << 18;
    let at = random.below(input.len() + 1);
    let len = random.size(input.len() - at);
    match random.below(7) {
        0 if at < input.len() => input[at] = random.byte(),
        1 if at < input.len() => input[at] ^= 1 << random.below(8),
        2 => drop(input.drain(at..at + len)),
        3 if input.len() < LONGEST => {
            let again = input[at..at + len].to_vec();
            input.splice(at..at, again);
        }
        4 => {
            let more = random.size(300);
            let more: Vec<u8> = (0..more).map(|_| random.byte()).collect();
            input.splice(at..at, more);
        }
        5 if input.len() < LONGEST => {
            let other = random.pick(corpus);
            let from = random.below(other.len() + 1);
            input.splice(at..at, other[from..].iter().copied());
        }
        _ => input.truncate(at.max(1)),
    }
}
