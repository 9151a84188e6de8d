//! `libgreenlet.so` exports exactly the symbols of the table in `preload/src/lib.rs`, and the table tells the truth.
//!
//! Nothing is built here: the library is `$GREENLET_LIB`, else the release build of this checkout, and a missing one is a
//! failure. A symbol that leaks is as wrong as one that is missing: it would answer for somebody's own function.
//! The opt-in C ABI (`greenlet_*`) is not in the table; the header declares it.

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

/// Whether a line of `preload/src` begins the sentence of a hook. A `decide_*` function belongs to the `jump!` before it.
fn begins_sentence(line: &str) -> bool {
    let line = line.trim_start();
    let hook =
        ["hook! {", "offload! {", "observe! {", "open! {", "input! {", "stream! {", "jump! {", "exec! {", "strings! {"]
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
    assert_eq!(strings.get(soname as u32), Ok(&b"libgreenlet.so"[..]));
}
