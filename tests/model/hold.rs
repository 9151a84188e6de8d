//! Holds: a number that is closed and used again under a blocked reader. The reader goes on with the file that it held, takes
//! nothing of the next one, and the last reader that leaves lets the duplicate go.
//!
//! Mirrors `reactor::hold` and `ops::ready::in_one_life` around `Edges`, `Holds` and `Moved`. The kernel is a table of two
//! numbers, the program's and the duplicate, bytes a file, and what is registered; a system call is one step of it.

use crate::explore;
use crate::sleeper::Sleeper;
use greenlet_engine::park::Wake;
use greenlet_engine::reactor::edges::{Edges, Entry, Gate, Holds, Moved};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::sync::Arc;

const READ: u8 = 1;

/// The program's number and ours: places in the table.
const NUMBER: usize = 0;
const DUPLICATE: usize = 1;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum File {
    None,
    Old,
    New,
}

/// What is left out of the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// A close does not wait for tries that have begun.
    DoesNotWaitForTries,
    /// A reader links without a look at the life.
    LinksInAnyLife,
    /// A reader that came while the close was on its way is not told.
    ForgetsLateComers,
    /// A reader leaves without a word.
    LeavesSilently,
    /// A close does not wait for first tries.
    DoesNotWaitAtTheGate,
    /// A writer does not mind a close that is on its way.
    PassesTheGate,
    /// A writer leaves the gate before it is a user.
    LeavesTheGateEarly,
}

/// What the system calls work on.
struct Kernel {
    /// Whether the new file is ready as soon as it is registered.
    tempts: bool,
    table: [File; 2],
    /// Of the old file. A read of the new one always finds something.
    bytes: u32,
    /// The numbers under which the old file is registered.
    registered: [bool; 2],
    /// What was written to either file.
    written: [u32; 2],
}

impl Kernel {
    fn set(&mut self, number: usize, file: File) {
        self.table[number] = file;
        if !self.table.contains(&File::Old) {
            self.registered = [false; 2];
        }
    }
}

struct State {
    edges: Edges<Sleeper>,
    holds: Holds,
    moved: Moved,
    registered: bool,
}

/// What a reader's call comes to.
#[derive(PartialEq, Eq, Debug)]
enum End {
    Read(File),
    BadNumber,
    /// As a call that begins now: the model does not.
    OtherMeaning,
}

struct World {
    flaw: Flaw,
    kernel: Mutex<Kernel>,
    /// The number's slot and the duplicate's.
    slots: [Mutex<State>; 2],
    /// The number's.
    gate: Gate,
    life: AtomicU32,
    /// The close has found a user: who holds the first life holds the old file.
    is_used: AtomicU32,
}

/// Mirrors `slots::User` and `Hold`.
struct Hold {
    life: u32,
    entered: bool,
    trying: bool,
    at: usize,
}

impl Hold {
    fn end_try(&mut self, state: &mut State) {
        if std::mem::take(&mut self.trying) {
            state.holds.end_try();
        }
    }
}

impl World {
    fn new(flaw: Flaw, tempts: bool) -> Arc<World> {
        let state = || {
            let (edges, holds, moved) = (Edges::new(), Holds::new(), Moved::new());
            Mutex::new(State { edges, holds, moved, registered: false })
        };
        Arc::new(World {
            flaw,
            kernel: Mutex::new(Kernel {
                tempts,
                table: [File::Old, File::None],
                bytes: 0,
                registered: [false; 2],
                written: [0; 2],
            }),
            slots: [state(), state()],
            gate: Gate::new(),
            life: AtomicU32::new(0),
            is_used: AtomicU32::new(0),
        })
    }

    fn deliver(&self, number: usize) {
        self.slots[number].lock().unwrap().edges.deliver(READ, false);
    }

    /// A byte for the old file, and its edges.
    fn arrive(&self) {
        let registered = {
            let mut kernel = self.kernel.lock().unwrap();
            kernel.bytes += 1;
            kernel.registered
        };
        for number in [NUMBER, DUPLICATE] {
            if registered[number] {
                self.deliver(number);
            }
        }
    }

