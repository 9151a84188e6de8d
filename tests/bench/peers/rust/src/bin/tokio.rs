//! The benchmark's scenes with tokio: tasks on its multi-threaded runtime with as many workers as there are CPUs.
//!
//! tokio SCENE [ARGUMENT...]: the same arguments, checks and lines of output as the C program of that name. Where that waits on a condition, a
//! task awaits a Notify, which is what tokio has for it; short critical sections have std's mutex, contended ones tokio's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use peers::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{unix::pipe, TcpListener, TcpStream, UnixStream};
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinHandle;

async fn join_all<T>(handles: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(handles.len());
    for handle in handles {
        results.push(handle.await.unwrap_or_else(|_| die("a task panicked")));
    }
    results
}

async fn echo() {
    let listener =
        TcpListener::bind(("127.0.0.1", count(0, 0) as u16)).await.unwrap_or_else(|e| die(&format!("bind: {e}")));
    println!("port {}", listener.local_addr().unwrap().port());
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut stream: TcpStream) {
    let mut buffer = [0u8; 1024];
    let _ = stream.set_nodelay(true);
    while let Ok(got) = stream.read(&mut buffer).await {
        if got == 0 || stream.write_all(&buffer[..got]).await.is_err() {
            return;
        }
    }
}

async fn pingpong() {
    let each = nanoseconds_each!(2000, |turns| {
        let (left, turn) = (Arc::new(AtomicU64::new(turns)), Arc::new([Notify::new(), Notify::new()]));
        let start = Instant::now();
        let play = |me: usize| {
            let (left, turn) = (left.clone(), turn.clone());
            tokio::spawn(async move {
                loop {
                    turn[me].notified().await;
                    let now = left.load(Ordering::Relaxed);
                    left.store(now.saturating_sub(1), Ordering::Relaxed);
                    turn[1 - me].notify_one();
                    if now == 0 {
                        return;
                    }
                }
            })
        };
        turn[0].notify_one();
        join_all(vec![play(0), play(1)]).await;
        start.elapsed()
    });
    println!("ns_per_handover {each:.1}");
}

#[derive(Default)]
struct Request {
    question: u64,
    answer: AtomicU64,
    done: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Arc<Request>>>,
    not_empty: Notify,
    closed: AtomicBool,
}

impl Queue {
    async fn work(&self) {
        loop {
            let next = self.waiting.lock().unwrap().pop_front();
            if let Some(request) = next {
                request.answer.store(scramble(request.question), Ordering::Release);
                request.done.notify_one();
            } else if self.closed.load(Ordering::Acquire) {
                self.not_empty.notify_one(); // the next worker must see it too
                return;
            } else {
                self.not_empty.notified().await;
            }
        }
    }

    async fn ask(&self, question: u64) {
        let request = Arc::new(Request { question, ..Request::default() });
        self.waiting.lock().unwrap().push_back(request.clone());
        self.not_empty.notify_one();
        request.done.notified().await;
        if request.answer.load(Ordering::Acquire) != scramble(question) {
            die("the answer to another question");
        }
    }
}

async fn pool() {
    let (clients, workers) = (count(1, 100), count(2, 16));
    let each = nanoseconds_each!(10 * clients as u64, |total| {
        let (queue, gate) = (Arc::new(Queue::default()), Arc::new(Barrier::new(clients + 1)));
        let share = total / clients as u64 + 1;
        let mut working = Vec::new();
        for _ in 0..workers {
            let queue = queue.clone();
            working.push(tokio::spawn(async move { queue.work().await }));
        }
        let mut asking = Vec::new();
        for client in 0..clients as u64 {
            let (queue, gate) = (queue.clone(), gate.clone());
            asking.push(tokio::spawn(async move {
                gate.wait().await;
                for i in 0..share {
                    queue.ask((client << 40) + i).await;
                }
            }));
        }
        gate.wait().await;
        let start = Instant::now();
        join_all(asking).await;
        let elapsed = start.elapsed();
        queue.closed.store(true, Ordering::Release);
        queue.not_empty.notify_one();
        join_all(working).await;
        scaled(elapsed, total, share * clients as u64)
    });
    say_rate("ns_per_request", "requests_per_second", each);
}

