#!/usr/bin/env bash
# Makes the Asterisk root: a directory with a whole Asterisk and its libraries, from the packages of a Debian suite.
# It must never need root rights, install anything on this machine or run a package's script.
#
#   root.sh [SUITE]        sid (Asterisk 22, default) or bullseye (Asterisk 16); prints the directory on stdout
#
# How: apt, with a state directory of its own and an empty dpkg status, downloads the packages from another suite of
# the mirror this machine's apt uses already; dpkg-deb unpacks them. Asterisk is later started through that
# directory's own ld.so, so this machine's libc does not matter.
#
#   DIALERD_ASTERISK_ROOT            where (default ${XDG_CACHE_HOME:-$HOME/.cache}/dialerd/asterisk-root);
#                                    "-SUITE" is appended for every suite but sid
#   DIALERD_TEST_ASTERISK_SUITE      the suite, when no argument names it
set -euo pipefail

suite=${1:-${DIALERD_TEST_ASTERISK_SUITE:-sid}}
root=${DIALERD_ASTERISK_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/dialerd/asterisk-root}
packages=(asterisk asterisk-modules asterisk-core-sounds-en-gsm libc6)

say() { printf 'asterisk-root: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case $suite in
    sid) ;;
    bullseye) root=$root-$suite ;;
    *) die "suite '$suite' is not known; allowed: sid, bullseye" ;;
esac
stamp=$root/.dialerd-root

# No mirror is written down here: it is the one this machine's apt uses.
mirror() {
    local uri
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
        | grep -E '/debian/?$' | head -n 1 || true)
    if [ -z "$uri" ]; then # apt has no lists yet: read its sources
        uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null \
            | grep -v '^[[:space:]]*#' | grep -oE '(https?|file)[^ ]*/debian/?' | head -n 1 || true)
    fi
    [ -n "$uri" ] || die "this machine's apt names no Debian mirror (looked for a source whose address ends in /debian)"
    printf '%s\n' "${uri%/}"
}

keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [ -r "$file" ] && { printf '%s\n' "$file"; return; }
    done
    die "no Debian archive keyring in /usr/share/keyrings (package debian-archive-keyring)"
}

unpack() { # SOURCES-LIST STATE-DIR OUT
    local list=$1 state=$2 out=$3 deb
    mkdir -p "$state"/{lists/partial,cache/archives/partial} "$out"
    : > "$state/status"
    local apt=(apt-get -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status"
        -o "Dir::Cache=$state/cache" -o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
        -o APT::Sandbox::User= -o APT::Install-Recommends=false -o APT::Get::AllowUnauthenticated=false
        -o Debug::NoLocking=true -o Dpkg::Use-Pty=0)
    "${apt[@]}" -qq update >&2
    "${apt[@]}" -qq -y --download-only install "${packages[@]}" >&2
    for deb in "$state"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$out" --no-same-owner --exclude='./usr/share/man/*' \
            --exclude='./usr/share/locale/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/info/*'
    done
}

describe() { # DIR: what the rig must know to start this Asterisk; merged or split /usr, sid or bullseye
    local dir=$1 libc ld modules
    libc=$(find "$dir" -name libc.so.6 | head -n 1)
    modules=$(find "$dir" -name chan_pjsip.so | head -n 1)
    [ -n "$libc" ] && [ -n "$modules" ] || die "$suite has no libc.so.6 or no chan_pjsip.so"
    ld=$(find "$(dirname "$libc")" -maxdepth 1 -name 'ld-linux*.so.*' | head -n 1)
    [ -n "$ld" ] || die "$suite has no dynamic loader beside $libc"
    local triplet
    triplet=$(basename "$(dirname "$libc")")
    printf 'suite=%s\nloader=%s\nlibraries=%s\nmodules=%s\n' "$suite" "${ld#"$dir"/}" \
        "usr/lib/$triplet:lib/$triplet:usr/lib" "$(dirname "${modules#"$dir"/}")"
}

value() { sed -n "s/^$1=//p" "$2"; }

exec 9>&1 1>&2
if [ -e "$stamp" ]; then
    say "already there: $(value version "$stamp") in $root"
    printf '%s\n' "$root" >&9
    exit 0
fi
for tool in apt-get dpkg-deb tar flock; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done
mkdir -p "$(dirname "$root")"
exec 8> "$root.lock"
flock 8 # two calls at once: the second waits and finds it made
if [ ! -e "$stamp" ]; then
    began=$SECONDS
    work=$(mktemp -d "${TMPDIR:-/tmp}/asterisk-root.XXXXXX")
    new=$root.new.$$
    trap 'rm -rf "$work" "$new"' EXIT
    # apt's own word for a source: no host is named in this repository, and none is kept in the root
    printf 'deb [signed-by=%s] %s %s main\n' "$(keyring)" "$(mirror)" "$suite" > "$work/sources.list"
    say "making $root (suite $suite) ..."
    unpack "$work/sources.list" "$work/apt" "$new" || die "could not download and unpack $suite"
    rm -rf "$new"/etc/apt/sources.list* "$root"
    describe "$new" > "$new/.described"
    libraries=$(value libraries "$new/.described" | sed "s#^#$new/#; s#:#:$new/#g")
    version=$("$new/$(value loader "$new/.described")" --library-path "$libraries" "$new/usr/sbin/asterisk" -V) \
        || die "the new root's asterisk does not run"
    printf 'version=%s\n' "$version" >> "$new/.described"
    mv "$new/.described" "$new/$(basename "$stamp")"
    mv "$new" "$root" # complete or not there at all
    say "$version, $(du -sm "$root" | cut -f 1) MiB, made in $((SECONDS - began)) s"
fi
printf '%s\n' "$root" >&9
