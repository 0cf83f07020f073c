#!/bin/sh
# Unpacks packages, with whatever they depend on that this machine lacks, into a folder: nothing is
# installed, so no daemon starts, and no root is needed. A package that is installed is left out.
#
#     unpack.sh FOLDER PACKAGE...
set -eu

folder=$1
shift
mkdir -p "$folder/.unpacked" "$folder/.downloads"

# What an installation would bring ("Inst NAME (...)"): apt resolves it as it would for that.
if ! plan=$(apt-get install --simulate --no-install-recommends "$@" 2>&1); then
  echo "apt cannot find all of: $*; try: sudo apt-get update" >&2
  echo "$plan" | sed -n 's/^E: /apt: /p' >&2
  exit 1
fi
lacking=$(echo "$plan" | sed -n 's/^Inst \([^ ]*\).*/\1/p')

for package in $lacking; do
  if [ -e "$folder/.unpacked/$package" ]; then continue; fi
  echo "unpacking $package into $folder"
  (
    cd "$folder/.downloads"
    apt-get download -qq -o APT::Sandbox::User=root "$package"
    for archive in *.deb; do
      dpkg -x "$archive" ..
      rm "$archive"
    done
  )
  touch "$folder/.unpacked/$package"
done
rmdir "$folder/.downloads"
