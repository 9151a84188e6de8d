//! The benchmark's scenes with may: coroutines that look like threads, on as many workers as there are CPUs.
//!
//! may SCENE [ARGUMENT...]: the same arguments, checks and lines of output as the C program of that name. It has no pipes and no resolver, so
//! those scenes are missing.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use may::coroutine::{self, JoinHandle};
use may::net::{TcpListener, TcpStream};
use may::os::unix::net::UnixStream;
use may::sync::{Condvar, Mutex};
use peers::*;

fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // SAFETY: nothing here uses thread-local storage across a switch or overflows a coroutine's stack.
    unsafe { coroutine::spawn(body) }
}

fn join_all<T>(handles: Vec<JoinHandle<T>>) -> Vec<T> {
    handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| die("a coroutine panicked"))).collect()
}

/// gate.h
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    arrived: Condvar,
    opened: Condvar,
    expected: usize,
}

impl Gate {
    fn new(expected: usize) -> Arc<Gate> {
        Arc::new(Gate { expected, ..Gate::default() })
    }

    fn count_in(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        if state.0 == self.expected {
            self.arrived.notify_one();
        }
    }

    fn arrive(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        if state.0 == self.expected {
            self.arrived.notify_one();
        }
        while !state.1 {
            state = self.opened.wait(state).unwrap();
        }
    }

    fn wait_for_all(&self) {
        let mut state = self.state.lock().unwrap();
        while state.0 < self.expected {
            state = self.arrived.wait(state).unwrap();
        }
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.opened.notify_all();
    }
}

fn echo() {
    let listener = TcpListener::bind(("127.0.0.1", count(0, 0) as u16)).unwrap_or_else(|e| die(&format!("bind: {e}")));
    println!("port {}", listener.local_addr().unwrap().port());
    while let Ok((stream, _)) = listener.accept() {
        spawn(move || serve(stream));
    }
}

