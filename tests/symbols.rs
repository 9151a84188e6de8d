//! `libgreenlet.so` exports exactly the symbols of the table in `preload/src/lib.rs`, and the table tells the truth.
//!
//! Nothing is built here: the library is `$GREENLET_LIB`, else the release build of this checkout, and a missing one is a
//! failure. A symbol that leaks is as wrong as one that is missing: it would answer for somebody's own function.
//! The opt-in C ABI (`greenlet_*`) is not in the table; the header declares it.
//!
//! And whatever can wait is tried in every way of waiting: it has a row in `tests/c/matrix/calls.h`, or here a reason to have none.

use object::LittleEndian;
use object::elf::{DF_1_NODELETE, DF_1_NOW, DT_FLAGS_1, DT_SONAME, FileHeader64, STV_HIDDEN};
use object::read::elf::{Dyn, FileHeader, Sym};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Elf = FileHeader64<LittleEndian>;

/// A row of the table: `| symbol | file | operation |`.
struct Row {
    symbol: String,
    file: String,
    operation: String,
}

impl Row {
    fn parse(line: &str) -> Option<Row> {
        let cells = line.strip_prefix("//! | `")?;
        let mut cells = cells.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        Some(Row { symbol: cells.next()?, file: cells.next()?, operation: cells.next()? })
    }

