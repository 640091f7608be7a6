#!/usr/bin/env bash
# Make a virtual environment from a lock file (requirements.lock, or the third word), every package checked against its hash.
set -euo pipefail
python=$1 venv=$2 lock=${3:-requirements.lock}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "keyhole: $python is missing or older than 3.11. Remedy: apt-get install python3 python3-venv, or make PYTHON=..." >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "keyhole: $python has no venv module. Remedy: apt-get install python3-venv" >&2
    exit 1
fi
echo "keyhole: installing the locked Python packages into $venv ($lock)"
"$python" -m venv "$venv"
# of what pip says: what is downloaded, and how large it is
"$venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check --require-hashes --no-deps \
    -r "$lock" | { grep -E '^ *Downloading ' || true; }
[[ $lock == requirements.lock ]] || exit 0  # an environment of other programs
# Ctrl-C in the first moments, when pytest itself is still being imported, is one word, too: see the copied file
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp reports/interrupt.py "$packages/keyhole_interrupt.py"
echo "import keyhole_interrupt" > "$packages/keyhole.pth"
