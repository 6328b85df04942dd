#!/usr/bin/env bash
# One part of the tests of the Python package; PyPI must be reachable.
# usage: run.sh WHEELS WORK install|contents|plain|demucs|old_processor|test FILE
set -euo pipefail
wheels=$(realpath "$1") work=$(realpath "$2") part=$3
source=$METALAUDIO_SOURCE_DIR
venv=$work/venv
# Nothing is installed for the user who runs this.
export HOME=$work/home
mkdir -p "$HOME"
unset METALAUDIO_MODEL_DIR XDG_DATA_HOME PYTHONPATH
cd "$work"

install() { "$1/bin/pip" install --quiet --disable-pip-version-check --cache-dir "$work/cache" "${@:2}"; }

case $part in
install)
  rm -rf "$venv"
  python3 -m venv "$venv"
  install "$venv" "$(echo "$wheels"/metalaudio-*.whl)[test]"
  "$venv/bin/python" -c 'import metalaudio; print(metalaudio.Separator().model)'
  ;;
contents)
  rm -rf contents
  mkdir contents
  python3 -m zipfile -e "$wheels"/metalaudio-*.whl contents
  cd contents
  find . -type f | sort
  for file in metalaudio/py.typed metalaudio/_native.pyi metalaudio/models/demo_6s.safetensors; do
    [ -e "$file" ] || { echo "there is no $file"; exit 1; }
  done
  if find . -name '*.so*' | grep -E 'lib(av|sw|curl|cairo)'; then
    echo "FFmpeg or curl is in the wheel"
    exit 1
  fi
  # What it links is beside it, or a part of every system of this glibc.
  find . -name '*.so*' -exec readelf -d {} + | grep NEEDED | grep -oE '\[[^]]+' | tr -d '[' | sort -u >needed
  if grep -E '^lib(av|sw|curl)' needed; then exit 1; fi
  ;;
plain)
  # As a user does it, in a copy of what is in the checkout: the library is compiled without FFmpeg and curl.
  rm -rf plain checkout
  mkdir checkout
  (cd "$source" && git ls-files -z | xargs -0 tar -cf - --) | tar -xf - -C checkout
  python3 -m venv plain
  install plain ./checkout
  cd plain
  ./bin/python -c "
import metalaudio, numpy
separator = metalaudio.Separator(shifts=0)
assert separator.model.name == 'demo_6s', separator.model
print(metalaudio.__version__, separator.device, metalaudio.__file__)
stems = separator.separate_tensor(numpy.zeros((2, 5000), numpy.float32))[1]
assert list(stems) == separator.model.sources
try:
    metalaudio.Separator(device='cuda')
except metalaudio.Error as error:
    print(error)"
  if readelf -d lib/python3*/site-packages/metalaudio/*.so | grep -E 'lib(av|sw|curl)'; then
    echo "FFmpeg or curl is in the package"
    exit 1
  fi
  rm -rf "$work/checkout"
  ;;
test)
  "$venv/bin/python" -m pytest -q -p no:cacheprovider "$source/$4"
  ;;
demucs)
  [ -x demucs/bin/python ] || python3 -m venv demucs
  install demucs "$wheels"/metalaudio-*.whl pytest demucs==4.1.0 soundfile
  demucs/bin/python -m pytest -q -p no:cacheprovider "$source/bindings/python/tests/peers/test_demucs.py"
  ;;
old_processor)
  # Of 2008: SSE4.2, without AVX. qemu-user is of `make setup --dev`.
  qemu-x86_64 -cpu Nehalem "$(readlink -f "$venv/bin/python")" -c "
import sys
sys.path.insert(0, '$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')
import numpy, metalaudio
x = numpy.random.default_rng(0).standard_normal(5000).astype(numpy.float32)
assert abs(metalaudio.istft(metalaudio.stft(x), length=5000) - x).max() < 1e-5
separator = metalaudio.Separator('$source/tests/golden/htdemucs/htdemucs.model.safetensors', shifts=0, jobs=1)
assert separator.separate_tensor(numpy.stack([x, x]))[1]['bass'].shape == (2, 5000)
print('runs without AVX2')"
  ;;
*) echo "there is no part $part"; exit 2 ;;
esac
