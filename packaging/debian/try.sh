#!/bin/sh
# Tries the Debian package: sh packaging/debian/try.sh PACKAGE [CACHE]
#
# A Debian 13 is fetched (debootstrap) and booted with systemd (systemd-nspawn), with no network but its own loopback. In
# it the package is installed, bought with, upgraded and purged; try-inside.sh has the steps. Needs root, debootstrap and
# systemd-container, and amd64 or arm64. What was fetched is kept in CACHE, if one is named, for the next time.
set -eu
package=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
release=trixie
mirror=${MIRROR:-http://deb.debian.org/debian}
limit=1200 # seconds for one boot with all that is done in it: for a busy machine, it takes less than one tenth

say() { printf '%s\n' "== $*"; }
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail "A Debian can be made and booted by root alone: sudo make deb-check"
for each in debootstrap:debootstrap systemd-nspawn:systemd-container dpkg-deb:dpkg; do
    command -v "${each%:*}" >/dev/null || fail "There is no ${each%:*} here:  sudo apt install ${each#*:}"
done

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
mkdir "$root"

if command -v lintian >/dev/null; then
    say "lintian"
    lintian --allow-root --fail-on error "$package"
else
    say "LEFT OUT: lintian, which is not on this machine"
fi

# The Debian, with all that the package needs in apt's archive: what is booted later has no network.
fetch() {
    cp /etc/resolv.conf "$root/etc/"
    env DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq update
    env DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq --yes --download-only install \
        /try/new.deb mosquitto mosquitto-clients >"$work/apt.log" 2>&1 || fail "$(cat "$work/apt.log")"
}
base=${2:+$2/$release-$(dpkg --print-architecture).tar}
if [ -n "$base" ] && [ -e "$base" ]; then
    say "Debian from $base"
    tar -xf "$base" -C "$root"
else
    say "Debian $release from $mirror"
    debootstrap --variant=minbase --include=systemd-sysv,dbus "$release" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        fail "$(tail -n 20 "$work/debootstrap.log")"
    rm -f "$root/etc/hostname"
fi
install -d "$root/try"
install -m 644 "$package" "$root/try/new.deb"
# What apt would have to fetch for it; an apt that has no lists yet fails.
if ! wanted=$(env DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq --yes --print-uris \
    install /try/new.deb mosquitto mosquitto-clients 2>/dev/null) || printf '%s' "$wanted" | grep -q "^'http"; then
    fetch
    if [ -n "$base" ]; then
        mkdir -p "$2"
        tar -cf "$base.new.$$" --exclude=./try -C "$root" .
        mv "$base.new.$$" "$base"
    fi
fi
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/try" # all of it is thrown away

# An older version: the same, but for its number and the settings that it brings.
dpkg-deb -R "$package" "$work/older"
sed -i 's/^Version: .*/Version: 0~older/' "$work/older/DEBIAN/control"
echo "# older" >>"$work/older/etc/shomare-mqtt/config.toml"
dpkg-deb --root-owner-group -b "$work/older" "$root/try/older.deb" >/dev/null

install -m 755 "$here/try-inside.sh" "$root/try/"
printf '%s\n' "[Unit]" "After=multi-user.target" "SuccessAction=exit" "FailureAction=exit" "FailureActionExitStatus=1" \
    "[Service]" "Type=oneshot" "TimeoutStartSec=$limit" "ExecStart=/try/try-inside.sh" \
    "StandardOutput=append:/try/log" "StandardError=append:/try/log" >"$root/etc/systemd/system/try.service"
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -s ../try.service "$root/etc/systemd/system/graphical.target.wants/"
[ -d /run/systemd/system ] && unit= || unit=--keep-unit # where this machine runs without systemd, there is no scope to make

boot() {
    : >"$root/try/log"
    ended=0
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout --kill-after=60 "$((limit + 60))" systemd-nspawn --quiet --register=no $unit \
        --private-network --machine="try-$$" --console=pipe --directory="$root" --boot </dev/null >"$work/boot.log" 2>&1 || ended=$?
    rmdir "/run/systemd/nspawn/propagate/try-$$" 2>/dev/null || :
    cat "$root/try/log"
}

for stage in installed booted-again; do
    echo "$stage" >"$root/try/stage"
    say "boot: $stage"
    boot
    if ! [ -s "$root/try/log" ]; then
        tail -n 20 "$work/boot.log" >&2
        fail "" "A Debian cannot be booted on this machine (above: what systemd-nspawn says). NOTHING OF THE PACKAGE WAS TRIED."
    fi
    [ "$ended" = 0 ] || fail "" "The package failed: the last lines above say where."
done
say "the package was installed, bought with, upgraded and purged on a booted Debian $release"
