#!/bin/sh
# Reads docs/asyncapi.yaml with the official parser, which is written for node (18 or newer, with npm).
#
#   sh .ci/asyncapi.sh [FILE]
#
# What npm fetches is what package-lock.json names; it is kept below ~/.cache (or $XDG_CACHE_HOME) for the next time.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
file=$(realpath "${1:-$top/docs/asyncapi.yaml}")
lock=$(sha256sum "$top/.ci/asyncapi/package-lock.json" | cut -c 1-16)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/shomare-mqtt/asyncapi-$lock
if ! [ -e "$kept/ready" ]; then
    making=$kept.$$ # whole or not at all, also where two of these run at once
    mkdir -p "$making"
    cp "$top/.ci/asyncapi/package.json" "$top/.ci/asyncapi/package-lock.json" "$making"
    npm ci --prefix "$making" --silent --no-audit --no-fund --ignore-scripts
    touch "$making/ready"
    mv -T "$making" "$kept" 2>/dev/null || rm -rf "$making"
fi
cp "$top/.ci/asyncapi/validate.mjs" "$kept"
exec node "$kept/validate.mjs" "$file"
