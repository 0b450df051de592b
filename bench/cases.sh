#!/usr/bin/env bash
# How long `tagwerk test` takes for 1,000 cases: the shipped ones, copied until there are so many. The
# target is 2 seconds; it exits with 1 if that is missed.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$top/target/release/tagwerk" init shop >/dev/null
cd shop
shipped=(cases/*/)
for number in $(seq -w 1 1000); do
    from=${shipped[$((10#$number % ${#shipped[@]}))]}
    cp -r "$from" "many/$number" 2>/dev/null || { mkdir -p many && cp -r "$from" "many/$number"; }
done
seconds=$("$top/target/release/tagwerk" test many --json | sed -n 's/.*"seconds": \([0-9.]*\).*/\1/p')
echo "1,000 cases: $seconds s (target: 2 s)"
awk -v seconds="$seconds" 'BEGIN { exit !(seconds < 2) }'
