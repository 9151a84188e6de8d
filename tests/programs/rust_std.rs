//! Rust's std as an ordinary program uses it: threads, locks, channels, parking, sockets, thread-locals, panics.
//! Every section prints results that any correct run prints; nothing here may depend on timing or on an order
//! that std does not promise.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use std::thread;
use std::time::{Duration, Instant};

const ECHO_THREADS: u64 = 200;

fn main() {
    std::panic::set_hook(Box::new(|_| {})); // its message holds a kernel thread number
    let sections: [(&str, fn() -> String); 18] = [
        ("join values", join_values),
        ("channel", channel),
        ("bounded channel", bounded_channel),
        ("channel timeouts", channel_timeouts),
        ("mutex", mutex),
        ("poisoned mutex", poisoned_mutex),
        ("condvar queue", condvar_queue),
        ("condvar timeout", condvar_timeout),
        ("rwlock", rwlock),
        ("barrier", barrier),
        ("park", park),
        ("scoped", scoped),
        ("once", once),
        ("thread locals", thread_locals),
        ("panic", panic_is_an_error),
        ("sleep", sleep),
        ("tcp echo", tcp_echo),
        ("udp and unix", udp_and_unix),
    ];
    for (name, section) in sections {
        println!("{name}: {}", section());
    }
}

fn join_values() -> String {
    let threads: Vec<_> = (0..500u64).map(|i| thread::spawn(move || i * i)).collect();
    let sum: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    let named = thread::Builder::new().name("a name".into()).stack_size(256 << 10);
    let name = named.spawn(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap();
    format!("sum {sum}, {name:?}")
}

fn channel() -> String {
    let (sender, receiver) = mpsc::channel::<u64>();
    let senders: Vec<_> = (0..50)
        .map(|i| {
            let sender = sender.clone();
            thread::spawn(move || (0..200).for_each(|n| sender.send(i * 1000 + n).unwrap()))
        })
        .collect();
    drop(sender);
    let (mut count, mut sum) = (0, 0);
    for value in receiver {
        count += 1;
        sum += value;
    }
    senders.into_iter().for_each(|t| t.join().unwrap());
    format!("{count} values, sum {sum}")
}

fn bounded_channel() -> String {
    let (sender, receiver) = mpsc::sync_channel::<u64>(0);
    let producer = thread::spawn(move || (0..2_000).try_for_each(|n| sender.send(n)).is_ok());
    let in_order = (0..2_000).all(|n| receiver.recv() == Ok(n));
    let sent = producer.join().unwrap();
    format!("rendezvous in order {in_order}, all sent {sent}, then {:?}", receiver.recv())
}

fn channel_timeouts() -> String {
    let (sender, receiver) = mpsc::channel::<u8>();
    let empty = receiver.try_recv() == Err(TryRecvError::Empty);
    let began = Instant::now();
    let late = receiver.recv_timeout(Duration::from_millis(30)) == Err(RecvTimeoutError::Timeout);
    let waited = began.elapsed() >= Duration::from_millis(30);
    let helper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(10));
        sender.send(7)
    });
    let value = receiver.recv_timeout(Duration::from_secs(20));
    helper.join().unwrap().unwrap();
    format!("empty {empty}, timeout {late} after the time {waited}, then {value:?}, then {:?}", receiver.try_recv())
}

