//! A fresh pair made from a template, without a kernel thread: 3 µs instead of 30.
//!
//! Two hatched pairs that glibc made of one shape differ in what is their own only: words that point into the pair itself, which
//! differ by the distance of the two; the record; the thread id; the list links; the DTV. So a third is the first's words,
//! moved, over a stack of a reservation, with a DTV and static TLS that glibc allocates (`_dl_allocate_tls`) and a link in glibc's list
//! (`list`). What glibc writes into static TLS when a thread starts (the resolver's state, ctype's tables) is found likewise, by
//! comparing what it allocates with what it starts.
//!
//! Nothing is assumed about the descriptor's layout but what glibc publishes. A word that differs in any other way, a symbol
//! that is missing, a lock that does not prove itself: then glibc makes every pair, as before. The proof costs as much as two
//! or three threads, so it waits until a program has made [`SOME`] of one shape that are alive at once.
//!
//! Not copied: glibc's frames at the top of the stack. Nothing returns there, and the unwinder stops before (see `exit`).

use super::hijack::{self, Shape};
use super::stack::{Pair, Source};
use super::{Thread, list, recycle, slab, tcb};
use crate::atomic::Ordering;
use crate::config;
use crate::real;
use crate::report;
use crate::sys::lock::Lock;
use core::ptr::without_provenance_mut;

/// How many pairs of one shape glibc makes before the proof is worth its price.
const SOME: usize = 8;
const WORD: usize = size_of::<usize>();

enum State {
    /// How many glibc has made.
    Counted(usize),
    /// Somebody is at it.
    Learning,
    Refused,
    Known(&'static Template),
}

struct Kind {
    size: usize,
    guard: usize,
    state: State,
}

/// Shapes that come from reservations, which are few (`slab`).
static KINDS: Lock<Vec<Kind>> = Lock::new(Vec::new());

/// What a word of a new pair is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Same(usize),
    /// An address in the pair, as its distance from the thread pointer.
    Inside(isize),
    /// The record's address.
    Record,
}

impl Word {
    fn of(self, tp: usize, t: &Thread) -> usize {
        match self {
            Word::Same(value) => value,
            Word::Inside(distance) => tp.wrapping_add_signed(distance),
            Word::Record => (t as *const Thread).addr(),
        }
    }

    /// The word that two pairs have in the same place, if they agree on what it is.
    fn common(a: Seen<'_>, b: Seen<'_>) -> Option<Word> {
        if a.value == b.value {
            return Some(Word::Same(a.value));
        }
        if a.is_record() && b.is_record() {
            return Some(Word::Record);
        }
        let (near, same) = (a.distance(), b.distance());
        (near == same && a.is_inside()).then_some(Word::Inside(near))
    }
}

/// A word that was found in a pair.
#[derive(Clone, Copy)]
struct Seen<'a> {
    value: usize,
    t: &'a Thread,
}

impl Seen<'_> {
    fn distance(self) -> isize {
        self.value.wrapping_sub(self.t.tp()).cast_signed()
    }

    fn is_inside(self) -> bool {
        (self.t.pair.get().limit..=tcb::block_end(self.t.tp())).contains(&self.value)
    }

    fn is_record(self) -> bool {
        self.value == (self.t as *const Thread).addr()
    }
}

/// How glibc makes a pair of one shape.
struct Template {
    /// From the lowest address of the stack to the thread pointer.
    tp: usize,
    /// From the lowest address of the stack to where the coroutine's part begins.
    stack_base: usize,
    /// Where the descriptor has its link.
    link: usize,
    descriptor: Vec<Word>,
    /// What glibc writes into static TLS when a thread starts, by distance below the thread pointer.
    statics: Vec<(usize, Word)>,
}

/// A fresh pair, hatched; `None` where glibc is to make it.
pub fn make(shape: Shape) -> Option<&'static Thread> {
    enum Step {
        Copy(&'static Template),
        Learn,
    }
    if shape.user.is_some() || config::get().force.no_templates {
        return None;
    }
    let step = {
        let some = if config::get().force.templates { 0 } else { SOME };
        let mut kinds = KINDS.lock();
        let at = kinds.iter().position(|k| k.size == shape.size && k.guard == shape.guard).or_else(|| {
            let room = kinds.len() < slab::SHAPES;
            room.then(|| {
                kinds.push(Kind { size: shape.size, guard: shape.guard, state: State::Counted(0) });
                kinds.len() - 1
            })
        })?;
        let state = &mut kinds[at].state;
        match state {
            State::Counted(n) if *n < some => {
                *n += 1;
                return None;
            }
            State::Counted(_) => {
                *state = State::Learning;
                Step::Learn
            }
            State::Learning | State::Refused => return None,
            State::Known(template) => Step::Copy(template),
        }
    };
    match step {
        Step::Copy(template) => template.make(shape),
        Step::Learn => {
            let (state, t) = match learn(shape) {
                Some((template, t)) => (State::Known(template), Some(t)),
                None => (State::Refused, None),
            };
            if let Some(kind) = KINDS.lock().iter_mut().find(|k| k.size == shape.size && k.guard == shape.guard) {
                kind.state = state;
            }
            t
        }
    }
}

/// The template of a shape, and the first pair made from it.
fn learn(shape: Shape) -> Option<(&'static Template, &'static Thread)> {
    let a = by_libc(shape)?;
    let Some(b) = by_libc(shape) else {
        recycle::give(a);
        return None;
    };
    let learnt = Template::common(a, b).and_then(|mut template| {
        let t = template.begin(shape)?;
        // If not, glibc knows nothing of it but its TLS, which a process that is refused loses once.
        template.learn_statics([a, b], t).then_some((template, t))
    });
    recycle::give(a);
    let Some((template, t)) = learnt else {
        recycle::give(b);
        return None;
    };
    // The second is the price of the lock's proof.
    list::prove(b).then(|| {
        let template: &'static Template = Box::leak(Box::new(template));
        template.finish(t);
        (template, t)
    })
}