async fn mutex() {
    let (threads, held) = (count(1, 2), text(2) == "held");
    let each = nanoseconds_each!(10 * threads as u64, |total| {
        let shared = Arc::new(tokio::sync::Mutex::new((0u64, 0u64)));
        let gate = Arc::new(Barrier::new(threads + 1));
        let share = total / threads as u64 + 1;
        let mut handles = Vec::new();
        for _ in 0..threads {
            let (shared, gate) = (shared.clone(), gate.clone());
            handles.push(tokio::spawn(async move {
                let mut outside = 1;
                gate.wait().await;
                for _ in 0..share {
                    let mut state = shared.lock().await;
                    state.0 = work(state.0);
                    state.1 += 1;
                    if held {
                        tokio::task::yield_now().await;
                    }
                    drop(state);
                    outside = work(outside);
                }
                outside
            }));
        }
        gate.wait().await;
        let start = Instant::now();
        std::hint::black_box(join_all(handles).await);
        let elapsed = start.elapsed();
        let sections = shared.lock().await.1;
        if sections != share * threads as u64 {
            die("sections were lost");
        }
        scaled(elapsed, total, sections)
    });
    say_rate("ns_per_section", "sections_per_second", each);
}

async fn create_join() {
    static RAN: AtomicU64 = AtomicU64::new(0);
    let each = nanoseconds_each!(200, |total| {
        RAN.store(0, Ordering::Relaxed);
        let start = Instant::now();
        for _ in 0..total {
            join_all(vec![tokio::spawn(async { RAN.fetch_add(1, Ordering::Relaxed) })]).await;
        }
        let elapsed = start.elapsed();
        if RAN.load(Ordering::Relaxed) != total {
            die("tasks that never ran");
        }
        elapsed
    });
    println!("ns_per_thread {each:.1}");
}

async fn fresh() {
    let threads = count(0, 1000);
    let (gate, start) = (Arc::new(Barrier::new(threads + 1)), Instant::now());
    let mut handles = Vec::with_capacity(threads);
    for _ in 0..threads {
        let gate = gate.clone();
        handles.push(tokio::spawn(async move {
            gate.wait().await;
        }));
    }
    gate.wait().await;
    let alive = start.elapsed();
    join_all(handles).await;
    println!("ns_per_thread {:.1}", alive.as_nanos() as f64 / threads as f64);
    println!("ns_per_join {:.1}", (start.elapsed() - alive).as_nanos() as f64 / threads as f64);
}

async fn timers() {
    let before = cpu_us();
    let mut handles = Vec::new();
    for index in 0..count(0, 1000) {
        handles.push(tokio::spawn(async move {
            let (wanted, start) = (sleep_of(index), Instant::now());
            tokio::time::sleep(wanted).await;
            late(wanted, start)
        }));
    }
    say_lateness(join_all(handles).await, before);
}

