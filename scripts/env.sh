# Sourced by the other scripts: where things are.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=${CARGO_TARGET_DIR:-target}
if [[ -z ${ZEKTRA_PYTHON:-} && -x $target/venv/bin/python ]]; then
  ZEKTRA_PYTHON=$(realpath "$target/venv")/bin/python
fi
export ZEKTRA_PYTHON=${ZEKTRA_PYTHON:-python3}
