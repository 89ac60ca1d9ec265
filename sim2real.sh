#!/usr/bin/env bash
# Makes the environment (.venv) from the pinned lock when it is missing or out of date, then runs one verb in it.
#   ./sim2real.sh demo --quick      ./sim2real.sh --help
# SIM2REAL_PYTHON=/path/to/python3.12 chooses the interpreter. CONTRIBUTING.md tells how the lock is made.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
venv=$root/.venv
lock=$root/requirements.lock
stamp=$venv/sim2real-stamp            # written last: which lock and project this environment holds
terms=$venv/sim2real-terms            # which terms were accepted, so that nobody is asked twice
unfinished=$venv/sim2real-unfinished  # there while packages are being installed; found later, it means "begin again"

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 2; }

# Can this interpreter make the environment? Needs 3.12 and the venv module (Debian packages that apart).
suits() { "$1" -I -c 'import sys; assert sys.version_info[:2] == (3, 12); import venv, ensurepip' >/dev/null 2>&1; }

find_python() {
    if [[ -n ${SIM2REAL_PYTHON:-} ]]; then
        suits "$SIM2REAL_PYTHON" || fail "SIM2REAL_PYTHON=$SIM2REAL_PYTHON is not a Python 3.12 with the venv module."
        printf '%s\n' "$SIM2REAL_PYTHON"
        return
    fi
    local candidate conda
    local -a candidates=()
    for candidate in python3.12 python3; do
        candidate=$(command -v "$candidate") && candidates+=("$candidate")
    done
    candidates+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3.12)
    candidates+=("${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/python}"/cpython-3.12*/bin/python3.12)
    for conda in ${CONDA_PREFIX:+"$CONDA_PREFIX"} "$HOME"/{miniconda3,anaconda3,miniforge3,mambaforge,.conda} /opt/conda; do
        candidates+=("$conda"/bin/python3.12 "$conda"/envs/*/bin/python3.12)
    done
    for candidate in "${candidates[@]}"; do
        if [[ -x $candidate ]] && suits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.12 found (looked at PATH, pyenv, uv and conda). Get one of:
  uv python install 3.12                              (any Linux; https://docs.astral.sh/uv)
  sudo apt install python3.12 python3.12-venv         (Ubuntu 24.04)
  pyenv install 3.12        conda create -n py312 python=3.12
or name one: SIM2REAL_PYTHON=/path/to/python3.12 ./sim2real.sh ..."
}

# What a finished environment was made from, and where: the scripts in it hold its path.
fingerprint() { cat "$lock" "$root/pyproject.toml" | sha256sum | cut -d ' ' -f 1; printf '%s\n' "$root"; }

ready() { [[ -x $venv/bin/python && -f $stamp && $(<"$stamp") == "$(fingerprint)" ]]; }

# Ours, but of no use: its interpreter is gone, or the checkout was moved.
stale() { [[ -f $stamp ]] && ! { suits "$venv/bin/python" && [[ $(tail -n 1 "$stamp") == "$root" ]]; }; }

preflight() { # $1 = python, the rest = options
    "$1" -I -u "$root/source/sim2real/cli/preflight.py" --lock "$lock" --venv "$venv" --remembered "$terms" "${@:2}"
}

setup() { # $@ = --accept-nvidia-terms, or nothing
    local python digest
    python=$(find_python)
    say "sim2real: setting up $venv with $python"
    preflight "$python" "$@" >&2 || exit $?
    digest=$(preflight "$python" --terms-digest)

    trap 'say ""; say "Stopped: downloads are kept; the same command continues."; exit 130' INT
    if [[ -f $unfinished ]] || stale; then # only an environment of ours is ever removed
        say "sim2real: making the environment anew; the last set-up did not end, or the checkout or Python moved"
        rm -rf "$venv"
    elif [[ -e $venv ]] && ! suits "$venv/bin/python"; then
        fail "$venv exists but holds no working Python 3.12, and was not made by this script. Move it away."
    fi
    mkdir -p "$venv"
    touch "$unfinished"
    rm -f "$stamp"
    [[ -x $venv/bin/python ]] || env -u PYTHONPATH -u PYTHONHOME "$python" -m venv "$venv"
    printf '%s\n' "$digest" >"$terms"

    # pip brings the pinned uv, uv brings everything else; both refuse what does not match the lock's hashes.
    unset PYTHONPATH PYTHONHOME # a sourced ROS would put its packages before ours
    export VIRTUAL_ENV=$venv
    awk '/^uv==/ { take = 1 } take { print } take && !/\\$/ { exit }' "$lock" >"$venv/sim2real-uv.txt"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
        -r "$venv/sim2real-uv.txt" &&
        "$venv/bin/uv" pip sync --python "$venv/bin/python" --require-hashes --build-constraints "$lock" "$lock" &&
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-build-isolation --no-deps --editable "$root" ||
        fail "the packages could not be installed; see above. Run the same command again: downloads are kept."
    rm -f "$unfinished"

    say "sim2real: compiling kernels"
    "$venv/bin/python" -m sim2real.cli.warm >&2 || say "warning: no kernels compiled now; they will be at first use."
    fingerprint >"$stamp"
    trap - INT
    say "sim2real: ready"
}

# --accept-nvidia-terms belongs to the set-up, wherever it stands on the line.
accept=()
arguments=()
help=no
for argument in "$@"; do
    case $argument in
        --accept-nvidia-terms) accept=(--accept-nvidia-terms) ;;
        -h | --help) help=yes; arguments+=("$argument") ;;
        *) arguments+=("$argument") ;;
    esac
done
[[ ${#arguments[@]} -gt 0 ]] || help=yes
export SIM2REAL_PROGRAM=./sim2real.sh

if ! ready; then
    if [[ $help == yes ]]; then # reading needs no environment
        python=$(find_python)
        PYTHONPATH=$root/source exec "$python" -m sim2real.cli.main ${arguments[@]+"${arguments[@]}"}
    fi
    exec 9<"$root" # a second set-up started meanwhile waits for this one
    flock 9
    ready || setup ${accept[@]+"${accept[@]}"}
    exec 9<&-
fi
[[ $help == yes || ${arguments[0]} != setup ]] || { say "sim2real: the environment is up to date"; exit 0; }
exec "$venv/bin/python" -m sim2real.cli.main ${arguments[@]+"${arguments[@]}"}