    /// A read that does not block: what it read, or `None` for EAGAIN.
    fn try_read(&self, number: usize) -> Option<End> {
        let mut kernel = self.kernel.lock().unwrap();
        match kernel.table[number] {
            File::None => Some(End::BadNumber),
            File::New => Some(End::Read(File::New)),
            File::Old if kernel.bytes == 0 => None,
            File::Old => {
                kernel.bytes -= 1;
                Some(End::Read(File::Old))
            }
        }
    }

    /// Mirrors `reactor::ensure_registered`; false when the number is bad.
    fn register(&self, number: usize) -> bool {
        let life = self.slots[number].lock().unwrap().holds.life();
        let ready = {
            let mut kernel = self.kernel.lock().unwrap();
            match kernel.table[number] {
                File::None => return false,
                File::New => kernel.tempts,
                File::Old => {
                    kernel.registered[number] = true;
                    kernel.bytes > 0
                }
            }
        };
        let mut state = self.slots[number].lock().unwrap();
        if state.holds.life() == life {
            state.registered = true;
        }
        if ready {
            state.edges.deliver(READ, false);
        }
        true
    }

    /// Mirrors `Hold::wait`; false when nothing is held.
    fn wait(&self, hold: &mut Hold, sleeper: &Sleeper, turn: &mut Option<usize>) -> bool {
        loop {
            let mut entry = Entry::new(sleeper, READ, true);
            let entry = &raw mut entry;
            sleeper.parker.arm();
            let mut state = self.slots[hold.at].lock().unwrap();
            if hold.at == NUMBER {
                hold.end_try(&mut state);
                if state.holds.life() != hold.life && self.flaw != Flaw::LinksInAnyLife {
                    drop(state);
                    sleeper.parker.disarm();
                    return self.follow(hold);
                }
            }
            if !state.registered {
                drop(state);
                sleeper.parker.disarm();
                if !self.register(hold.at) && !(hold.entered && self.life.load(Ordering::Acquire) != hold.life) {
                    return false;
                }
                continue;
            }
            if hold.at == NUMBER && !hold.entered {
                state.holds.enter();
                hold.entered = true;
            }
            // SAFETY: the entry stays in this frame until an edge or the close has unlinked it.
            let linked = unsafe { state.edges.link(entry) };
            drop(state);
            *turn = Some(hold.at);
            if !linked {
                sleeper.parker.disarm();
                return true;
            }
            assert_eq!(sleeper.sleep(), Wake::Ready);
            return true;
        }
    }

    /// Mirrors `Hold::follow`.
    fn follow(&self, hold: &mut Hold) -> bool {
        if !std::mem::take(&mut hold.entered) {
            return false;
        }
        let to = self.slots[NUMBER].lock().unwrap().moved.find(NUMBER as i32, hold.life);
        if to.is_some() {
            (hold.at, hold.entered) = (DUPLICATE, true);
        }
        to.is_some()
    }

    /// Mirrors `Hold::attempt`; `None` when nothing is held.
    fn attempt(&self, hold: &mut Hold) -> Option<Option<End>> {
        if hold.at == NUMBER {
            let begun = {
                let mut state = self.slots[NUMBER].lock().unwrap();
                hold.end_try(&mut state);
                hold.trying = state.holds.begin_try(hold.life);
                hold.trying
            };
            if !begun && !self.follow(hold) {
                return None;
            }
        }
        let end = self.try_read(hold.at);
        if hold.life == 0 && self.is_used.load(Ordering::Acquire) != 0 {
            assert!(end.is_none() || end == Some(End::Read(File::Old)), "another file's");
        }
        Some(end)
    }