fn mutex() -> String {
    let total = Arc::new(Mutex::new((0u64, 0u64)));
    let threads: Vec<_> = (0..32)
        .map(|i| {
            let total = Arc::clone(&total);
            thread::spawn(move || {
                for n in 0..1_000 {
                    let mut guard = total.lock().unwrap();
                    guard.0 += 1;
                    if n % 100 == 0 {
                        thread::yield_now(); // with the lock held: the others must wait, not fail
                    }
                    guard.1 += i;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    format!("{:?}", *total.lock().unwrap())
}

fn poisoned_mutex() -> String {
    let lock = Arc::new(Mutex::new(1));
    let other = Arc::clone(&lock);
    let failed = thread::spawn(move || {
        let mut guard = other.lock().unwrap();
        *guard = 2;
        panic!("with the lock held");
    })
    .join()
    .is_err();
    let value = lock.lock().map(|g| *g).unwrap_or_else(|poisoned| -*poisoned.into_inner());
    format!("panicked {failed}, poisoned {}, value {value}", lock.is_poisoned())
}

fn condvar_queue() -> String {
    type Queue = (Mutex<Vec<u64>>, Condvar, Condvar);
    const ROOM: usize = 4;
    let queue: Arc<Queue> = Arc::default();
    let producer = |base: u64, queue: Arc<Queue>| {
        thread::spawn(move || {
            for n in 0..500 {
                let mut items = queue.1.wait_while(queue.0.lock().unwrap(), |q| q.len() >= ROOM).unwrap();
                items.push(base + n);
                queue.2.notify_one();
            }
        })
    };
    let consumer = |queue: Arc<Queue>| {
        thread::spawn(move || {
            let mut sum = 0;
            for _ in 0..500 {
                let mut items = queue.2.wait_while(queue.0.lock().unwrap(), |q| q.is_empty()).unwrap();
                sum += items.pop().unwrap();
                queue.1.notify_one();
            }
            sum
        })
    };
    let producers: Vec<_> = (0..8).map(|i| producer(i * 10_000, Arc::clone(&queue))).collect();
    let consumers: Vec<_> = (0..8).map(|_| consumer(Arc::clone(&queue))).collect();
    producers.into_iter().for_each(|t| t.join().unwrap());
    let sum: u64 = consumers.into_iter().map(|t| t.join().unwrap()).sum();
    format!("sum {sum}, left {}", queue.0.lock().unwrap().len())
}

fn condvar_timeout() -> String {
    let lock = Mutex::new(());
    let condvar = Condvar::new();
    let began = Instant::now();
    let limit = Duration::from_millis(30);
    let (_guard, result) = condvar.wait_timeout_while(lock.lock().unwrap(), limit, |()| true).unwrap();
    format!("timed out {}, after the time {}", result.timed_out(), began.elapsed() >= limit)
}

fn rwlock() -> String {
    let pair = Arc::new(RwLock::new((0u64, 0u64)));
    let writers = (0..4).map(|_| {
        let pair = Arc::clone(&pair);
        thread::spawn(move || {
            for n in 0..300 {
                let mut both = pair.write().unwrap();
                both.0 += 1;
                if n % 50 == 0 {
                    thread::sleep(Duration::from_micros(100));
                }
                both.1 += 1;
            }
            0
        })
    });
    let readers = (0..12).map(|_| {
        let pair = Arc::clone(&pair);
        thread::spawn(move || {
            let torn = |_: &u32| {
                let both = pair.read().unwrap();
                thread::yield_now();
                both.0 != both.1
            };
            (0..300u32).filter(torn).count()
        })
    });
    let threads: Vec<_> = writers.chain(readers).collect();
    let torn: usize = threads.into_iter().map(|t| t.join().unwrap()).sum();
    format!("{:?}, torn reads {torn}", *pair.read().unwrap())
}

fn barrier() -> String {
    const PARTIES: usize = 20;
    let barrier = Arc::new(Barrier::new(PARTIES));
    let arrived = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..PARTIES)
        .map(|_| {
            let (barrier, arrived) = (Arc::clone(&barrier), Arc::clone(&arrived));
            thread::spawn(move || {
                let (mut leader, mut early) = (0, 0);
                for phase in 1..=20 {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    leader += usize::from(barrier.wait().is_leader());
                    early += usize::from(arrived.load(Ordering::SeqCst) < phase * PARTIES);
                    barrier.wait();
                }
                (leader, early)
            })
        })
        .collect();
    let both = threads.into_iter().map(|t| t.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    format!("leaders {}, early {}", both.0, both.1)
}

fn park() -> String {
    let ready = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ready);
    let sleeper = thread::spawn(move || {
        while !seen.load(Ordering::Acquire) {
            thread::park();
        }
        "woken"
    });
    thread::sleep(Duration::from_millis(5));
    ready.store(true, Ordering::Release);
    sleeper.thread().unpark();
    let words = sleeper.join().unwrap();
    thread::current().unpark();
    thread::park(); // takes the token that was left before
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(20) {
        thread::park_timeout(Duration::from_millis(20));
    }
    format!("{words}, token kept, timeout ended")
}

fn scoped() -> String {
    let mut numbers: Vec<u64> = (0..1_000).collect();
    thread::scope(|scope| {
        for part in numbers.chunks_mut(100) {
            scope.spawn(move || part.iter_mut().for_each(|n| *n *= 2));
        }
    });
    format!("sum {}", numbers.iter().sum::<u64>())
}

fn once() -> String {
    static START: Once = Once::new();
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static CELL: OnceLock<usize> = OnceLock::new();
    static LAZY: LazyLock<usize> = LazyLock::new(|| CALLS.fetch_add(100, Ordering::SeqCst));
    let slow = || {
        thread::sleep(Duration::from_millis(5));
        CALLS.fetch_add(1, Ordering::SeqCst);
    };
    thread::scope(|scope| {
        for i in 0..30 {
            scope.spawn(move || {
                START.call_once(slow);
                assert!(CALLS.load(Ordering::SeqCst) >= 1);
                CELL.get_or_init(|| i);
                LazyLock::force(&LAZY);
            });
        }
    });
    format!("calls {}, cell set {}", CALLS.load(Ordering::SeqCst), CELL.get().is_some())
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

struct Counted(u64);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0, Ordering::SeqCst);
    }
}

thread_local! {
    static OWN: RefCell<Counted> = const { RefCell::new(Counted(0)) };
    static LIST: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn own_value_survives(i: u64) -> bool {
    OWN.with(|own| own.borrow_mut().0 += i);
    for n in 0..20 {
        LIST.with(|list| list.borrow_mut().push(i * 100 + n));
        if n % 5 == 0 {
            thread::sleep(Duration::from_micros(200));
        }
    }
    LIST.with(|list| list.borrow().iter().copied().eq((0..20).map(|n| i * 100 + n)))
        && OWN.with(|own| own.borrow().0 == i)
}

fn thread_locals() -> String {
    let mut private = 0;
    for round in 0..3u64 {
        let threads: Vec<_> = (1..=100).map(|i| thread::spawn(move || own_value_survives(i + round))).collect();
        private += threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum::<usize>();
    }
    format!("private {private}, dropped {}", DROPPED.load(Ordering::SeqCst))
}

fn panic_is_an_error() -> String {
    let outcomes: Vec<_> = (0..10)
        .map(|i| thread::spawn(move || if i % 2 == 0 { i } else { panic!("number {i}") }))
        .map(|t| t.join())
        .map(|joined| joined.map_err(|cause| cause.downcast_ref::<String>().cloned().unwrap_or_default()))
        .collect();
    format!("{outcomes:?}")
}

fn sleep() -> String {
    let began = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for i in (0..5u64).rev() {
            let order = Arc::clone(&order);
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(100 * i));
                order.lock().unwrap().push(i);
            });
        }
    });
    let elapsed = began.elapsed();
    let right = elapsed >= Duration::from_millis(400) && elapsed < Duration::from_secs(10);
    format!("order {:?}, time {right}", order.lock().unwrap())
}

