#!/bin/sh
# Counts the crates of a default build, and those of them that axum (default features) doesn't bring
# itself. Target: at most 12.
set -eu
cd "$(dirname "$0")/.."
crates() { cargo tree -e normal --prefix none "$@" | cut -d ' ' -f 1 | sort -u; }

alone=$(mktemp -d)
trap 'rm -rf "$alone"' EXIT
cargo init --quiet --vcs none --name axum-alone "$alone"
cp Cargo.lock "$alone" # the same versions
cargo add --quiet --manifest-path "$alone/Cargo.toml" axum@0.8 2>/dev/null

crates | grep -vx tower-consent >"$alone/ours"
crates --manifest-path "$alone/Cargo.toml" | grep -vx axum-alone >"$alone/axum"
comm -23 "$alone/ours" "$alone/axum" >"$alone/more"
echo "tower-consent: $(wc -l <"$alone/ours") crates besides itself; axum: $(wc -l <"$alone/axum")"
echo "more than axum's: $(wc -l <"$alone/more") (target: at most 12):" $(cat "$alone/more")
