//! Models of the engine's protocols under loom, which tries every order of their steps and every value that a
//! relaxed load may return.
//!
//! What is modelled is what ships: `Parker`, `Count`, `Sleepers`, `Seat`, `Edges`, `Claim`, `Gate`, `Holds`, `Moved` and `Arrivals` come
//! from the crate, built with loom's atomics (`atomic::modelled`). Around them stands as little as possible of what has a system call in
//! it; each such piece names the function that it mirrors and must be changed with it.
//!
//! A lost wake-up shows as loom's "deadlock": a thread sleeps and nobody is left to wake it. Every model that could
//! pass because it does not look has a twin with a step left out that must fail.
//!
//! What may not be assumed: that loom sees a SeqCst access as more than an acquire or release (it does not; the
//! fences it does see), or that a model covers more threads than it starts.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test --release --test model`. Without the flag there is nothing here.
#![cfg(loom)]

mod arrivals;
mod edges;
mod hold;
mod idle;
mod lot;
mod parker;
mod seat;
mod sleeper;

/// Tries every order of steps with at most `preemptions` switches away from a thread that could go on.
fn explore(preemptions: usize, scene: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(scene);
}