fn serve(mut stream: TcpStream) {
    let mut buffer = [0u8; 1024];
    let _ = stream.set_nodelay(true);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(got) => {
                if stream.write_all(&buffer[..got]).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn pingpong() {
    let each = nanoseconds_each!(2000, |turns| {
        let shared = Arc::new((Mutex::new((turns, 0usize)), Condvar::new()));
        let start = Instant::now();
        let play = |me: usize| {
            let shared = shared.clone();
            spawn(move || {
                let (lock, changed) = &*shared;
                let mut state = lock.lock().unwrap();
                while state.0 > 0 {
                    if state.1 != me {
                        state = changed.wait(state).unwrap();
                        continue;
                    }
                    state.0 -= 1;
                    state.1 = 1 - me;
                    changed.notify_one();
                }
                changed.notify_one();
            })
        };
        join_all(vec![play(0), play(1)]);
        start.elapsed()
    });
    println!("ns_per_handover {each:.1}");
}

struct Request {
    question: u64,
    answer: AtomicU64, // written and read under the queue's lock
    answered: AtomicU64,
    done: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<(std::collections::VecDeque<Arc<Request>>, bool)>,
    not_empty: Condvar,
}

impl Queue {
    fn work(&self) {
        let mut state = self.waiting.lock().unwrap();
        loop {
            while state.0.is_empty() && !state.1 {
                state = self.not_empty.wait(state).unwrap();
            }
            let Some(request) = state.0.pop_front() else { return };
            drop(state);
            let answer = scramble(request.question);
            state = self.waiting.lock().unwrap();
            request.answer.store(answer, Ordering::Relaxed);
            request.answered.store(1, Ordering::Relaxed);
            request.done.notify_one();
        }
    }

    fn ask(&self, question: u64) {
        let request = Arc::new(Request { question, answer: 0.into(), answered: 0.into(), done: Condvar::new() });
        let mut state = self.waiting.lock().unwrap();
        state.0.push_back(request.clone());
        self.not_empty.notify_one();
        while request.answered.load(Ordering::Relaxed) == 0 {
            state = request.done.wait(state).unwrap();
        }
        if request.answer.load(Ordering::Relaxed) != scramble(question) {
            die("the answer to another question");
        }
    }
}

fn pool() {
    let (clients, workers) = (count(1, 100), count(2, 16));
    let each = nanoseconds_each!(10 * clients as u64, |total| {
        let (queue, gate) = (Arc::new(Queue::default()), Gate::new(clients));
        let share = total / clients as u64 + 1;
        let working = (0..workers).map(|_| (queue.clone(),)).map(|(queue,)| spawn(move || queue.work())).collect();
        let asking = (0..clients as u64)
            .map(|client| {
                let (queue, gate) = (queue.clone(), gate.clone());
                spawn(move || {
                    gate.arrive();
                    (0..share).for_each(|i| queue.ask((client << 40) + i));
                })
            })
            .collect();
        gate.wait_for_all();
        let start = Instant::now();
        gate.open();
        join_all(asking);
        let elapsed = start.elapsed();
        queue.waiting.lock().unwrap().1 = true;
        queue.not_empty.notify_all();
        join_all(working);
        scaled(elapsed, total, share * clients as u64)
    });
    say_rate("ns_per_request", "requests_per_second", each);
}

fn mutex() {
    let (threads, held) = (count(1, 2), text(2) == "held");
    let each = nanoseconds_each!(10 * threads as u64, |total| {
        let (shared, gate) = (Arc::new(Mutex::new((0u64, 0u64))), Gate::new(threads));
        let share = total / threads as u64 + 1;
        let handles = (0..threads)
            .map(|_| {
                let (shared, gate) = (shared.clone(), gate.clone());
                spawn(move || {
                    let mut outside = 1;
                    gate.arrive();
                    for _ in 0..share {
                        let mut state = shared.lock().unwrap();
                        state.0 = work(state.0);
                        state.1 += 1;
                        if held {
                            coroutine::yield_now();
                        }
                        drop(state);
                        outside = work(outside);
                    }
                    outside
                })
            })
            .collect();
        gate.wait_for_all();
        let start = Instant::now();
        gate.open();
        std::hint::black_box(join_all(handles));
        let elapsed = start.elapsed();
        let sections = shared.lock().unwrap().1;
        if sections != share * threads as u64 {
            die("sections were lost");
        }
        scaled(elapsed, total, sections)
    });
    say_rate("ns_per_section", "sections_per_second", each);
}

fn create_join() {
    static RAN: AtomicU64 = AtomicU64::new(0);
    let each = nanoseconds_each!(200, |total| {
        RAN.store(0, Ordering::Relaxed);
        let start = Instant::now();
        for _ in 0..total {
            join_all(vec![spawn(|| RAN.fetch_add(1, Ordering::Relaxed))]);
        }
        let elapsed = start.elapsed();
        if RAN.load(Ordering::Relaxed) != total {
            die("coroutines that never ran");
        }
        elapsed
    });
    println!("ns_per_thread {each:.1}");
}

fn fresh() {
    let threads = count(0, 1000);
    let (gate, start) = (Gate::new(threads), Instant::now());
    let handles = (0..threads).map(|_| (gate.clone(),)).map(|(gate,)| spawn(move || gate.arrive())).collect();
    gate.wait_for_all();
    let alive = start.elapsed();
    gate.open();
    join_all(handles);
    println!("ns_per_thread {:.1}", alive.as_nanos() as f64 / threads as f64);
    println!("ns_per_join {:.1}", (start.elapsed() - alive).as_nanos() as f64 / threads as f64);
}

fn timers() {
    let before = cpu_us();
    let sleeper = |index| {
        spawn(move || {
            let (wanted, start) = (sleep_of(index), Instant::now());
            // may counts in milliseconds and cuts: again, until the time has passed.
            while let Some(left) = wanted.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
                coroutine::sleep(left.max(Duration::from_millis(1)));
            }
            late(wanted, start)
        })
    };
    let handles = (0..count(0, 1000)).map(sleeper).collect();
    say_lateness(join_all(handles), before);
}

fn parked() {
    let (in_recv, threads) = (text(0) == "recv", count(1, 1000));
    let mut pairs: Vec<(UnixStream, UnixStream)> = (0..if in_recv { threads } else { 0 })
        .map(|_| UnixStream::pair().unwrap_or_else(|e| die(&e.to_string())))
        .collect();
    join_all(vec![spawn(|| ())]);
    let gate = Gate::new(threads);
    let mut handles = Vec::with_capacity(threads);
    let mut far = Vec::with_capacity(threads);
    say_and_wait("ready");
    for _ in 0..threads {
        let gate = gate.clone();
        if let Some((mut near, other)) = pairs.pop() {
            far.push(other);
            handles.push(spawn(move || {
                gate.count_in();
                if !matches!(near.read(&mut [0]), Ok(0)) {
                    die("read");
                }
            }));
        } else {
            handles.push(spawn(move || gate.arrive()));
        }
    }
    gate.wait_for_all();
    say_and_wait("parked");
    gate.open();
    far.clear();
    join_all(handles);
}

fn main() {
    may::config().set_workers(std::thread::available_parallelism().map_or(1, |n| n.get()));
    let scene = match std::env::args().nth(1).as_deref() {
        Some("echo_threads") => echo,
        Some("pingpong") => pingpong,
        Some("pool") => pool,
        Some("mutex") => mutex,
        Some("create_join") => create_join,
        Some("fresh") => fresh,
        Some("timers") => timers,
        Some("parked") => parked,
        _ => die("usage: may SCENE [ARGUMENT...]"),
    };
    join_all(vec![spawn(scene)]);
}
