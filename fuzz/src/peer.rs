//! A connection to a true peer, with somebody between. What the program and the peer get is the beginning of what was said, unchanged; all
//! of it where nobody meddles; and a connection that has lost something does not end as one that has not.

use crate::Verdict;
use crate::input::Random;
use crate::records::{Ends, client_side, drain, random_version, server_side};
use rustls::Connection;
use std::io::{Read, Write};
use std::net::Shutdown;

/// More than the longest talk between the two slowest readers needs; and how long to wait where a meddler may have left nothing to come.
const MOST_ROUNDS: usize = 200_000;
const MOST_MEDDLED: usize = 20_000;

struct Peer {
    tls: Connection,
    /// What it still has to say, and what it has heard.
    to_say: Vec<u8>,
    heard: Vec<u8>,
    has_ended: bool,
}

impl Peer {
    /// As far as it goes.
    fn say(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.tls.is_handshaking() && !self.has_ended {
            let n = self.tls.writer().write(&self.to_say).unwrap_or(0);
            self.to_say.drain(..n);
            if self.to_say.is_empty() {
                self.tls.send_close_notify();
                self.has_ended = true;
            }
        }
        while self.tls.wants_write() && self.tls.write_tls(&mut out).is_ok() {}
        out
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.tls.read_tls(&mut bytes).is_err() || self.tls.process_new_packets().is_err() {
                return;
            }
            let mut part = [0; 16384];
            while let Ok(n @ 1..) = self.tls.reader().read(&mut part) {
                self.heard.extend_from_slice(&part[..n]);
            }
        }
    }
}

pub fn round(random: &mut Random) -> Verdict {
    let version = random_version(random);
    let is_server = random.one_in(2);
    let (ours, theirs) = if is_server {
        (server_side(version), client_side(version))
    } else {
        (client_side(version), server_side(version))
    };
    let said = [random.size(800_000), random.size(800_000)].map(|len| random.bytes(len));
    let mut peer = Peer { tls: theirs, to_say: said[0].clone(), heard: Vec::new(), has_ended: false };
    let mut ends = Ends::new(ours, false);
    // One meddler in two is honest.
    let mut meddles = random.one_in(2);
    let is_honest = !meddles;
    let not_before = random.size(1000);
    // How seldom each side reads.
    let [programs_sloth, peers_sloth] = [0; 2].map(|_| random.size(100) + 1);
    let mut got = Vec::new();
    let (mut sent, mut on_its_way, mut is_cut) = (0, Vec::new(), false);
    for round in 0..MOST_ROUNDS {
        if !is_cut {
            on_its_way.extend(peer.say());
        }
        if meddles && round >= not_before && !on_its_way.is_empty() {
            is_cut = meddle(random, &mut on_its_way);
            meddles = false;
        }
        let piece = random.size(on_its_way.len()).max(usize::from(!on_its_way.is_empty()));
        let taken = ends.peer.write(&on_its_way[..piece]).unwrap_or(0);
        on_its_way.drain(..taken);
        if is_cut && on_its_way.is_empty() {
            let _ = ends.peer.shutdown(Shutdown::Write);
        }
        sent += ends.program.write(&said[1][sent..]).unwrap_or(0);
        if sent == said[1].len() {
            let _ = ends.program.shutdown(Shutdown::Write);
        }
        let is_over = ends.settle()?;
        if is_over || random.one_in(peers_sloth) {
            peer.hear(&drain(&mut ends.peer));
        }
        if is_over || random.one_in(programs_sloth) {
            got.extend(drain(&mut ends.program));
        }
        compare(&said[0], &got, "the program")?;
        compare(&said[1], &peer.heard, "the peer")?;
        if !is_honest && !is_cut && round > MOST_MEDDLED {
            return Ok(());
        }
        if is_over {
            return judge(&ends, is_honest, &said, &got, &peer.heard);
        }
    }
    Err("it takes for ever".to_owned())
}

fn compare(said: &[u8], heard: &[u8], who: &str) -> Verdict {
    if said.starts_with(heard) { Ok(()) } else { Err(format!("{who} hears what was not said")) }
}

fn judge(ends: &Ends, is_honest: bool, said: &[Vec<u8>; 2], got: &[u8], heard: &[u8]) -> Verdict {
    if is_honest && (got != said[0] || heard != said[1]) {
        let lens = [got.len(), said[0].len(), heard.len(), said[1].len()];
        return Err(format!("nobody meddles, and something is lost: {lens:?}"));
    }
    if got != said[0] && !ends.session.is_cut() {
        return Err("something is lost, and it ends as if nothing were".to_owned());
    }
    Ok(())
}

/// Does something to it. Whether nothing comes after it.
fn meddle(random: &mut Random, bytes: &mut Vec<u8>) -> bool {
    let at = random.below(bytes.len());
    let len = random.size(bytes.len() - at).max(1);
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => drop(bytes.drain(at..at + len)),
        2 => {
            let again = bytes[at..at + len].to_vec();
            bytes.splice(at..at, again);
        }
        3 => {
            let more: Vec<u8> = (0..random.size(300) + 1).map(|_| random.byte()).collect();
            bytes.splice(at..at, more);
        }
        _ => {
            bytes.truncate(at);
            return true;
        }
    }
    false
}