    /// Mirrors `Hold::leave`.
    fn leave(&self, hold: &mut Hold) {
        let mut state = self.slots[NUMBER].lock().unwrap();
        hold.end_try(&mut state);
        if !hold.entered || self.flaw == Flaw::LeavesSilently || state.holds.leave(hold.life) {
            return;
        }
        let last = state.moved.leave(NUMBER as i32, hold.life);
        drop(state);
        if last.is_some() {
            self.kernel.lock().unwrap().set(DUPLICATE, File::None);
        }
    }

    /// Mirrors `ops::ready::until_ready`, once.
    fn read(&self) -> End {
        let life = self.life.load(Ordering::Acquire);
        if let Some(end) = self.try_read(NUMBER) {
            return end;
        }
        let sleeper = Sleeper::new();
        let mut hold = Hold { life, entered: false, trying: false, at: NUMBER };
        let mut turn = None;
        let end = loop {
            if !self.wait(&mut hold, &sleeper, &mut turn) {
                break End::OtherMeaning;
            }
            match self.attempt(&mut hold) {
                None => break End::OtherMeaning,
                Some(None) => {}
                Some(Some(end)) => break end,
            }
        };
        if let Some(number) = turn {
            self.deliver(number);
        }
        self.leave(&mut hold);
        end
    }

    /// Mirrors `Slot::end_life`; whether there were users.
    fn end_life(&self, with_duplicate: bool) -> bool {
        let mut state = self.slots[NUMBER].lock().unwrap();
        state.edges.forget();
        let life = state.holds.life();
        let users = state.holds.end_life();
        state.edges.disband();
        self.life.store(state.holds.life(), Ordering::Release);
        if users != 0 && with_duplicate {
            state.moved.add(NUMBER as i32, life, DUPLICATE as i32, users);
        }
        state.registered = false;
        users != 0
    }

    /// A write of one part, which there is always room for; false when the number is bad.
    fn write_part(&self, number: usize) -> bool {
        let mut kernel = self.kernel.lock().unwrap();
        match kernel.table[number] {
            File::None => return false,
            File::Old => kernel.written[0] += 1,
            File::New => kernel.written[1] += 1,
        }
        true
    }

    /// Mirrors `ready::first_try` of a call with a part left after it, with `hold::FirstTry`, and that part's try in
    /// `ready::in_one_life`.
    fn write_two_parts(&self) {
        if !self.gate.enter() && self.flaw != Flaw::PassesTheGate {
            self.gate.leave();
            while self.gate.is_shut() {
                thread::yield_now();
            }
            self.gate.enter();
        }
        let life = self.life.load(Ordering::Acquire);
        assert!(self.write_part(NUMBER));
        if self.flaw == Flaw::LeavesTheGateEarly {
            self.gate.leave();
        }
        let mut hold = Hold { life, entered: false, trying: false, at: NUMBER };
        {
            let mut state = self.slots[NUMBER].lock().unwrap();
            if state.holds.life() == life {
                state.holds.enter();
                hold.entered = true;
            }
        }
        if self.flaw != Flaw::LeavesTheGateEarly {
            self.gate.leave();
        }
        let begun = {
            let mut state = self.slots[NUMBER].lock().unwrap();
            hold.trying = state.holds.begin_try(hold.life);
            hold.trying
        };
        assert!(begun || self.follow(&mut hold), "the rest is lost");
        assert!(self.write_part(hold.at));
        self.leave(&mut hold);
    }

    /// Mirrors `hold::shutting`, a dup2 of the new file over the number, and `Closing::done`.
    fn replace(&self) {
        if self.gate.shut() && self.flaw != Flaw::DoesNotWaitAtTheGate {
            while self.gate.is_tried() {
                thread::yield_now();
            }
        }
        if self.slots[NUMBER].lock().unwrap().holds.users() != 0 {
            self.is_used.store(1, Ordering::Release);
            self.move_users();
        }
        self.kernel.lock().unwrap().set(NUMBER, File::New);
        if self.flaw != Flaw::ForgetsLateComers {
            self.end_life(false);
        }
        self.gate.open();
    }

