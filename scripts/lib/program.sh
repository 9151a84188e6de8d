# shellcheck shell=bash
# Can this program run with a preload? Sourced by greenlet-run, which gives: fail STATUS TEXT.
# find_program sets gr_file; check_program returns or fails, and sets gr_script_of_sh where a shell has to run the file.
#
# ld.so says nothing when a preload has no effect: a static program has no ld.so, one of another word size, machine or libc has another,
# and one that gains rights by its file (setuid, setgid, capabilities) is not to be meddled with. So the file is read here, as the kernel
# would read it: od and dd only, since a fresh machine has coreutils but neither readelf nor python. A file that may be executed but not
# read is let through. Children are waited for: never a process substitution, which would leave one to the program.

GR_MOST_INTERPRETERS=5 # the kernel gives up after as many
GR_FIRST_LINE=256      # what the kernel reads of a file to find its interpreter

# --- finding it

# As a shell does: a name with a slash is a path; any other is looked up in PATH, where an empty entry is the current directory.
find_program() {
    if [[ $1 == */* ]]; then
        gr_file=$1
        [[ -e $1 ]] || fail 127 "$1: no such file; check the path"
    else
        look_up "$1" || fail 127 "$1: command not found; check its name and PATH"
        gr_file=$gr_found
    fi
    [[ ! -d $gr_file ]] || fail 126 "$1: is a directory; name a program in it"
    [[ -f $gr_file && -x $gr_file ]] || fail 126 "$gr_file: not executable; chmod +x it if it is a program"
}

# gr_found: the first executable of that name, else the first file of that name (which is then refused by its name).
look_up() {
    local directory candidate
    gr_found=''
    [[ -n $1 ]] || return 1
    while IFS= read -r -d : directory; do
        candidate=${directory:-.}/$1
        [[ -f $candidate ]] || continue
        gr_found=${gr_found:-$candidate}
        [[ ! -x $candidate ]] || { gr_found=$candidate; return 0; }
    done <<<"${PATH-}:"
    [[ -n $gr_found ]]
}

# --- judging it

check_program() {
    check_file "$1" "$1" 0
}

# FILE, what to call it in a message (a script's own name comes first), and how many interpreters deep this is.
check_file() {
    local file=$1 called=$2 depth=$3 magic
    [[ -r $file ]] || return 0
    magic=$(hex "$file" 0 4)
    case ${magic// /} in
    7f454c46) check_elf "$file" "$called" ;;
    2321*) check_script "$file" "$called" "$depth" ;;
    *) check_text "$file" "$called" "$depth" ;;
    esac
}

# A text without #! is what shells run with sh. Its interpreter, when it is one, is left to the kernel to refuse.
check_text() {
    has_no_nul "$1" || fail 126 "$2: neither an ELF program nor a script; run it through its interpreter"
    [[ $3 == 0 ]] || fail 126 "$2: the interpreter $1 is a text without #!; give it one"
    gr_script_of_sh=1
    check_file /bin/sh "$2: run by /bin/sh" 1
}

has_no_nul() {
    [[ " $(hex "$1" 0 "$GR_FIRST_LINE") " != *" 00 "* ]]
}

# --- scripts

check_script() {
    local file=$1 called=$2 depth=$(($3 + 1)) line interpreter argument
    ((depth <= GR_MOST_INTERPRETERS)) || fail 126 "$called: more than $GR_MOST_INTERPRETERS interpreters deep; run the last one by name"
    line=$(first_line "$file")
    line=${line#\#!}
    read -r interpreter argument <<<"$line" || true
    [[ -n $interpreter ]] || { check_text "$file" "$called" "$((depth - 1))"; return; }
    [[ $interpreter != *$'\r' ]] || fail 126 "$called: its first line ends in a carriage return; convert it to Unix line ends"
    check_interpreter "$interpreter" "$called: its interpreter $interpreter" "$depth"
    [[ ${interpreter##*/} != env ]] || check_env "$argument" "$called" "$depth"
}