fn serve(stream: TcpStream) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines() {
        writeln!(writer, "{}", line.unwrap().to_uppercase()).unwrap();
    }
}

fn converse(address: std::net::SocketAddr, i: u64) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for n in 0..10 {
        writeln!(stream, "line {n} of client {i}").unwrap();
        let mut answer = String::new();
        reader.read_line(&mut answer).unwrap();
        if answer != format!("LINE {n} OF CLIENT {i}\n") {
            return false;
        }
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap() == 0
}

fn tcp_echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let accepted = listener.incoming().take(ECHO_THREADS as usize);
        let threads: Vec<_> = accepted.map(|stream| stream.unwrap()).map(|s| thread::spawn(|| serve(s))).collect();
        threads.into_iter().map(|t| usize::from(t.join().is_ok())).sum::<usize>()
    });
    let clients: Vec<_> = (0..ECHO_THREADS).map(|i| thread::spawn(move || converse(address, i))).collect();
    let right = clients.into_iter().map(|t| usize::from(t.join().unwrap())).sum::<usize>();
    let served = server.join().unwrap();
    let refused = TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(|e| e.kind());
    format!("right {right}, served {served}, afterwards {:?}", refused.err())
}

fn udp_and_unix() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    let nothing = socket.recv(&mut [0; 8]).map_err(|e| e.kind());
    let (mut left, mut right) = UnixStream::pair().unwrap();
    let writer = thread::spawn(move || {
        let block: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        left.write_all(&block).is_ok()
    });
    let mut got = Vec::new();
    right.read_to_end(&mut got).unwrap();
    let same = got.iter().enumerate().all(|(n, byte)| *byte == n as u8);
    format!("udp {nothing:?}, unix {} bytes, same {same}, written {}", got.len(), writer.join().unwrap())
}