    /// Mirrors `hold::move_users`.
    fn move_users(&self) {
        self.kernel.lock().unwrap().set(DUPLICATE, File::Old);
        let moved = self.end_life(true);
        self.kernel.lock().unwrap().registered[NUMBER] = false;
        if !moved {
            self.kernel.lock().unwrap().set(DUPLICATE, File::None);
        }
        while self.flaw != Flaw::DoesNotWaitForTries && self.slots[NUMBER].lock().unwrap().holds.is_tried() {
            thread::yield_now();
        }
    }
}

fn readers_and_a_close(flaw: Flaw, tempts: bool, readers: usize, bytes: u32) {
    let world = World::new(flaw, tempts);
    let reading: Vec<_> = (0..readers)
        .map(|_| {
            let world = world.clone();
            thread::spawn(move || world.read())
        })
        .collect();
    let closing = {
        let world = world.clone();
        thread::spawn(move || world.replace())
    };
    for _ in 0..bytes {
        world.arrive();
    }
    for reader in reading {
        reader.join().unwrap();
    }
    closing.join().unwrap();
    assert_eq!(world.kernel.lock().unwrap().table[DUPLICATE], File::None, "the duplicate stays");
}

fn a_writer_and_a_close(flaw: Flaw) {
    let world = World::new(flaw, true);
    let writing = {
        let world = world.clone();
        thread::spawn(move || world.write_two_parts())
    };
    world.replace();
    writing.join().unwrap();
    let kernel = world.kernel.lock().unwrap();
    assert!(matches!(kernel.written, [2, 0] | [0, 2]), "parts of one write in two files");
    assert_eq!(kernel.table[DUPLICATE], File::None, "the duplicate stays");
}

#[test]
fn a_writer_writes_all_of_it_to_one_file() {
    explore(4, || a_writer_and_a_close(Flaw::None));
}

#[test]
#[should_panic(expected = "the rest is lost")]
fn a_close_that_does_not_wait_at_the_gate_takes_the_file_of_the_rest() {
    explore(4, || a_writer_and_a_close(Flaw::DoesNotWaitAtTheGate));
}

#[test]
#[should_panic(expected = "the rest is lost")]
fn a_writer_that_passes_the_gate_loses_the_rest() {
    explore(4, || a_writer_and_a_close(Flaw::PassesTheGate));
}

#[test]
#[should_panic(expected = "the rest is lost")]
fn a_writer_that_leaves_the_gate_before_it_is_a_user_loses_the_rest() {
    explore(4, || a_writer_and_a_close(Flaw::LeavesTheGateEarly));
}

#[test]
fn a_reader_goes_on_with_the_file_that_it_held() {
    explore(3, || readers_and_a_close(Flaw::None, true, 1, 1));
}

/// The new file is never ready: who waited for it would wait for ever.
#[test]
fn a_reader_does_not_wait_for_the_next_file() {
    explore(3, || readers_and_a_close(Flaw::None, false, 1, 1));
}

#[test]
fn two_readers_go_on_with_the_file_that_they_held() {
    explore(1, || readers_and_a_close(Flaw::None, true, 2, 2));
}

#[test]
#[should_panic(expected = "another file's")]
fn a_close_that_does_not_wait_for_tries_gives_them_the_next_file() {
    explore(3, || readers_and_a_close(Flaw::DoesNotWaitForTries, true, 1, 1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_reader_that_links_in_any_life_sleeps_on() {
    explore(3, || readers_and_a_close(Flaw::LinksInAnyLife, false, 1, 1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_reader_that_comes_during_the_close_must_be_told() {
    explore(3, || readers_and_a_close(Flaw::ForgetsLateComers, true, 1, 1));
}

#[test]
#[should_panic(expected = "the duplicate stays")]
fn a_reader_that_leaves_silently_leaves_the_duplicate() {
    explore(3, || readers_and_a_close(Flaw::LeavesSilently, true, 1, 1));
}