    /// The C name, without a version.
    fn name(&self) -> &str {
        self.symbol.split('@').next().expect("split gives at least one part")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(file: &str) -> String {
    let path = root().join("preload/src").join(file).with_extension("rs");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table() -> Vec<Row> {
    let rows: Vec<Row> = source("lib").lines().filter_map(Row::parse).collect();
    assert!(rows.len() > 100, "the table of preload/src/lib.rs has only {} rows", rows.len());
    rows
}

fn library_path() -> PathBuf {
    if let Some(path) = env::var_os("GREENLET_LIB") {
        return path.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("release/libgreenlet.so")
}

fn library() -> Vec<u8> {
    let path = library_path();
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; build it with `cargo build --release -p greenlet-preload`", path.display())
    })
}

/// What a program can link to: `name`, `name@VERSION` (hidden), `name@@VERSION` (the default).
fn exported(data: &[u8]) -> BTreeSet<String> {
    let header = Elf::parse(data).expect("a 64-bit ELF file");
    let endian = header.endian().expect("little-endian");
    let sections = header.sections(endian, data).expect("sections");
    let versions = sections.versions(endian, data).expect("readable versions").expect("a version table");
    let symbols = sections.symbols(endian, data, object::elf::SHT_DYNSYM).expect("dynamic symbols");
    let mut names = BTreeSet::new();
    for (index, symbol) in symbols.enumerate() {
        if symbol.is_undefined(endian) || symbol.is_local() || symbol.st_visibility() == STV_HIDDEN {
            continue;
        }
        let name = symbol.name(endian, symbols.strings()).expect("a name");
        let name = String::from_utf8_lossy(name);
        let version_index = versions.version_index(endian, index);
        let version = versions.version(version_index).expect("a version that exists");
        names.insert(match version {
            None => name.into_owned(),
            Some(version) => {
                let at = if version_index.is_hidden() { "@" } else { "@@" };
                format!("{name}{at}{}", String::from_utf8_lossy(version.name()))
            }
        });
    }
    names
}

#[test]
fn exports_are_the_table() {
    let exported: BTreeSet<String> =
        exported(&library()).into_iter().filter(|name| !name.starts_with("greenlet_")).collect();
    let rows = table();
    let documented: BTreeSet<String> = rows.iter().map(|row| row.symbol.clone()).collect();
    assert_eq!(documented.len(), rows.len(), "a symbol has two rows");
    let leaked: Vec<_> = exported.difference(&documented).collect();
    let missing: Vec<_> = documented.difference(&exported).collect();
    assert!(leaked.is_empty() && missing.is_empty(), "no row: {leaked:?}; not exported: {missing:?}");
}

/// Each function that the header declares is exported, with a version, and nothing else by such a name.
#[test]
fn header_is_what_is_exported() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/preload/include/greenlet.h");
    let header = fs::read_to_string(path).expect(path);
    let mut declared = BTreeSet::new();
    for line in header.lines().filter(|line| line.ends_with(");")) {
        let name = line.split('(').next().and_then(|start| start.rsplit([' ', '*']).next());
        declared.insert(format!("{}@@GREENLET_0.1", name.expect("a name before the bracket")));
    }
    let exported: BTreeSet<String> =
        exported(&library()).into_iter().filter(|name| name.starts_with("greenlet_")).collect();
    assert_eq!(declared, exported);
}

/// Whether a line of `preload/src` begins the sentence of a hook. A `decide_*` function belongs to the `jump!` before it.
fn begins_sentence(line: &str) -> bool {
    let line = line.trim_start();
    let hook = [
        "hook! {",
        "offload! {",
        "ids! {",
        "observe! {",
        "open! {",
        "input! {",
        "stream! {",
        "jump! {",
        "exec! {",
        "strings! {",
    ]
    .iter()
    .any(|start| line.starts_with(start));
    let written_out = line.starts_with("unsafe extern \"C-unwind\" fn ") && !line.contains(" fn decide_");
    hook || written_out
}

/// The sentence that exports the row's symbol, up to where the next one begins.
fn sentence(text: &str, row: &Row) -> Option<String> {
    let name = row.name();
    let needle = match row.symbol.split_once('@') {
        None => format!("fn {name}("),
        Some((_, version)) if version.starts_with('@') => format!("new fn {name}("),
        Some(_) => format!("old fn {name}("),
    };
    let written_out = ["jump", "strings"].map(|how| format!("{how}! {{ {name} =>"));
    let mut sentences = vec![String::new()];
    for line in text.lines() {
        if begins_sentence(line) {
            sentences.push(String::new());
        }
        let last = sentences.last_mut().expect("never empty");
        last.push_str(line);
        last.push('\n');
    }
    sentences
        .into_iter()
        .skip(1)
        .find(|sentence| sentence.contains(&needle) || written_out.iter().any(|w| sentence.contains(w)))
}

/// Whether the sentence has this path, whole.
fn names(sentence: &str, path: &str) -> bool {
    sentence.match_indices(path).any(|(at, _)| {
        let next = sentence[at + path.len()..].chars().next();
        !next.is_some_and(|next| next == '_' || next.is_alphanumeric())
    })
}

/// How a sentence says the operation of its row. `fcntl` shares a body, which is where new descriptors are told of.
fn says(sentence: &str, operation: &str) -> bool {
    let starts = |with: &str| sentence.trim_start().starts_with(with);
    let observes = starts("observe! {");
    match operation {
        "offload" => starts("offload! {"),
        "ids" => starts("ids! {"),
        "exec" => starts("exec! {") || starts("strings! {"),
        "ops::fd::opened" => {
            (observes && sentence.contains(", opens")) || starts("open! {") || sentence.contains("control(&NEXT")
        }
        "ops::stdio::opened" => starts("stream! {"),
        "ops::stdio::wait_for_input" => starts("input! {"),
        "ops::fd::seen" => observes && sentence.contains(", names "),
        path => names(sentence, path),
    }
}

#[test]
fn rows_name_their_hooks() {
    let wrong: Vec<String> = table()
        .iter()
        .filter(|row| {
            let found = sentence(&source(&row.file), row);
            !found.is_some_and(|sentence| says(&sentence, &row.operation))
        })
        .map(|row| format!("{} is not {} in {}.rs", row.symbol, row.operation, row.file))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is hooked and has no row in `tests/c/matrix/calls.h`: why, and which. All others can wait, and are made to there.
const WITHOUT_ROW: [(&str, &str); 19] = [
    (
        "makes or names a descriptor",
        "setsockopt socket socketpair bind listen shutdown dup dup2 __dup2 dup3 pipe __pipe pipe2 eventfd timerfd_create signalfd \
         epoll_create epoll_create1 inotify_init inotify_init1 fanotify_init posix_openpt ioctl mq_open",
    ),
    ("gives one back; only SO_LINGER makes that wait", "close __close close_range closefrom fclose mq_close"),
    ("lets others run, and comes back", "sched_yield __sched_yield pthread_yield thrd_yield"),
    (
        "answered from files where there is no network: tests/c/resolve",
        "getservbyname getservbyport getservbyname_r getservbyport_r getpwnam getpwuid getpwnam_r getpwuid_r getspnam \
         getspnam_r getgrnam getgrgid getgrnam_r getgrgid_r getgrouplist",
    ),
    ("asks the name servers of the machine only, in libc's own threads: tests/c/resolve", "getaddrinfo_a gai_suspend"),
    ("the child runs meanwhile, on the caller's memory: tests/c/process", "fork forkpty vfork clone _Fork popen"),
    ("becomes another program, or not", "execve execv execvp execvpe fexecve execveat execl execle execlp"),
    ("notes what a fork will call", "__register_atfork pthread_atfork"),
    ("waits for a disk only", "fsync fdatasync sync syncfs sync_file_range msync copy_file_range"),
    ("waits for a serial line only: a pseudo-terminal takes everything at once", "tcdrain tcsendbreak tcsetattr"),
    (
        "says how signals are taken, or sends one",
        "sigaction signal bsd_signal ssignal sysv_signal __sysv_signal siginterrupt sigprocmask pthread_sigmask pthread_kill \
         pthread_sigqueue sighold sigrelse sigignore sigset sigblock sigsetmask siggetmask tgkill raise kill killpg sigqueue sigpending sigaltstack",
    ),
    ("goes elsewhere: tests/c/signal", "siglongjmp longjmp _longjmp __longjmp_chk"),
    (
        "waits for a round that has begun, which is a defect of the program's: tests/c/barrier",
        "pthread_barrier_destroy",
    ),
    (
        "begins, ends or marks a thread",
        "pthread_create pthread_detach pthread_exit pthread_cancel pthread_setcancelstate pthread_setcanceltype \
         pthread_testcancel pthread_key_create __pthread_key_create pthread_key_delete tss_create tss_delete thrd_create \
         thrd_detach thrd_exit",
    ),
    (
        "asks or sets what a thread is",
        "pthread_getattr_np pthread_setname_np pthread_getname_np pthread_getaffinity_np pthread_setaffinity_np \
         pthread_getschedparam pthread_setschedparam pthread_setschedprio pthread_getcpuclockid prctl gettid",
    ),
    (
        "asks or sets what the kernel keeps for one",
        "sched_setaffinity sched_getaffinity sched_setscheduler sched_getscheduler sched_setparam sched_getparam \
         sched_rr_get_interval setpriority getpriority nice unshare setns personality setfsuid setfsgid capset capget ioperm \
         iopl arch_prctl pkey_alloc pkey_set ptrace timer_create",
    ),
    ("asks for names and options: tests/programs/tls.py", "getsockname getpeername getsockopt"),
    (
        "changes the ids of all threads, at once: tests/c/process",
        "setuid setgid seteuid setegid setreuid setregid setresuid setresgid setgroups initgroups",
    ),
    (
        "lets others go on",
        "pthread_mutex_unlock __pthread_mutex_unlock mtx_unlock pthread_rwlock_unlock __pthread_rwlock_unlock sem_post \
         pthread_cond_signal@@GLIBC_2.3.2 pthread_cond_broadcast@@GLIBC_2.3.2 pthread_cond_signal@GLIBC_2.2.5 \
         pthread_cond_broadcast@GLIBC_2.2.5 cnd_signal cnd_broadcast",
    ),
];

/// The symbols of the matrix: the first string of each row, and the last where it names what does not wait.
fn matrix() -> BTreeSet<String> {
    let path = root().join("tests/c/matrix/calls.h");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, table) = text.split_once("static const struct row rows[]").expect("the table of the matrix");
    let mut symbols = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("    {\"")) {
        let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        symbols.insert(strings[0].to_owned());
        symbols.extend(strings.get(2).map(|now| (*now).to_owned()));
    }
    assert!(symbols.len() > 100, "the matrix has only {} symbols", symbols.len());
    symbols
}