first_line() {
    command -p head -c "$GR_FIRST_LINE" -- "$1" | command -p tr '\0' ' ' | command -p sed -n '1p'
}

check_interpreter() {
    [[ -e $1 ]] || fail 126 "$2 is not there; install it or correct the script's first line"
    [[ -f $1 && -x $1 ]] || fail 126 "$2 is not executable; correct the script's first line"
    check_file "$1" "$2" "$3"
}

# What env would run. Without -S the kernel hands env the rest of the line as one word.
check_env() {
    local argument=$1 called=$2 depth=$3 word skip='' found=''
    local -a words=("$argument")
    if [[ $argument =~ ^-([iv]*)S[[:space:]]*(.*)$ ]]; then
        read -r -a words <<<"${BASH_REMATCH[1]:+-${BASH_REMATCH[1]} }${BASH_REMATCH[2]}" || true
    elif [[ $argument =~ ^--split-string=(.*)$ ]]; then
        read -r -a words <<<"${BASH_REMATCH[1]}" || true
    fi
    for word in ${words[@]+"${words[@]}"}; do
        case $skip$word in
        - | -i | -iv | -vi | --ignore-environment | LD_PRELOAD=* | -uLD_PRELOAD | --unset=LD_PRELOAD)
            fail 126 "$called: its first line takes LD_PRELOAD away; run its interpreter by name" ;;
        -u | -C) skip=$word ;;
        -u* | -C*) skip='' ;;
        *=* | -*) ;;
        *) found=$word; break ;;
        esac
    done
    [[ -n $found ]] || fail 126 "$called: its first line names no program for env; correct it"
    check_found_by_env "$found" "$called" "$depth"
}

