//! The oracle: Linux itself says what is right.
//!
//! Every `tests/c/<area>/*.{c,cc}` is compiled, run bare, and run again under the library with one worker and with four, as shipped
//! and with what hides lost wake-ups forced off.
//! Output, errors, and exit status or signal must be equal. Nothing here knows what a program ought to print: a golden value
//! written from memory is how a wrong errno gets in.
//!
//! What may not be assumed: that a bare run is right by itself (it has to end as its header says and print something), that a program
//! ends (a hang is killed with its whole process group and reported), or that the library is there (its absence fails every trial).
//!
//! The header of a program is its first block of `//` lines. Some of them speak to this file:
//!
//! | line | meaning |
//! |---|---|
//! | `// cflags: …` | further compiler flags, after the usual ones |
//! | `// module: name.c` | `modules/name.c` is built as `name.so` beside the executable |
//! | `// ends: signal 11`, `// ends: exit 3` | how the bare run must end; without this line, with exit 0 |
//! | `// stderr: may differ` | the library may say something the kernel does not |
//! | `// verify: why` | it waits for what makes no edge: it does not run where verification is forced off |
//! | `// ignored: why` | it runs only where it is asked for, with `--ignored`: it disturbs what runs beside it |
//! | `// open: why` | a known difference that is to be removed: the run must differ, so that the line goes with it |
//! | `// preloaded: …` | a line that the preloaded run prints instead: a difference we meant. All of its output, a line each |
//!
//! Environment: `GREENLET_LIB` (else `target/release/libgreenlet.so`), `GREENLET_ORACLE_REPEAT=N` (preloaded runs a trial),
//! `CC` and `CXX`. Names select: `cargo test --test oracle -- mutex/` or `-- --exact mutex/kinds@4`.

use std::env;
use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};

/// A run longer than this is a hang. Programs end themselves by alarm(15); this is for those whose alarm does not work.
const HANG: Duration = Duration::from_secs(20);

/// Before a program's own alarm ends it, what its kernel threads are doing is noted for the report.
const SNAPSHOT: Duration = Duration::from_secs(12);

const POLL: Duration = Duration::from_millis(2);

/// How a program runs under the library. What only a test forces turns a delay into a hang, or takes the way round that an
/// older machine needs.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    workers: &'static str,
    force: &'static str,
}