/// A hatched pair that glibc made on a stack of a reservation.
fn by_libc(shape: Shape) -> Option<&'static Thread> {
    let t = hijack::make_hatched(shape)?;
    if t.pair.get().source == Source::Slab {
        return Some(t);
    }
    recycle::give(t);
    None
}

fn read(at: usize) -> usize {
    // SAFETY: callers pass word-aligned addresses in the descriptor or the static TLS of a live pair that nobody runs on.
    unsafe { (at as *const usize).read_volatile() }
}

fn write(at: usize, value: usize) {
    // SAFETY: as for `read`.
    unsafe { (at as *mut usize).write_volatile(value) }
}

impl Template {
    /// What two pairs of glibc's have in common. `None` when they differ where they should not.
    fn common(a: &Thread, b: &Thread) -> Option<Template> {
        let (link, dtv, tid) = (list::link_offset()?, tcb::dtv_offset()?, tcb::tid_offset()?);
        if real::address!(c"_dl_allocate_tls").is_null() {
            return None;
        }
        let size = tcb::block_end(a.tp()) - a.tp();
        if tcb::block_end(b.tp()) - b.tp() != size || [link, dtv].iter().any(|at| at % WORD != 0) {
            return None;
        }
        let own = [dtv, link, link + WORD];
        let mut descriptor = Vec::with_capacity(size / WORD);
        for at in (0..size).step_by(WORD) {
            let [mut x, mut y] = [a, b].map(|t| Seen { value: read(t.tp() + at), t });
            if own.contains(&at) {
                (x.value, y.value) = (0, 0);
            } else if at == tid & !(WORD - 1) {
                let id = (u32::MAX as usize) << (8 * (tid % WORD));
                (x.value, y.value) = (x.value & !id, y.value & !id);
            }
            descriptor.push(Word::common(x, y)?);
        }
        let [tp, other] = [a, b].map(|t| t.tp() - t.pair.get().limit);
        let [stack_base, base] = [a, b].map(|t| t.stack_base.get() - t.pair.get().limit);
        let statics = Vec::new();
        (tp == other && stack_base == base).then_some(Template { tp, stack_base, link, descriptor, statics })
    }

    /// A new pair up to its link in glibc's list.
    fn begin(&self, shape: Shape) -> Option<&'static Thread> {
        let t = Thread::for_pair()?;
        let Some(limit) = slab::take(shape.size, shape.guard) else {
            t.retire();
            return None;
        };
        let tp = limit + self.tp;
        for (n, word) in self.descriptor.iter().enumerate() {
            write(tp + n * WORD, word.of(tp, t));
        }
        // SAFETY: a descriptor in memory of our own, without a DTV, above zeroed space for the static TLS.
        if unsafe { real::_dl_allocate_tls(without_provenance_mut(tp)) }.is_null() {
            // SAFETY: just taken, for a thread that was not made.
            unsafe { slab::give(limit) };
            t.retire();
            return None;
        }
        for &(below, word) in &self.statics {
            write(tp - below, word.of(tp, t));
        }
        if let Some(word) = tcb::tid(tp) {
            word.store(t.tid(), Ordering::Relaxed);
        }
        super::plant(tp, t);
        tcb::set_depth(tp, 1);
        t.stack_base.set(limit + self.stack_base);
        t.pair.set(Pair { tp, limit, size: shape.size, guard: shape.guard, source: Source::Slab });
        Some(t)
    }

    fn finish(&self, t: &Thread) {
        // SAFETY: the list is proved, or there would be no template. The descriptor is complete, and its stack stays mapped.
        unsafe { list::add(t.tp(), self.link) };
        t.hatched.store(1, Ordering::Release);
        report::count(report::Event::PairCopied);
    }

    fn make(&self, shape: Shape) -> Option<&'static Thread> {
        let t = self.begin(shape)?;
        self.finish(t);
        Some(t)
    }

    /// Learns what is written into static TLS before a thread of glibc's runs: `started` are such, in `copy` it is to be done.
    /// False when there is something that only glibc can know.
    fn learn_statics(&mut self, started: [&Thread; 2], copy: &Thread) -> bool {
        let Some(size) = static_tls_size() else { return false };
        for below in (WORD..=size).step_by(WORD) {
            let [x, y] = started.map(|t| Seen { value: read(t.tp() - below), t });
            let Some(word) = Word::common(x, y) else { return false };
            if read(copy.tp() - below) != word.of(copy.tp(), copy) {
                self.statics.push((below, word));
                write(copy.tp() - below, word.of(copy.tp(), copy));
            }
        }
        true
    }
}

/// How many bytes of static TLS lie below a thread pointer.
fn static_tls_size() -> Option<usize> {
    let info = real::address!(c"_dl_get_tls_static_info");
    if info.is_null() {
        return None;
    }
    let (mut size, mut align) = (0usize, 0usize);
    // SAFETY: the loader's function of that name, which sanitizers use, writes two words.
    unsafe {
        let info: unsafe extern "C" fn(*mut usize, *mut usize) = core::mem::transmute(info);
        info(&mut size, &mut align);
    }
    // It counts the descriptor too.
    size.checked_sub(tcb::size())
}

pub fn fork_prepare() {
    KINDS.hold();
}

pub fn fork_done() {
    KINDS.let_go();
}

/// Who was at it is not in the child.
pub fn after_fork() {
    for kind in KINDS.lock().iter_mut().filter(|k| matches!(k.state, State::Learning)) {
        kind.state = State::Counted(0);
    }
}
