//! A connection to which changed records of the corpus come, in pieces. No such peer can finish a handshake, so the program gets
//! nothing, and nothing of what it says gets out; memory and steps are bounded.

use crate::Verdict;
use crate::heap;
use crate::input::{Corpus, Random, changed, corpus};
use engine::tls::session::{SCRATCH, Session, State};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection, version};
use std::io::{Read, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, LazyLock};

static SERVER: Corpus = Corpus::new(|| corpus("server"));
static CLIENT: Corpus = Corpus::new(|| corpus("client"));

/// What the program says: nothing of it may be seen by a peer that is not one.
const SECRET: &[u8] = b"what the program says to nobody else";
/// More than one connection needs: rustls's longest handshake message, and some records.
const MOST_MEMORY: usize = 512 * 1024;
const MOST_STEPS: usize = 10_000;

pub fn server(random: &mut Random) -> Verdict {
    let tls = server_side(random_version(random));
    throw(random, tls, &SERVER)
}

pub fn client(random: &mut Random) -> Verdict {
    let tls = client_side(random_version(random));
    throw(random, tls, &CLIENT)
}

/// A session with both its ends: the peer's, and the program's.
pub struct Ends {
    pub session: Session,
    pub peer: UnixStream,
    pub program: UnixStream,
    scratch: Vec<u8>,
}

impl Ends {
    pub fn new(tls: Connection, announces: bool) -> Ends {
        let pair = || UnixStream::pair().expect("two sockets");
        let ((peer, wire), (program, near)) = (pair(), pair());
        for end in [&peer, &program] {
            end.set_nonblocking(true).expect("a mode");
        }
        let session = Session::new(wire.into_raw_fd(), near.into_raw_fd(), tls, announces);
        Ends { session, peer, program, scratch: vec![0; SCRATCH] }
    }

    /// Until nothing moves; whether the connection is over.
    pub fn settle(&mut self) -> Result<bool, String> {
        for _ in 0..MOST_STEPS {
            match self.session.go_on(&mut self.scratch, false) {
                State::Waits => return Ok(false),
                State::Over => return Ok(true),
                State::HasMore => {}
            }
        }
        Err("it never comes to rest".to_owned())
    }
}

/// What there is to be read now; the end and errors are none.
pub fn drain(from: &mut UnixStream) -> Vec<u8> {
    let mut got = Vec::new();
    let mut part = vec![0; 65536];
    while let Ok(n @ 1..) = from.read(&mut part) {
        got.extend_from_slice(&part[..n]);
    }
    got
}

fn throw(random: &mut Random, tls: Connection, corpus: &[Vec<u8>]) -> Verdict {
    let input = changed(random, corpus);
    let before = heap::used();
    let mut ends = Ends::new(tls, random.one_in(2));
    ends.program.write_all(SECRET).map_err(|e| e.to_string())?;
    let mut rest = &input[..];
    let mut is_over = false;
    while !rest.is_empty() && !is_over {
        let (piece, after) = rest.split_at(random.size(rest.len()).clamp(1, rest.len()));
        rest = after;
        if ends.peer.write(piece).is_err() {
            break;
        }
        is_over = ends.settle()?;
        judge(&mut ends, before)?;
    }
    let _ = ends.peer.shutdown(std::net::Shutdown::Write);
    // Every such connection ends, when its peer has ended, as one that was cut.
    if !is_over && !ends.settle()? {
        return Err("the peer has gone, and it is not over".to_owned());
    }
    if !ends.session.is_cut() {
        return Err("it ends as if it had been one".to_owned());
    }
    judge(&mut ends, before)
}

fn judge(ends: &mut Ends, before: usize) -> Verdict {
    let used = heap::used() - before;
    if used > MOST_MEMORY {
        return Err(format!("{used} bytes are in use"));
    }
    let got = drain(&mut ends.program);
    if !got.is_empty() {
        return Err(format!("the program is told {got:?}"));
    }
    if drain(&mut ends.peer).windows(SECRET.len()).any(|part| part == SECRET) {
        return Err("the peer is told in the clear".to_owned());
    }
    Ok(())
}

// ---- the two sides ------------------------------------------------------------------------------------------------

pub type Version = &'static rustls::SupportedProtocolVersion;

const VERSIONS: [Version; 2] = [&version::TLS13, &version::TLS12];

pub fn random_version(random: &mut Random) -> Version {
    VERSIONS[random.below(VERSIONS.len())]
}

pub fn server_side(version: Version) -> Connection {
    static CONFIGS: LazyLock<[Arc<ServerConfig>; 2]> = LazyLock::new(|| VERSIONS.map(server_config));
    let config = CONFIGS[usize::from(is_older(version))].clone();
    ServerConnection::new(config).expect("a server's side").into()
}

pub fn client_side(version: Version) -> Connection {
    static CONFIGS: LazyLock<[Arc<ClientConfig>; 2]> = LazyLock::new(|| VERSIONS.map(client_config));
    let config = CONFIGS[usize::from(is_older(version))].clone();
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(config, name).expect("a client's side").into()
}

fn is_older(version: Version) -> bool {
    version.version == rustls::ProtocolVersion::TLSv1_2
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("../certificate.pem")).expect("a certificate")
}

fn server_config(version: Version) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../key.pem")).expect("a key");
    let builder = ServerConfig::builder_with_protocol_versions(&[version]).with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![certificate()], key).expect("what belongs together"))
}

fn client_config(version: Version) -> Arc<ClientConfig> {
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate()).expect("an authority");
    let builder = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(authorities);
    let mut config = builder.with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}