check_found_by_env() {
    [[ $1 != *[\$\'\"\\]* ]] || return 0 # env expands and unquotes; it knows better
    gr_found=$1
    if [[ $1 != */* ]]; then
        look_up "$1" || fail 126 "$2: its interpreter $1 is not in PATH; install it or correct PATH"
    fi
    check_interpreter "$gr_found" "$2: its interpreter $gr_found" "$(($3 + 1))"
}

# --- ELF

# FILE OFFSET COUNT [WIDTH]: bytes as hexadecimal words, WIDTH on a line.
hex() {
    command -p od -An -v -tx1 -w"${4:-$3}" -j "$2" -N "$3" -- "$1" 2>/dev/null || true
}

# FIRST COUNT BYTE...: the number that the bytes from FIRST on are, the least significant first.
little_endian() {
    local first=$1 count=$2 word=''
    shift 2
    while ((count-- > 0)); do
        word+=${*:first + count + 1:1}
    done
    echo "$((16#$word))"
}

check_elf() {
    local file=$1 called=$2 interpreter machine kind
    local -a b
    read -r -a b <<<"$(hex "$file" 0 64)"
    ((${#b[@]} >= 52)) || fail 126 "$called: a truncated ELF file; install it again"
    [[ ${b[4]} == 02 ]] || fail 126 "$called: is a 32-bit program and libgreenlet.so is 64-bit; use its 64-bit build"
    ((${#b[@]} == 64)) || fail 126 "$called: a truncated ELF file; install it again"
    machine=$(little_endian 18 2 "${b[@]}") kind=$(little_endian 16 2 "${b[@]}")
    [[ ${b[5]} == 01 && $machine == 62 ]] ||
        fail 126 "$called: is built for another machine (ELF machine $machine) and libgreenlet.so for x86-64; use its x86-64 build"
    [[ $kind == [23] ]] || fail 126 "$called: is an ELF file but not a program (type $kind); link it first"
    interpreter=$(elf_interpreter "$file" "${b[@]}")
    check_libc "$file" "$called" "$interpreter"
    check_rights "$file" "$called"
}

# FILE HEADER-BYTE...: the path in PT_INTERP, or nothing. A static-pie has a dynamic section too, so that would tell nothing.
elf_interpreter() {
    local file=$1 start size count line
    local -a h
    shift
    start=$(little_endian 32 8 "$@") size=$(little_endian 54 2 "$@") count=$(little_endian 56 2 "$@")
    ((count > 0 && size >= 56 && size <= 256 && start > 0)) || return 0
    while read -r -a h; do
        ((${#h[@]} >= 56)) && [[ "${h[*]:0:4}" == "03 00 00 00" ]] || continue
        text_at "$file" "$(little_endian 8 8 "${h[@]}")" "$(little_endian 32 8 "${h[@]}")"
        return 0
    done <<<"$(hex "$file" "$start" "$((count * size))" "$size")"
}

text_at() {
    local count=$3
    ((count <= 4096)) || count=4096
    command -p dd "if=$1" bs=1 "skip=$2" "count=$count" status=none 2>/dev/null | command -p tr -d '\0'
}

check_libc() {
    local file=$1 called=$2 interpreter=$3
    case ${interpreter##*/} in
    ld-linux-x86-64.so.2)
        [[ -e $interpreter ]] || fail 126 "$called: its dynamic linker $interpreter is not there; install the libc it was built for" ;;
    '')
        [[ ${file##*/} == ld-linux-x86-64.so.2 ]] || # the linker itself, run by name, has none and preloads all the same
            fail 126 "$called: is statically linked, so nothing can be preloaded into it; use a dynamically linked build" ;;
    ld-musl-*) fail 126 "$called: uses musl libc ($interpreter) and libgreenlet.so needs glibc; use a build for glibc" ;;
    *) fail 126 "$called: uses another C library ($interpreter) and libgreenlet.so needs glibc; use a build for glibc" ;;
    esac
}

# --- rights. The kernel's rule: secure if the program's effective ids would differ from our real ones, or (unless our real user is
# root) if its file gives it capabilities. A nosuid mount makes the kernel ignore all three; no_new_privs makes it ignore the bits, but
# not that there are capabilities.

check_rights() {
    local file=$1 called=$2 owner
    if [[ -u $file ]]; then
        owner=$(command -p stat -Lc '%u' -- "$file")
        [[ $owner == "$UID" ]] || bits_ignored "$file" ||
            fail 126 "$called: is setuid, so the kernel lets nobody preload into it; run it as its owner (uid $owner) or use a copy without the bit"
    fi
    if [[ -g $file ]] && is_setgid "$file"; then
        bits_ignored "$file" ||
            fail 126 "$called: is setgid, so the kernel lets nobody preload into it; run it as its group or use a copy without the bit"
    fi
    if [[ $UID != 0 && -n $(file_capabilities "$file") ]]; then
        on_nosuid_mount "$file" ||
            fail 126 "$called: has file capabilities, so the kernel lets nobody preload into it; run it as root or use a copy without them"
    fi
}

# Without the group's execute bit, setgid means something else. REAL-GROUP is compared, as the kernel does.
is_setgid() {
    local mode group
    read -r mode group <<<"$(command -p stat -Lc '%a %g' -- "$1")"
    (((8#$mode & 8#010) != 0)) && [[ $group != "$(command -p id -rg)" ]]
}

# getcap lives in sbin, which is not in everybody's PATH. Without it and getfattr nobody can tell, and the program is let through.
file_capabilities() {
    local getcap
    for getcap in getcap /usr/sbin/getcap /sbin/getcap; do
        command -v "$getcap" >/dev/null || continue
        "$getcap" "$1" 2>/dev/null || true
        return 0
    done
    command -v getfattr >/dev/null || return 0
    getfattr --absolute-names --only-values -n security.capability -- "$1" 2>/dev/null | command -p tr '\0' ' ' || true
}

bits_ignored() {
    [[ $(command -p sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status 2>/dev/null) == 1 ]] || on_nosuid_mount "$1"
}

on_nosuid_mount() {
    [[ ",$(command -p findmnt -no OPTIONS -T "$1" 2>/dev/null)," == *,nosuid,* ]]
}
