#!/usr/bin/env bash
# Builds the image as an OCI archive, without a Docker daemon.
#   k8s/image/build.sh [FOLDER]      .build/image by default: rootfs/, preview-gateway.tar, digest
# EXECUTABLE is the path of a program to use instead of a new release build. BUILD_VERSION is the number of the release. The
# same commit on the same machine gives the same digest.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.build/image}
BUILD_COMMIT=${BUILD_COMMIT:-$(git rev-parse --short=12 HEAD)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
BUILD_DATE=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
BUILD_VERSION=${BUILD_VERSION:-$(git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//' || true)}
BUILD_VERSION=${BUILD_VERSION:-0.0.0+$BUILD_COMMIT}
export BUILD_COMMIT BUILD_VERSION BUILD_DATE SOURCE_DATE_EPOCH
# What an image may be unpacked.
max_bytes=120000000 is_release=no

versions() {
    python3 -c 'import json, sys
print(sorted((pin["identity"], pin["state"]["revision"]) for pin in json.load(open(sys.argv[1]))["pins"]))' "$1"
}

# An image has the versions of k8s/image/pins.json, whatever newer ones there are.
use_pins() {
    local pins=k8s/image/pins.json
    if [[ -f Package.resolved ]]; then
        if [[ $(versions Package.resolved) == "$(versions "$pins")" ]]; then return; fi
        echo "image: Package.resolved named other versions, and was replaced by $pins" >&2
    fi
    cp "$pins" Package.resolved
}

rm -rf "$folder"
mkdir -p "$folder"
if [[ -z ${EXECUTABLE:-} ]]; then
    is_release=yes
    if [[ -n $(git status --porcelain) ]]; then echo "image: the working tree differs from commit $BUILD_COMMIT" >&2; fi
    use_pins
    swift build -c release --static-swift-stdlib --explicit-target-dependency-import-check error --product preview-gateway
    EXECUTABLE=.build/release/preview-gateway
fi
cp "$EXECUTABLE" "$folder/preview-gateway"
strip "$folder/preview-gateway"
k8s/image/rootfs.sh "$folder/preview-gateway" "$folder/rootfs"
python3 k8s/image/archive.py "$folder/rootfs" "$folder/preview-gateway.tar" "preview-gateway:$BUILD_COMMIT" >"$folder/digest"
rm "$folder/preview-gateway"
bytes=$(du -sb --apparent-size "$folder/rootfs" | cut -f1)
echo "$folder/preview-gateway.tar: commit $BUILD_COMMIT, $(awk -v bytes="$bytes" 'BEGIN { printf "%.1f MB unpacked", bytes / 1e6 }')"
cat "$folder/digest"
# A debug build, as the tests make it, is larger.
if [[ $is_release == yes ]] && ((bytes > max_bytes)); then
    echo "image: more than $((max_bytes / 1000000)) MB" >&2
    exit 1
fi
