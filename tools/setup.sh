#!/usr/bin/env bash
# Installs the Debian packages that the build needs and that are missing; silent when none is.
# usage: tools/setup.sh [--build|--dev]    --build: for the program alone; --dev: also for the long tests, with
# clang's formatter, linter and fuzzer
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config file dpkg-dev
  libhwy-dev                                              # SIMD
  libsndfile1-dev libmp3lame-dev libsoxr-dev libtag1-dev  # audio files, resampling, tags
  libavformat-dev libavcodec-dev libavutil-dev libswresample-dev
  libfmt-dev nlohmann-json3-dev libyaml-cpp-dev libcli11-dev
  libonnx-dev libprotobuf-dev                             # ONNX models
  libzip-dev libcurl4-openssl-dev libssl-dev              # checkpoints, downloads
  libcairo2-dev fonts-dejavu-core                         # pictures
)
[ "${1:-}" = --build ] || packages+=(
  ccache ffmpeg libpng-dev
  python3-venv python3-dev python3-pip binutils            # the Python package
  libgtest-dev libgmock-dev libbenchmark-dev
  libebur128-dev                                          # the loudness meter's peer, in tests
  parallel                                                # the guide for batches is run in a test
  fakeroot                                                # Debian packages, in tests
  doxygen                                                 # the reference of the headers
  zsh fish mandoc bsdextrautils                           # completion and manual pages, in tests
  libdnnl-dev libfftw3-dev libkissfft-dev libzita-convolver-dev libzita-resampler-dev libsamplerate0-dev  # peers, in benchmarks only
)
[ "${1:-}" = --dev ] && packages+=(
  clang clang-format clang-tidy libclang-rt-14-dev qemu-user
  lintian debootstrap slurmctld slurmd slurm-client munge  # of the long tests
)

# Left alone where packages have other names or another manager: CMake says what is missing.
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || exit 0

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
  awk '$1 == "ii" { print $2 }') || true
missing=()
for package in "${packages[@]}"; do
  grep -qx "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n env)
else
  printf 'Packages are missing, and installing them needs root. Run this, then try again:\n\n' >&2
  printf '  sudo apt-get update && sudo apt-get install --no-install-recommends %s\n\n' "${missing[*]}" >&2
  exit 1
fi

echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update &&
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 1
fi