const SETTINGS: [Setting; 4] = [
    Setting { name: "1", workers: "1", force: "" },
    Setting { name: "4", workers: "4", force: "" },
    Setting { name: "1-strict", workers: "1", force: "no-verify,templates" },
    Setting { name: "4-strict", workers: "4", force: "no-verify,arch_prctl,no-slabs" },
];
const SHOWN_OUTPUT: usize = 6000;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = Arc::new(Suite::from_environment());
    let mut trials = self_checks();
    match suite.programs() {
        Ok(programs) => trials.extend(programs.into_iter().flat_map(|p| trials_of(&suite, p))),
        Err(reason) => {
            eprintln!("oracle: {reason}");
            return ExitCode::FAILURE;
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(suite: &Arc<Suite>, program: Program) -> Vec<Trial> {
    let program = Arc::new(program);
    SETTINGS
        .into_iter()
        .filter(|setting| !(program.header.needs_verify && setting.force.contains("no-verify")))
        .map(|setting| {
            let (suite, program) = (Arc::clone(suite), Arc::clone(&program));
            let ignored = program.header.ignored;
            Trial::test(format!("{}@{}", program.name, setting.name), move || {
                suite.compare(&program, setting).map_err(Failed::from)
            })
            .with_ignored_flag(ignored)
        })
        .collect()
}

/// Where things are, and how often they run.
struct Suite {
    sources: PathBuf,
    build: PathBuf,
    library: PathBuf,
    repeat: u32,
}

impl Suite {
    fn from_environment() -> Suite {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("cargo's temporary directory is inside the target directory");
        let library = env::var_os("GREENLET_LIB").map(PathBuf::from);
        let repeat = env::var("GREENLET_ORACLE_REPEAT").ok();
        Suite {
            sources: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c"),
            build: target.join("oracle"),
            library: library.unwrap_or_else(|| target.join("release/libgreenlet.so")),
            repeat: repeat.map_or(1, |n| n.parse().expect("GREENLET_ORACLE_REPEAT is a number")),
        }
    }

    fn programs(&self) -> Result<Vec<Program>, String> {
        let mut programs = Vec::new();
        for area in directory(&self.sources)? {
            if !area.is_dir() {
                continue;
            }
            for source in directory(&area)? {
                if Language::of(&source).is_some() {
                    programs.push(Program::read(&area, source)?);
                }
            }
        }
        if programs.is_empty() {
            return Err(format!("no program in {}", self.sources.display()));
        }
        programs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(programs)
    }

    fn compare(&self, program: &Program, setting: Setting) -> Result<(), String> {
        let library = self.library()?;
        let executable = program.built.get_or_init(|| self.build(program)).clone()?;
        let bare = program.bare.get_or_init(|| self.run_bare(program, &executable)).clone()?;
        let expected = program.header.expected(&bare);
        for round in 1..=self.repeat.max(1) {
            let mut command = clean_command(&executable);
            command.env("LD_PRELOAD", &library);
            command.env("GREENLET_WORKERS", setting.workers);
            command.env("GREENLET_FORCE", setting.force);
            let output = self.output_paths(program, &format!("preloaded{}", setting.name));
            let got = run(command, &output, HANG)?;
            let judged = judge(&expected, &got, program.header.stderr_may_differ);
            if program.header.open {
                judged.err().ok_or("it no longer differs: remove its `// open:` line, and the README's row")?;
                continue;
            }
            judged.map_err(|difference| format!("preloaded run {round} of {} differs\n{difference}", self.repeat))?;
        }
        Ok(())
    }

    fn run_bare(&self, program: &Program, executable: &Path) -> Result<Outcome, String> {
        let output = self.output_paths(program, "bare");
        let bare = run(clean_command(executable), &output, HANG)?;
        if bare.end != program.header.ends {
            return Err(format!(
                "the bare run has to end by {} and did by {}: no oracle\n{}",
                program.header.ends,
                bare.end,
                bare.shown()
            ));
        }
        if bare.stdout.is_empty() {
            return Err("the bare run printed nothing: nothing would be compared".into());
        }
        Ok(bare)
    }

    fn library(&self) -> Result<PathBuf, String> {
        fs::canonicalize(&self.library).map_err(|error| {
            format!(
                "no library at {}: {error} (cargo build --release -p greenlet-preload, or set GREENLET_LIB)",
                self.library.display()
            )
        })
    }

    fn output_paths(&self, program: &Program, mode: &str) -> OutputPaths {
        let stem = self.build.join(&program.name);
        OutputPaths {
            stdout: stem.with_extension(format!("{mode}.stdout")),
            stderr: stem.with_extension(format!("{mode}.stderr")),
        }
    }

    fn build(&self, program: &Program) -> Result<PathBuf, String> {
        let executable = self.build.join(&program.name);
        let folder = executable.parent().expect("a program lies in its area's folder");
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for module in &program.header.modules {
            let source = program.area.join("modules").join(module);
            let library = folder.join(module).with_extension("so");
            self.compile(&source, &library, &["-shared".into(), "-fPIC".into()])?;
        }
        self.compile(&program.source, &executable, &program.header.cflags)?;
        Ok(executable)
    }

    fn compile(&self, source: &Path, target: &Path, flags: &[String]) -> Result<(), String> {
        let area = source.parent().expect("a source lies in its area's folder");
        let mut sources = directory(area)?;
        sources.retain(|path| path.extension().is_some_and(|extension| extension == "h"));
        sources.extend([source.to_path_buf(), self.sources.join("oracle.h")]);
        if newer(target, &sources) {
            return Ok(());
        }
        let language = Language::of(source).ok_or_else(|| format!("{}: not C, not C++", source.display()))?;
        // Another harness may run the old file: it is replaced in one step, never written over.
        let fresh = target.with_extension(format!("new{}", std::process::id()));
        let output = Command::new(language.compiler())
            .args([language.standard(), "-O1", "-g", "-Wall", "-pthread"])
            .arg("-I")
            .arg(&self.sources)
            .arg("-o")
            .args([&fresh, source])
            .args(flags)
            .output()
            .map_err(|e| format!("{}: {e}", language.compiler()))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        fs::rename(&fresh, target).map_err(|e| format!("{}: {e}", target.display()))
    }
}

fn directory(path: &Path) -> Result<Vec<PathBuf>, String> {
    let complain = |e: io::Error| format!("{}: {e}", path.display());
    fs::read_dir(path).map_err(complain)?.map(|entry| entry.map(|e| e.path()).map_err(complain)).collect()
}

fn newer(target: &Path, sources: &[PathBuf]) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified());
    let Ok(built) = changed(target) else {
        return false;
    };
    sources.iter().all(|source| changed(source).is_ok_and(|at: SystemTime| at < built))
}

