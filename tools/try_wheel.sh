#!/bin/sh
# Builds the wheel and the sdist, installs the wheel into an empty environment, and lets it listen. Usage: try_wheel.sh PYTHON
set -eu
python=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m build --outdir "$place/dist" . >"$place/build.log" 2>&1 || { cat "$place/build.log"; exit 1; }
"$python" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$place"/dist/*.whl
size=$(du -sm "$place/venv" | cut -f1)
cd "$place"
venv/bin/python - <<'PYTHON'
import importlib.metadata, importlib.util
assert importlib.util.find_spec("torch") is None, "torch came along"
files = {path.name for path in importlib.metadata.files("hubbub")}
missing = {"esc50.onnx", "LICENSE-model.txt", "LICENSE-ESC-50.txt", "LICENSE-EfficientAT.txt"} - files
assert not missing, f"the wheel lacks {missing}"
import hubbub
from hubbub.data.synth.synthetic import make
answer = hubbub.classify(make("siren", 31, 32_000), rate=32_000)
assert answer.label == "siren", answer
print("the wheel heard:", answer)
PYTHON
venv/bin/hubbub recipes >/dev/null  # lists recipes without the learning stack
echo "installed: $size MB"
