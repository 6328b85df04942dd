#!/usr/bin/env bash
# Makes Debian packages of a library that is built, with the Python package for the system's Python.
# usage: tools/package.sh BUILD OUTPUT    BUILD: a build folder (build/release); the packages go to OUTPUT
set -euo pipefail
build=$(realpath "$1")
mkdir -p "$2"
output=$(realpath "$2")
cd "$(dirname "$0")/.."

# The Python package on the library as installed; nanobind is pinned in pyproject.toml.
python=$build/packaging/tools
[ -x "$python/bin/python" ] || /usr/bin/python3 -m venv "$python"
"$python/bin/pip" install --quiet --disable-pip-version-check \
  "$(grep -oE 'nanobind==[0-9.]+' pyproject.toml)"
rm -rf "$build/packaging/prefix"
for component in dev library runtime; do
  cmake --install "$build" --prefix "$build/packaging/prefix" --component $component >/dev/null
done
flags=$(grep -E '^CMAKE_CXX_FLAGS:' "$build/CMakeCache.txt" | cut -d= -f2-)
cmake -G Ninja -S bindings/python -B "$build/packaging/python" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="$flags" \
  -DMETALAUDIO_PREFIX="$build/packaging/prefix" -DPython_EXECUTABLE=/usr/bin/python3 \
  -Dnanobind_DIR="$("$python/bin/python" -m nanobind --cmake_dir)" >/dev/null
cmake --build "$build/packaging/python" >/dev/null

cmake -DMETALAUDIO_PYTHON_BUILD="$build/packaging/python" "$build" >/dev/null
rm -f "$output"/*.deb
umask 022
(cd "$build" && cpack -B "$build/packaging/cpack" >"$build/packaging/log" 2>&1) || { cat "$build/packaging/log"; exit 1; }
for package in "$build"/packaging/cpack/*.deb; do
  # CPack writes scripts that call ldconfig, which since 2015 is left to a trigger.
  files=$build/packaging/files
  rm -rf "$files"
  if dpkg-deb --ctrl-tarfile "$package" | tar -xO ./postinst 2>/dev/null | grep -qx '[[:space:]]*ldconfig'; then
    dpkg-deb --raw-extract "$package" "$files"
    rm "$files"/DEBIAN/{postinst,postrm}
    dpkg-deb --root-owner-group -Zgzip --build "$files" "$output" >/dev/null
  else
    mv "$package" "$output"
  fi
done
ls "$output"/*.deb