#[derive(Clone, Copy)]
enum Language {
    C,
    Cxx,
}

impl Language {
    fn of(source: &Path) -> Option<Language> {
        match source.extension()?.to_str()? {
            "c" => Some(Language::C),
            "cc" => Some(Language::Cxx),
            _ => None,
        }
    }

    fn compiler(self) -> String {
        let (variable, usual) = match self {
            Language::C => ("CC", "cc"),
            Language::Cxx => ("CXX", "c++"),
        };
        env::var(variable).unwrap_or_else(|_| usual.into())
    }

    fn standard(self) -> &'static str {
        match self {
            Language::C => "-std=gnu11",
            Language::Cxx => "-std=c++20",
        }
    }
}

struct Program {
    name: String,
    area: PathBuf,
    source: PathBuf,
    header: Header,
    built: OnceLock<Result<PathBuf, String>>,
    bare: OnceLock<Result<Outcome, String>>,
}

impl Program {
    fn read(area: &Path, source: PathBuf) -> Result<Program, String> {
        let text = fs::read_to_string(&source).map_err(|e| format!("{}: {e}", source.display()))?;
        let part = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Program {
            name: format!("{}/{}", part(area), part(&source)),
            area: area.to_path_buf(),
            header: Header::parse(&text).map_err(|e| format!("{}: {e}", source.display()))?,
            source,
            built: OnceLock::new(),
            bare: OnceLock::new(),
        })
    }
}

/// What the first comment of a program says to this harness.
#[derive(Default, Debug, PartialEq)]
struct Header {
    cflags: Vec<String>,
    modules: Vec<String>,
    ends: End,
    stderr_may_differ: bool,
    preloaded: Vec<String>,
    open: bool,
    needs_verify: bool,
    ignored: bool,
}

impl Header {
    fn parse(text: &str) -> Result<Header, String> {
        let mut header = Header::default();
        let comments = text.lines().map_while(|line| line.strip_prefix("//"));
        for (key, value) in comments.filter_map(|line| line.trim().split_once(": ")) {
            let words = value.split_whitespace().map(str::to_owned);
            match key {
                "cflags" => header.cflags.extend(words),
                "module" => header.modules.extend(words),
                "ends" => header.ends = End::parse(value).ok_or(format!("ends how? {value}"))?,
                "open" => header.open = true,
                "verify" => header.needs_verify = true,
                "ignored" => header.ignored = true,
                "stderr" if value == "may differ" => header.stderr_may_differ = true,
                "stderr" => return Err(format!("stderr may differ or not: {value}")),
                "preloaded" => header.preloaded.push(format!("{value}\n")),
                _ => {}
            }
        }
        Ok(header)
    }

    fn expected(&self, bare: &Outcome) -> Outcome {
        let mut expected = bare.clone();
        if !self.preloaded.is_empty() {
            expected.stdout = self.preloaded.concat().into_bytes();
        }
        expected
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Exit(i32),
    Signal(i32),
    Hang,
}

impl Default for End {
    fn default() -> End {
        End::Exit(0)
    }
}

impl End {
    fn of(status: ExitStatus) -> End {
        match (status.code(), status.signal()) {
            (Some(code), _) => End::Exit(code),
            (None, Some(signal)) => End::Signal(signal),
            (None, None) => unreachable!("a process that was waited for has exited or was killed"),
        }
    }

