#!/bin/sh
# What `make` runs before everything else: a virtual environment with this clone and what it needs in it.
#
#   sh .ci/venv.sh PYTHON VENV EXTRA [any]
#
# EXTRA: which of pyproject.toml's extras (demo, dev). `any`: an environment of whatever Python (3.11 or newer) will do,
# since nobody named one. It says what takes long, and what to do where something fails; whatever it leaves behind, run
# again it goes on or begins anew by itself.
set -u
python=$1 venv=$2 extra=$3 any=${4:-}
ready=$venv/.ready
[ "$extra" = dev ] || ready=$venv/.ready-$extra
installing=$venv/.installing # there while pip works, and after a power cut or Ctrl-C during it
wanted="Python 3.11 or newer"

say() { printf '%s\n' "$@"; }
fail() {
    say "$@" >&2
    exit 1
}
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Why the environment that is there cannot be used; nothing where it can.
fault() {
    own=$(version_of "$venv/bin/python")
    if [ -e "$installing" ]; then
        say "its installation was interrupted"
    elif [ -z "$own" ]; then
        say "its Python is gone (another version was installed since, or the making was interrupted)"
    elif ! is_new_enough "$venv/bin/python"; then
        say "its Python $own is too old"
    elif ! [ -d "$venv/lib/python$own" ]; then
        say "it was made for another Python than the $own that it leads to by now"
    elif [ "$any" != any ] && [ "$own" != "$(version_of "$python")" ]; then
        say "it is of Python $own, and $python is $(version_of "$python")"
    elif ! [ -e "$ready" ] && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        say "it has no pip (its making failed)"
    fi
}

check_python() {
    if ! command -v "$python" >/dev/null; then
        fail "There is no $python here, and shomare-mqtt needs $wanted." \
            "  Debian, Ubuntu, Raspberry Pi OS:  sudo apt install python3 python3-venv" \
            "  One that has another name:        make PYTHON=python3.13 …"
    elif [ -z "$(version_of "$python")" ]; then
        fail "$python cannot be run: '$python --version' says why. shomare-mqtt needs $wanted." \
            "  One that has another name:  make PYTHON=python3.13 …"
    elif ! is_new_enough "$python"; then
        fail "$python is Python $(version_of "$python"), and shomare-mqtt needs $wanted." \
            "  Debian 12, Ubuntu 24.04, Raspberry Pi OS bookworm and what is newer have it: older ones are best upgraded." \
            "  One beside the old one:  https://docs.astral.sh/uv (uv python install 3.13) or pyenv, and then" \
            "                           make PYTHON=/the/path/of/python3.13 …"
    fi
}

say_what_venv_needs() {
    package=python3-venv
    case ${python##*/} in python3.*) package=${python##*/}-venv ;; esac
    fail "$python cannot make virtual environments: on Debian, Ubuntu and Raspberry Pi OS that is a package of its own." \
        "  sudo apt install $package" \
        "Then the same make again. Nothing needs to be removed."
}

# Removes nothing but what is a virtual environment, and never what a link leads to.
make_room() {
    why=$(fault)
    [ -n "$why" ] || return
    if [ -L "$venv" ] || ! [ -e "$venv/pyvenv.cfg" ]; then
        fail "$venv cannot be used: $why. It was not made by this make, and is left as it is:" \
            "  move it away, or have another one made:  make VENV=.venv-new …"
    fi
    check_python # before anything is removed
    say "$venv is made anew: $why."
    rm -rf "$venv"
}

make_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null || say_what_venv_needs
    say "Making a virtual environment in $venv with Python $(version_of "$python") (a few seconds, once)."
    trap 'rm -rf "$venv"; exit 130' INT TERM HUP
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        fail "$python could not make a virtual environment; what it says stands above, and $venv was removed again." \
            "  Where it speaks of ensurepip:  sudo apt install python3-venv"
    fi
    trap - INT TERM HUP
}

# A dot for each package, since on a slow machine this takes minutes.
show_progress() {
    while read -r word _; do
        case $word in Collecting | Requirement) printf . ;; esac
    done
    printf '\n'
}

install() {
    say "Installing shomare-mqtt and what it needs for '$extra' into $venv, once:" \
        "about 20 seconds, on a small machine or a slow line some minutes."
    : >"$installing"
    { "$venv/bin/python" -m pip install --disable-pip-version-check -c requirements.lock -e ".[$extra]" &&
        rm -f "$installing"; } | show_progress
    if [ -e "$installing" ]; then
        rm -f "$installing"
        fail "pip could not install everything; what it says stands above." \
            "  Does it speak of connections, names or timeouts? It found no package index: look at the network" \
            "  (behind a proxy: export HTTPS_PROXY=http://host:port), then the same make again." \
            "Nothing needs to be removed."
    fi
    [ "$extra" != dev ] || touch "$venv/.ready-demo"
    touch "$ready"
}

[ ! -e "$venv" ] && [ ! -L "$venv" ] || make_room
if ! [ -e "$venv/bin/python" ]; then
    check_python
    make_venv
fi
for file in pyproject.toml requirements.lock; do
    if ! [ -e "$ready" ] || [ "$file" -nt "$ready" ]; then
        install
        break
    fi
done