async fn ring() {
    let places = count(1, 1000);
    let (mut ends, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..places {
        let (write, read) = pipe::pipe().unwrap_or_else(|e| die(&format!("pipe: {e}")));
        starts.push(tokio::sync::Mutex::new(write)); // never contended: a pipe is written by its predecessor, and by main before that
        ends.push(read);
    }
    let starts = Arc::new(starts);
    let (ended, all_ended) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    for (place, mut read) in ends.into_iter().enumerate() {
        let (starts, ended, all_ended) = (starts.clone(), ended.clone(), all_ended.clone());
        tokio::spawn(async move {
            let mut token = [0u8; 8];
            while read.read_exact(&mut token).await.is_ok() {
                let word = u64::from_le_bytes(token);
                if word as u32 as usize != place {
                    die("a token in the wrong pipe");
                }
                match word >> 32 {
                    0 if ended.fetch_add(1, Ordering::AcqRel) + 1 == TOKENS as u64 => all_ended.notify_one(),
                    0 => {}
                    left => put(&starts, (place + 1) % starts.len(), left - 1).await,
                }
            }
        });
    }
    let each = nanoseconds_each!(16 * TOKENS as u64, |total| {
        let start = Instant::now();
        ended.store(0, Ordering::Release);
        for i in 0..TOKENS {
            put(&starts, i * places / TOKENS, total / TOKENS as u64 - 1).await;
        }
        all_ended.notified().await;
        start.elapsed()
    });
    println!("ns_per_hop {each:.1}");
}

async fn put(starts: &[tokio::sync::Mutex<pipe::Sender>], place: usize, left: u64) {
    let token = (place as u64 | left << 32).to_le_bytes();
    starts[place].lock().await.write_all(&token).await.unwrap_or_else(|_| die("write"));
}

async fn parked() {
    let (in_recv, threads) = (text(0) == "recv", count(1, 1000));
    let mut pairs: Vec<(UnixStream, UnixStream)> = (0..if in_recv { threads } else { 0 })
        .map(|_| UnixStream::pair().unwrap_or_else(|e| die(&e.to_string())))
        .collect();
    let arrived = Arc::new(Barrier::new(threads + 1));
    let end = Arc::new(Notify::new());
    let mut handles = Vec::with_capacity(threads);
    let mut far = Vec::with_capacity(threads);
    say_and_wait("ready");
    for _ in 0..threads {
        let (arrived, end, pair) = (arrived.clone(), end.clone(), pairs.pop());
        let near = pair.map(|(near, other)| {
            far.push(other);
            near
        });
        handles.push(tokio::spawn(async move {
            let ended = end.notified(); // counts as waiting from here on
            arrived.wait().await;
            match near {
                Some(mut near) => {
                    if !matches!(near.read(&mut [0]).await, Ok(0)) {
                        die("read");
                    }
                }
                None => ended.await,
            }
        }));
    }
    arrived.wait().await;
    say_and_wait("parked");
    end.notify_waiters();
    far.clear();
    join_all(handles).await;
}

async fn lookups() {
    let (threads, each) = (count(0, 1000), count(1, 1));
    let start = Instant::now();
    let mut handles = Vec::new();
    for thread in 0..threads {
        handles.push(tokio::spawn(async move {
            for index in thread * each..(thread + 1) * each {
                let name = format!("h{index}.bench.test");
                let found =
                    tokio::net::lookup_host((name.as_str(), 0)).await.unwrap_or_else(|e| die(&format!("{name}: {e}")));
                let expected = [127, (index >> 16) as u8, (index >> 8) as u8, index as u8];
                if found.map(|address| address.ip()).collect::<Vec<_>>() != [std::net::IpAddr::from(expected)] {
                    die(&format!("{name}: a wrong address"));
                }
            }
        }));
    }
    join_all(handles).await;
    let (elapsed, total) = (start.elapsed(), (threads * each) as f64);
    println!("us_per_lookup {:.2}", elapsed.as_micros() as f64 / total);
    println!("lookups_per_second {:.0}", total / elapsed.as_secs_f64());
    println!("cpu_us_per_lookup {:.2}", cpu_us() / total);
}

#[tokio::main]
async fn main() {
    // A task of its own, because what runs in main() itself runs beside the workers.
    let scene = match std::env::args().nth(1).as_deref() {
        Some("echo_threads") => tokio::spawn(echo()),
        Some("pingpong") => tokio::spawn(pingpong()),
        Some("pool") => tokio::spawn(pool()),
        Some("mutex") => tokio::spawn(mutex()),
        Some("create_join") => tokio::spawn(create_join()),
        Some("fresh") => tokio::spawn(fresh()),
        Some("timers") => tokio::spawn(timers()),
        Some("ring") => tokio::spawn(ring()),
        Some("parked") => tokio::spawn(parked()),
        Some("lookups") => tokio::spawn(lookups()),
        _ => die("usage: tokio SCENE [ARGUMENT...]"),
    };
    join_all(vec![scene]).await;
}
