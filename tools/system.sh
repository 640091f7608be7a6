#!/usr/bin/env bash
# What must be installed on the system is one apt-get line: run it as root, else print it and stop. Never sudo.
set -euo pipefail
missing=()
for package in "$@" python3-venv; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# Another Python with a venv module of its own serves as well as Debian's.
if [[ " ${missing[*]-} " == *" python3-venv "* ]] && python3 -c 'import venv, ensurepip' 2>/dev/null; then
    kept=(); for p in "${missing[@]}"; do [[ $p == python3-venv ]] || kept+=("$p"); done; missing=("${kept[@]-}")
fi
[[ -z "${missing[*]-}" ]] && exit 0
line="apt-get install -y --no-install-recommends ${missing[*]}"
if [[ $(id -u) -ne 0 ]]; then
    echo "keyhole: these Debian packages are missing: ${missing[*]}" >&2
    echo "keyhole: run this as root, then make again:   $line" >&2
    exit 1
fi
echo "keyhole: installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if apt-get update >"$log" 2>&1; then  # what it takes: how much is downloaded, and how much stays on the disk
    LC_ALL=C $line --print-uris 2>/dev/null | awk '$3 ~ /^[0-9]+$/ { n++; s += $3 }
        END { if (n) printf "keyhole: downloading %d packages, %.0f MB\n", n, s / 1e6 }'
fi
if ! $line >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "keyhole: that failed. Run it yourself, then make again:   apt-get update && $line" >&2
    exit 1
fi
