#!/bin/sh
# Builds the Debian package: sh packaging/debian/build.sh PYTHON FOLDER
#
# PYTHON has what the program needs (the manual and the completions are made from its commands), and pip. The package
# comes into FOLDER. It is the same one whether it is built on Debian 12, 13 or Ubuntu: debhelper of any of them will do.
set -eu
python=$1
cd "$(dirname "$0")/../.."
mkdir -p "$2"
folder=$(cd "$2" && pwd)

missing=
for each in dpkg-buildpackage:dpkg-dev dh:debhelper dh_python3:dh-python; do
    command -v "${each%:*}" >/dev/null || missing="$missing ${each#*:}"
done
if [ -n "$missing" ]; then
    printf '%s\n' "A Debian package is built with tools that are not here. On Debian and Ubuntu:" \
        "  sudo apt install$missing" >&2
    exit 1
fi

# The time of the last commit, and not of this build: what is built twice is the same.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tree=$work/tree
mkdir -p "$tree/bin" "$tree/made" "$tree/python"

# hatchling is fetched for the moment, unless it is here and new enough.
alone=$("$python" -c 'import hatchling.metadata.spec as s; print(*["--no-build-isolation"][: "2.4" in s.get_core_metadata_constructors()])' 2>/dev/null || :)
# shellcheck disable=SC2086 # one option or none
"$python" -m pip --disable-pip-version-check --quiet wheel --no-deps $alone --wheel-dir "$work/wheel" .
"$python" -m zipfile -e "$work"/wheel/shomare_mqtt-*.whl "$tree/python"
PYTHONPATH="$tree/python" PYTHONDONTWRITEBYTECODE=1 \
    "$python" packaging/debian/generate.py "$tree/made" "$SOURCE_DATE_EPOCH"

cp -r packaging/debian "$tree/debian"
cp -r README.md config.example.toml docs systemd "$tree/"
mv "$tree/docs/README.md" "$tree/docs/pages.md" # both come into one folder: it took the README's place
cp CHANGELOG.md "$tree/NEWS.md" # else debhelper takes it for the changelog of the packaging
mv "$tree/made/changelog" "$tree/debian/changelog"
sed -f packaging/debian/service.sed systemd/shomare-mqtt.service >"$tree/debian/shomare-mqtt.service"
cat >"$tree/bin/shomare-mqtt" <<PROGRAM
#!/usr/bin/python3
import sys

from shomare_mqtt.__main__ import main

sys.exit(main())
PROGRAM
chmod 755 "$tree/bin/shomare-mqtt"

if ! (cd "$tree" && dpkg-buildpackage --build=binary --no-sign >"$work/log" 2>&1); then
    cat "$work/log" >&2
    exit 1
fi
package=shomare-mqtt_$(cat "$tree/made/version")_all.deb
cp "$work/$package" "$folder/"
printf '%s\n' "$folder/$package"