    fn parse(text: &str) -> Option<End> {
        let (kind, number) = text.split_once(' ')?;
        let number = number.parse().ok()?;
        match kind {
            "exit" => Some(End::Exit(number)),
            "signal" => Some(End::Signal(number)),
            _ => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exit(code) => write!(f, "exit {code}"),
            End::Signal(libc::SIGALRM) => write!(f, "signal 14 (its own alarm: a hang)"),
            End::Signal(signal) => write!(f, "signal {signal}"),
            End::Hang => write!(f, "being killed: a hang"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    end: End,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What the kernel threads were doing when the run had taken long. Not compared.
    snapshot: String,
}

impl Outcome {
    fn shown(&self) -> String {
        let mut text = format!("-- ended by {}\n", self.end);
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_OUTPUT)]).into_owned();
            let _ = writeln!(text, "-- {name}, {} bytes\n{}", bytes.len(), shown.trim_end());
        }
        if !self.snapshot.is_empty() {
            let _ = writeln!(text, "-- kernel threads when it hung\n{}", self.snapshot.trim_end());
        }
        text
    }
}

/// The comparison itself: nothing if equal, else what to look at first.
fn judge(expected: &Outcome, got: &Outcome, stderr_may_differ: bool) -> Result<(), String> {
    let mut differences = String::new();
    if expected.end != got.end {
        let _ = writeln!(differences, "ends by {}, has to by {}", got.end, expected.end);
    }
    if expected.stdout != got.stdout {
        differences += &first_difference("stdout", &expected.stdout, &got.stdout);
    }
    if expected.stderr != got.stderr && !stderr_may_differ {
        differences += &first_difference("stderr", &expected.stderr, &got.stderr);
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{differences}== expected\n{}== preloaded\n{}", expected.shown(), got.shown()))
}

fn first_difference(stream: &str, expected: &[u8], got: &[u8]) -> String {
    let lines = |bytes: &[u8]| -> Vec<String> {
        bytes.split(|b| *b == b'\n').map(|l| String::from_utf8_lossy(l).into_owned()).collect()
    };
    let (expected, got) = (lines(expected), lines(got));
    let at = expected.iter().zip(&got).take_while(|(e, g)| e == g).count();
    let line = |lines: &[String]| lines.get(at).map_or("nothing".into(), |l| format!("{l:?}"));
    format!("{stream}, line {}: {} for {}\n", at + 1, line(&got), line(&expected))
}

struct OutputPaths {
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A command that inherits nothing of ours which the library reads.
fn clean_command(executable: &Path) -> Command {
    let mut command = Command::new(executable);
    command.env_remove("LD_PRELOAD");
    for variable in ["WORKERS", "STACK_SIZE", "DISABLE", "LOG", "REPORT"] {
        command.env_remove(format!("GREENLET_{variable}"));
    }
    command
}

fn run(mut command: Command, paths: &OutputPaths, limit: Duration) -> Result<Outcome, String> {
    let create = |path: &Path| -> Result<File, String> {
        let complain = |e: io::Error| format!("{}: {e}", path.display());
        File::create(path).map_err(complain)?;
        // Appending: a program and its children write to one file, each at its end.
        OpenOptions::new().append(true).open(path).map_err(complain)
    };
    command.stdin(Stdio::null()).stdout(create(&paths.stdout)?).stderr(create(&paths.stderr)?).process_group(0);
    let child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let (end, snapshot) = wait(child, limit)?;
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    Ok(Outcome { end, stdout: read(&paths.stdout)?, stderr: read(&paths.stderr)?, snapshot })
}

fn wait(mut child: Child, limit: Duration) -> Result<(End, String), String> {
    let group = i32::try_from(child.id()).expect("a process id is a pid_t");
    let started = Instant::now();
    let mut snapshot = String::new();
    let exited = loop {
        if has_exited(group)? {
            break true;
        }
        if started.elapsed() > limit {
            break false;
        }
        if started.elapsed() > SNAPSHOT.min(limit / 2) && snapshot.is_empty() {
            snapshot = kernel_threads(group);
        }
        thread::sleep(POLL);
    };
    // The leader is not reaped yet, so the number is still this group's and nobody else's.
    // SAFETY: kill has no memory to get wrong; the group is one this function's caller made.
    unsafe { libc::kill(-group, libc::SIGKILL) };
    let status = child.wait().map_err(|e| format!("wait: {e}"))?;
    match exited {
        true => Ok((End::of(status), snapshot)),
        false => Ok((End::Hang, snapshot)),
    }
}

fn has_exited(process: i32) -> Result<bool, String> {
    let id = libc::id_t::try_from(process).expect("a process id is positive");
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: siginfo_t is plain data for which zero is valid, and waitid writes at most one.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is valid for writes; the process is our own child and not reaped yet.
    let result = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, options) };
    if result != 0 {
        return Err(format!("waitid: {}", io::Error::last_os_error()));
    }
    // SAFETY: waitid has filled the fields for a child, or left them zero.
    Ok(unsafe { info.si_pid() } == process)
}

