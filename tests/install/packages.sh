#!/usr/bin/env bash
# One part of the tests of the Debian packages.
# usage: packages.sh BUILD WORK make|run|lintian|debian|chroot|dockerfile
set -euo pipefail
build=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
part=$3
source=$(realpath "$(dirname "$0")/../..")
debs=$work/debs

die() {
  echo "$*" >&2
  exit 1
}
package() { find "$debs" -name "$1_*.deb"; }

# six_stems FOLDER: fails unless it holds the stems of the clip.
six_stems() { [ "$(find "$1" -name '*.wav' -size +2000k | wc -l)" -eq 6 ] || die "there are no six stems in $1"; }

case $part in
make)
  "$source/tools/package.sh" "$build" "$debs"
  for name in metalaudio libmetalaudio0 metalaudio-dev python3-metalaudio; do
    [ -n "$(package $name)" ] || die "there is no package $name"
  done
  # Nothing of the place where they were built.
  rm -rf "$work/files"
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$work/files"; done
  if grep -rlF -e "$source" -e "$build" "$work/files"; then die "these files name the folder of the build"; fi
  find "$work/files" -type f \( -name '*.so*' -o -path '*/bin/*' \) | while read -r file; do
    if readelf -d "$file" | grep -qE 'RPATH|RUNPATH'; then die "$file has a run path"; fi
    if readelf -S "$file" | grep -q '\.symtab'; then die "$file is not stripped"; fi
    readelf -lW "$file" | grep -q GNU_RELRO || die "$file has tables that stay writable"
    readelf -d "$file" | grep -q BIND_NOW || die "$file binds functions late"
    readelf -h "$file" | grep -q 'Type: *DYN' || die "$file has a fixed place"
  done
  ;;
run)
  # By dpkg into a root of its own, for a user who need not be root; what it depends on is this machine's.
  root=$work/root
  rm -rf "$root"
  mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root/tmp" "$work/home"
  touch "$root"/var/lib/dpkg/{status,available}
  PATH=$PATH:/usr/sbin:/sbin
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(fakeroot)
  install=("${as_root[@]}" dpkg --root="$root" --log=/dev/null --force-depends)
  (cd "$root" && find . -not -path './var/*' | sort) >"$work/before"
  "${install[@]}" --install "$(package metalaudio)" >/dev/null 2>&1
  cp "$source/models/demo_clip.ogg" "$root/tmp"
  unset METALAUDIO_MODEL_DIR XDG_DATA_HOME
  "$root/usr/bin/metalaudio" --version
  HOME=$work/home "$root/usr/bin/metalaudio" separate "$root/tmp/demo_clip.ogg" -o "$root/tmp/stems" -q
  six_stems "$root/tmp/stems"
  zcat "$root/usr/share/man/man1/metalaudio-separate.1.gz" | grep -q skip
  for file in bash-completion/completions/metalaudio zsh/vendor-completions/_metalaudio \
    fish/vendor_completions.d/metalaudio.fish; do
    [ -s "$root/usr/share/$file" ] || die "there is no $file"
  done
  rm -r "$root/tmp/stems" "$root/tmp/demo_clip.ogg"
  "${install[@]}" --purge metalaudio >/dev/null 2>&1
  (cd "$root" && find . -not -path './var/*' | sort) >"$work/after"
  diff "$work/before" "$work/after" || die "this was left behind"

  # A program in C on the others, with the model.
  for name in libmetalaudio0 metalaudio-dev metalaudio; do dpkg-deb -x "$(package $name)" "$root"; done
  library=$(dirname "$(find "$root" -name libmetalaudio.so)")
  # shellcheck disable=SC2046
  cc "$source/tests/install/c_project/use_c.c" -o "$work/use_c" \
    $(PKG_CONFIG_PATH=$library/pkgconfig pkg-config --cflags --libs metalaudio)
  LD_LIBRARY_PATH=$library "$work/use_c"
  ;;
lintian)
  lintian --fail-on error,warning --tag-display-limit 0 "$debs"/*.deb
  ;;
debian)
  # Debian 12 and nothing else, kept for the next time.
  if [ ! -e "$work/bookworm/done" ]; then
    rm -rf "$work/bookworm"
    debootstrap --variant=minbase bookworm "$work/bookworm" >"$work/debootstrap.log"
    touch "$work/bookworm/done"
  fi
  ;;
chroot)
  # What the packages depend on is found by apt there.
  root=$work/tree
  rm -rf "$root"
  cp -a "$work/bookworm" "$root"
  cp "$source/models/demo_clip.ogg" "$root/tmp"
  mkdir "$root/tmp/debs"
  cp "$debs"/*.deb "$root/tmp/debs"
  inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
  inside apt-get -qq update
  inside sh -c 'cd /tmp/debs && apt-get -qq -y --no-install-recommends install ./metalaudio_*.deb \
    ./python3-metalaudio_*.deb ./libmetalaudio0_*.deb' >"$work/apt.log"
  inside sh -c 'cd /tmp && metalaudio --version && metalaudio separate demo_clip.ogg -o stems -q'
  six_stems "$root/tmp/stems"
  inside python3 -c '
import metalaudio
separator = metalaudio.Separator(stems=["vocals"])
print(separator.model.name, separator.separate_audio_file("/tmp/demo_clip.ogg")[1]["vocals"].shape)'
  find "$root" -xdev -iname '*metalaudio*' -not -path '*/tmp/*' | sort >"$work/installed"
  [ "$(wc -l <"$work/installed")" -gt 20 ] || die "too little was installed"
  inside sh -c 'dpkg --purge python3-metalaudio libmetalaudio0 metalaudio' >"$work/purge.log"
  left=$(find "$root" -xdev -iname '*metalaudio*' -not -path "$root/tmp/*" -not -path '*/var/lib/apt/*')
  [ -z "$left" ] || die "these were left behind: $left"
  rm -rf "$root"
  ;;
dockerfile)
  # Its steps build everything once more.
  "$source/tests/install/dockerfile.py" "$source" "$work/bookworm" "$work/docker"
  rm -rf "$work/docker"
  ;;
*) die "there is no part $part" ;;
esac
