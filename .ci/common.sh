# What .ci/run and .ci/full share; to be sourced in the root of the repository.
export PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1

step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }
readme_command() { awk -v n="$1" '/^```/ { inside = /^```sh/ && ++i == n; next } inside' README.md; }
# Legs on a core of their own each: sharing both would cost either a quarter of its speed.
stay_on_core() { taskset --cpu-list --pid "$1" "$BASHPID" >/dev/null || true; }

install_lowest() {
    python3 -m venv .venv-lowest
    .venv-lowest/bin/pip install --no-compile $(python3 .ci/lowest.py) --editable .
}

install_backends() {
    python3 -m venv .venv-backends
    .venv-backends/bin/pip install --no-compile torch==2.13.0 # the CPU build, before anything can ask for another
    .venv-backends/bin/pip install --no-compile --editable '.[test,tensorflow,torch]'
}
