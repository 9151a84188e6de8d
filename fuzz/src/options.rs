//! The options of TLS as text. Whatever they say, they are taken or refused in one line; names of files in them are mostly of none.

use crate::Verdict;
use crate::input::{Corpus, Random, changed, corpus};
use engine::tls::{Problem, Terms, connect, listen};
use std::ffi::CString;

static LISTEN: Corpus = Corpus::new(|| corpus("listen"));
static CONNECT: Corpus = Corpus::new(|| corpus("connect"));
static OPTIONS: Corpus = Corpus::new(|| corpus("options"));

pub fn listen(random: &mut Random) -> Verdict {
    let value = text(random, &LISTEN);
    judge(listen::check(&value))
}

pub fn connect(random: &mut Random) -> Verdict {
    let value = text(random, &CONNECT);
    judge(connect::check(&value))
}

pub fn terms(random: &mut Random) -> Verdict {
    let value = text(random, &OPTIONS);
    let value = value.to_string_lossy();
    judge(Terms::read("localhost", &value).map(|_| ()))
}

/// One that an environment may hold. No file outside is named: some never end.
fn text(random: &mut Random, corpus: &[Vec<u8>]) -> CString {
    let mut value = changed(random, corpus);
    value.retain(|byte| !matches!(byte, 0 | b'/'));
    CString::new(value).expect("no NUL in it")
}

fn judge(said: Result<(), Problem>) -> Verdict {
    match said.map_err(|problem| problem.to_string()) {
        Err(line) if line.contains('\n') => Err(format!("more than a line: {line}")),
        Err(line) if line.is_empty() => Err("nothing is said".to_owned()),
        _ => Ok(()),
    }
}
