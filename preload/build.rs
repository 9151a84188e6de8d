//! Link arguments of `libgreenlet.so`; nothing is generated.
//!
//! `libgreenlet.map` only names the versions: rustc writes a version script of its own, which exports the
//! `no_mangle` functions and hides the rest, and its linker (rust-lld) accepts a second one beside it. GNU ld does not.

use std::env;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=libgreenlet.map");
    for argument in [
        format!("--version-script={here}/libgreenlet.map"),
        "-soname,libgreenlet.so.0".to_owned(),
        // Threads stay parked in our code for as long as the process lives.
        "-z,nodelete".to_owned(),
        // A lazily bound call writes a kilobyte below the stack pointer, and takes the loader's lock.
        "-z,now".to_owned(),
        // The ends of a section of ours (`engine::real`) are nobody else's to see.
        "-z,start-stop-visibility=hidden".to_owned(),
    ] {
        println!("cargo::rustc-cdylib-link-arg=-Wl,{argument}");
    }
}
