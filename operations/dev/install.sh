#!/usr/bin/env bash
# Makes the virtual environment that every other command uses, from the lock, with nothing but Python at hand.
# Registries are whatever pip is configured for, by PIP_* variables or its own files; uv is told the same.
set -euo pipefail

python=${1:?the Python to use}
venv=${2:?where the environment goes}
uv_version=0.13.9

if ! command -v "$python" >/dev/null; then
    echo "$python is missing: install Python 3.11 or newer, or name one with make setup PYTHON=..." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'; then
    echo "$("$python" --version) does not fit: Headrace needs 3.11 to 3.14; name one with make setup PYTHON=python3.12" >&2
    exit 1
fi

if ! [ -x "$venv/bin/python" ]; then
    echo "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
pip_setting() { "$venv/bin/pip" config get "$1" 2>/dev/null || true; }
export_if_given() { if [ -n "$2" ] && [ -z "${!1:-}" ]; then export "$1=$2"; fi; }

export PIP_DISABLE_PIP_VERSION_CHECK=1
if [ "$("$venv/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
    "$venv/bin/python" -m pip install --quiet "uv==$uv_version"
fi

index=${PIP_INDEX_URL:-$(pip_setting global.index-url)}
export_if_given UV_DEFAULT_INDEX "$index"
export_if_given UV_INDEX "${PIP_EXTRA_INDEX_URL:-$(pip_setting global.extra-index-url)}"
export_if_given UV_FIND_LINKS "${PIP_FIND_LINKS:-$(pip_setting global.find-links)}"
export_if_given UV_INSECURE_HOST "${PIP_TRUSTED_HOST:-$(pip_setting global.trusted-host)}"
export_if_given SSL_CERT_FILE "${PIP_CERT:-$(pip_setting global.cert)}"
export VIRTUAL_ENV=$venv

echo "installing what requirements.lock names"
# Compiled once here: where bytecode may not be written later, each process would compile all it imports at each start.
"$venv/bin/uv" pip install --quiet --compile-bytecode --require-hashes --requirements requirements.lock
"$venv/bin/uv" pip install --quiet --no-deps --editable .
