# shellcheck shell=bash
# What a fresh machine lacks: installs it or names it in one line. Sourced by greenlet-run, test and its steps.
#
# Debian packages are installed as root, or through a sudo that asks nothing; else the command is named. The Rust toolchain is never
# installed from here, because that means running a script from the network: the command is named. Everything goes to stderr.
# gr_called names the caller in messages.

say() {
    printf '%s: %s\n' "${gr_called:-needs}" "$1" >&2
}

GR_RUSTUP="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"

# need_packages PACKAGE...
need_packages() {
    local -a privilege=()
    (($#)) || return 0
    command -v apt-get >/dev/null || { say "needed from the package manager: $*"; return 1; }
    if [[ $(id -u) != 0 ]]; then
        sudo -n true 2>/dev/null || { say "needed: sudo apt-get install -y $*"; return 1; }
        privilege=(sudo -n)
    fi
    say "installing $*"
    apt_get install -y --no-install-recommends "$@" && return 0
    say "apt-get could not install $*"
    return 1
}

# Lists that are missing or old make the first try fail. The output is shown only when the second one fails too.
apt_get() {
    local output
    quiet_apt "$@" >/dev/null 2>&1 && return 0
    output=$(quiet_apt update 2>&1 && quiet_apt "$@" 2>&1) && return 0
    printf '%s\n' "$output" >&2
    return 1
}

quiet_apt() {
    ${privilege[@]+"${privilege[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null
}

# need_rust CARGO.TOML: a cargo that works and is new enough for the manifest's rust-version.
need_rust() {
    local wanted have
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-${HOME:-/}/.cargo}/bin
    command -v cargo >/dev/null || { say "the Rust toolchain is missing; install it with: $GR_RUSTUP"; return 1; }
    have=$(cargo --version 2>/dev/null) || { say "cargo has no toolchain; install one with: rustup default stable"; return 1; }
    have=${have#cargo } have=${have%% *}
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' "$1" | head -n 1)
    printf '%s\n%s\n' "$wanted" "$have" | sort -VC && return 0
    if command -v rustup >/dev/null; then
        say "cargo $have is older than $wanted; update it with: rustup update stable"
    else
        say "cargo $have is older than $wanted; install a newer one with: $GR_RUSTUP"
    fi
    return 1
}

# Rust links with cc, and Debian's gcc alone has no C library to link with.
need_linker() {
    can_link || need_packages gcc libc6-dev
}

can_link() {
    local scratch status=0
    command -v cc >/dev/null || return 1
    scratch=$(mktemp) || return 1
    cc -x c -o "$scratch" - 2>/dev/null <<<'int main(void) { return 0; }' || status=1
    rm -f -- "$scratch"
    return "$status"
}
