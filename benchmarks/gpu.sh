#!/usr/bin/env bash
# Check Assay on a machine with a GPU: tests, training step, harvest, one organism. At most 8 minutes.
#
#   benchmarks/gpu.sh                      on the GPU; writes results/gpu.json and RESULTS.md's section
#   benchmarks/gpu.sh --out DIR            the same, and copies both files to DIR
#   benchmarks/gpu.sh --dry                on the CPU with small sizes; results go to out/gpu-dry
#   benchmarks/gpu.sh --carry [--python V] where there is a package index: download into wheels/ what
#                                          the machine may lack (V: its Python, by default this one's)
#
# The machine needs torch 2.11 or newer, triton, transformers, peft and pytest; nothing is installed
# there: wheels are unpacked into a temporary folder. PYTHON names the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
WHEELS=benchmarks/wheels
MODE=real TARGET="" OUT=""

while [ $# -gt 0 ]; do
  case "$1" in
    --dry) MODE=dry ;;
    --carry) MODE=carry ;;
    --python) TARGET=$2; shift ;;
    --out) OUT=$2; shift ;;
    *) echo "unknown option $1; see the head of $0" >&2; exit 2 ;;
  esac
  shift
done

carry() {
  local target=${TARGET:-$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
  local from=(--only-binary=:all: --implementation cp --python-version "$target" -d "$WHEELS")
  for glibc in 2_28 2_17; do from+=(--platform "manylinux_${glibc}_x86_64"); done
  from+=(--platform manylinux2014_x86_64)
  rm -rf "$WHEELS" && mkdir -p "$WHEELS"
  # pydantic comes with the one version of pydantic-core that it works with; the others come alone.
  "$PYTHON" -m pip download -q "${from[@]}" pydantic
  "$PYTHON" -m pip download -q "${from[@]}" --no-deps gguf lazy-loader typer peft \
    eai-sparsify==1.3.3
  echo "Wheels for Python $target:"
  ls "$WHEELS"
  local tree wheels
  tree=$(git ls-files -z | grep -zv '^organisms/' | du -cb --files0-from=- | tail -1 | cut -f1)
  wheels=$(du -sb "$WHEELS" | cut -f1)
  "$PYTHON" - "$tree" "$wheels" <<'PY'
import sys

tree, wheels = (int(value) / 2**20 for value in sys.argv[1:])
print(f"The tree without organisms is {tree:.1f} MiB, the wheels {wheels:.1f} MiB; limit 64 MiB.")
sys.exit(tree + wheels > 64)
PY
  echo "A checkout of that tree: git sparse-checkout set benchmarks docs src tests"
}

if [ "$MODE" = carry ]; then
  carry
  exit
fi

SITE=$(mktemp -d)
trap 'rm -rf "$SITE"' EXIT
# Of the wheels, only what the machine lacks: another version of a package it has could break it.
missing=$("$PYTHON" benchmarks/gpu/missing.py "$WHEELS")
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086
  "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --find-links "$WHEELS" \
    --target "$SITE" $missing
fi
export PYTHONPATH="src:benchmarks:$SITE${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
options=()
[ "$MODE" = dry ] && options+=(--dry)
[ -n "$OUT" ] && options+=(--out "$OUT")
"$PYTHON" benchmarks/gpu/check.py "${options[@]}"