#[test]
fn matrix_has_whatever_can_wait() {
    const NOT_HOOKED: [&str; 2] = ["sem_trywait", "mtx_trylock"];
    let hooked: BTreeSet<String> = table().into_iter().map(|row| row.symbol).collect();
    let mut known = matrix();
    for name in WITHOUT_ROW.iter().flat_map(|(_, symbols)| symbols.split_whitespace()) {
        assert!(known.insert(name.to_owned()), "{name} has a row, or two reasons to have none");
    }
    let nameless: Vec<_> = hooked.difference(&known).collect();
    let stale: Vec<_> = known.difference(&hooked).filter(|name| !NOT_HOOKED.contains(&name.as_str())).collect();
    assert!(
        nameless.is_empty() && stale.is_empty(),
        "no row in the matrix and no reason: {nameless:?}; not hooked: {stale:?}"
    );
}

#[test]
fn library_stays_loaded_and_bound() {
    let data = library();
    let header = Elf::parse(&*data).expect("a 64-bit ELF file");
    let endian = header.endian().expect("little-endian");
    let sections = header.sections(endian, &*data).expect("sections");
    let (entries, link) = sections.dynamic(endian, &*data).expect("readable").expect("a dynamic section");
    let strings = sections.strings(endian, &*data, link).expect("its strings");
    let value =
        |tag: u32| entries.iter().find(|entry| entry.tag32(endian) == Some(tag)).map(|entry| entry.d_val(endian));
    let flags = value(DT_FLAGS_1).unwrap_or(0) as u32;
    assert_eq!(flags & DF_1_NODELETE, DF_1_NODELETE, "threads stay parked in code that dlclose could unmap");
    assert_eq!(flags & DF_1_NOW, DF_1_NOW, "a lazily bound call writes far below the stack pointer");
    let soname = value(DT_SONAME).expect("a soname");
    assert_eq!(strings.get(soname as u32), Ok(&b"libgreenlet.so.0"[..]));
}