/// Name, kernel wait channel and system call of each kernel thread: enough to tell a lost wake-up from a blocked kernel thread.
fn kernel_threads(process: i32) -> String {
    let tasks = directory(Path::new(&format!("/proc/{process}/task"))).unwrap_or_default();
    let mut text = String::new();
    for task in tasks {
        let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
        let id = task.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let words = ["comm", "wchan", "syscall"].map(|name| read(name).trim().to_owned());
        let _ = writeln!(text, "{id} {}", words.join(" "));
    }
    text
}

/// The harness has to be able to fail: each of these hands it something wrong.
fn self_checks() -> Vec<Trial> {
    vec![
        Trial::test("harness/equal_outcomes_pass", || check(judge(&sample(), &sample(), false).is_ok())),
        Trial::test("harness/another_exit_status_is_a_difference", || {
            check(judge(&sample(), &Outcome { end: End::Exit(1), ..sample() }, false).is_err())
        }),
        Trial::test("harness/another_line_is_a_difference", || {
            check(judge(&sample(), &Outcome { stdout: b"two\n".to_vec(), ..sample() }, false).is_err())
        }),
        Trial::test("harness/stderr_is_compared_unless_waived", || {
            let noisy = Outcome { stderr: b"noise\n".to_vec(), ..sample() };
            check(judge(&sample(), &noisy, false).is_err() && judge(&sample(), &noisy, true).is_ok())
        }),
        Trial::test("harness/a_header_is_understood", || {
            let header = Header::parse("// About.\n// ends: signal 11\n// cflags: -O2 -DX\n\n// stderr: may differ\n")?;
            let wanted =
                Header { ends: End::Signal(11), cflags: vec!["-O2".into(), "-DX".into()], ..Header::default() };
            check(header == wanted)
        }),
        Trial::test("harness/a_hang_is_killed_with_its_group", || {
            let hung = shell("hang", "echo started; sleep 60 & sleep 60", Duration::from_millis(300))?;
            check(hung.end == End::Hang && hung.stdout == b"started\n" && !hung.snapshot.is_empty())
        }),
        Trial::test("harness/a_signal_is_seen", || {
            check(shell("signal", "kill -SEGV $$", HANG)?.end == End::Signal(libc::SIGSEGV))
        }),
    ]
}

fn sample() -> Outcome {
    Outcome { end: End::Exit(0), stdout: b"one\n".to_vec(), stderr: Vec::new(), snapshot: String::new() }
}

fn check(holds: bool) -> Result<(), Failed> {
    match holds {
        true => Ok(()),
        false => Err("the harness does not see what it has to".into()),
    }
}

fn shell(name: &str, script: &str, limit: Duration) -> Result<Outcome, String> {
    let stem = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oracle_{name}"));
    let paths = OutputPaths { stdout: stem.with_extension("stdout"), stderr: stem.with_extension("stderr") };
    let mut command = clean_command(Path::new("/bin/sh"));
    command.args(["-c", script]);
    run(command, &paths, limit)
}
