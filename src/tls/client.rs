//! What a client wants of a server: greenlet_connect_ssl's options.
//!
//! ```text
//!     OPTION[:OPTION...]
//!
//!     ca=FILE            the authorities that count; the system's are those that there are else
//!     name=NAME          whose certificate it must be; the host's else
//!     alpn=NAME+NAME     the application protocols, best first
//!     certificates=FILE, key=FILE     our own
//!     min=1.3            no TLS 1.2
//! ```

use super::listen::{Problem, problem, provider, read_certificates, read_key};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, version};
use std::sync::Arc;

/// Where distributions have the authorities that they trust.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
const OPTIONS: &str =
    "the options are ca=FILE, name=NAME, alpn=NAME+NAME, certificates=FILE with key=FILE, and min=1.3";

#[derive(Default)]
struct Options<'a> {
    authorities: Option<&'a str>,
    name: Option<&'a str>,
    protocols: Vec<Vec<u8>>,
    certificates: Option<&'a str>,
    key: Option<&'a str>,
    only_newest: bool,
}

impl<'a> Options<'a> {
    fn parse(text: &'a str) -> Result<Options<'a>, Problem> {
        let mut options = Options::default();
        for word in text.split(':').filter(|word| !word.is_empty()) {
            match word.split_once('=').filter(|(_, value)| !value.is_empty()) {
                Some(("ca", file)) => options.authorities = Some(file),
                Some(("name", name)) => options.name = Some(name),
                Some(("certificates", file)) => options.certificates = Some(file),
                Some(("key", file)) => options.key = Some(file),
                Some(("alpn", names)) if names.split('+').all(|name| (1..256).contains(&name.len())) => {
                    options.protocols = names.split('+').map(|name| name.as_bytes().to_vec()).collect();
                }
                Some(("min", "1.2")) => options.only_newest = false,
                Some(("min", "1.3")) => options.only_newest = true,
                _ => return Err(problem(word, "not an option", OPTIONS)),
            }
        }
        Ok(options)
    }
}

/// What is to be agreed upon with a server.
#[derive(Clone)]
pub struct Terms {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Terms {
    /// `host`: whom the program means to talk to.
    pub fn read(host: &str, options: &str) -> Result<Terms, Problem> {
        crate::sys::alloc::keep_out_of_core_dumps();
        let options = Options::parse(options)?;
        let name = options.name.unwrap_or(host);
        let server = ServerName::try_from(name.to_owned());
        let server = server.map_err(|e| problem(name, e, "name the server as its certificate does, with name=NAME"))?;
        let unusable = |e: rustls::Error| problem(host, e, OPTIONS);
        let versions: &[&rustls::SupportedProtocolVersion] =
            if options.only_newest { &[&version::TLS13] } else { &[&version::TLS13, &version::TLS12] };
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(versions).map_err(unusable)?;
        let builder = builder.with_root_certificates(authorities(options.authorities)?);
        let mut config = match (options.certificates, options.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificates), Some(key)) => {
                let own = rustls::sign::SingleCertAndKey::from(read_key(certificates, key)?);
                builder.with_client_cert_resolver(Arc::new(own))
            }
            _ => return Err(problem(host, "certificates= without key=, or key= without certificates=", OPTIONS)),
        };
        config.alpn_protocols = options.protocols;
        Ok(Terms { config: Arc::new(config), name: server })
    }

    /// Sessions are not resumed: nothing in it changes, so that the child of a fork may use it.
    pub fn without_memory(mut self) -> Terms {
        Arc::make_mut(&mut self.config).resumption = Resumption::disabled();
        self
    }

    pub fn begin(self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(self.config, self.name)
    }
}

fn authorities(file: Option<&str>) -> Result<RootCertStore, Problem> {
    let mut store = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in read_certificates(file)? {
                store.add(certificate).map_err(|e| problem(file, e, "name a file with certificates of authorities"))?;
            }
        }
        // There may be some of a kind that is not known here.
        None => {
            let found = SYSTEM.iter().find_map(|file| read_certificates(file).ok());
            store.add_parsable_certificates(found.unwrap_or_default());
        }
    }
    if store.is_empty() {
        return Err(problem(
            "the system",
            "it has no authorities",
            "install ca-certificates, or name some with ca=FILE",
        ));
    }
    Ok(store)
}
