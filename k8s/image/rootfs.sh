#!/usr/bin/env bash
# Creates the root file system of the image: the program, the libraries that it loads, CA certificates, and the few files that
# the C library reads. It contains no shell and no package manager.
#   k8s/image/rootfs.sh EXECUTABLE FOLDER
# The libraries are those of the Debian machine on which this runs, as the linker finds them. Their packages are listed in
# FOLDER/var/lib/dpkg/status.d, where vulnerability scanners look, and in FOLDER/usr/share/preview-gateway/sbom.spdx.json.
# SOURCE_DATE_EPOCH, BUILD_VERSION and BUILD_COMMIT are written into the SBOM.
set -euo pipefail
executable=$1 root=$2
[[ ! -e $root ]] || { echo "rootfs.sh: $root already exists" >&2; exit 1; }
umask 022

mkdir -p "$root"/{dev,proc,sys,etc/ssl/certs,tmp,usr/bin,usr/lib,var/lib/dpkg/status.d,usr/share/preview-gateway,home/nonroot}
ln -s usr/lib "$root/lib"
mkdir -p "$root/usr/lib64"
ln -s usr/lib64 "$root/lib64"
chmod 1777 "$root/tmp"
install -m 0755 "$executable" "$root/usr/bin/preview-gateway"

# The libraries that the loader loads: `name => path`, and the loader itself as a path.
libraries() { ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// {print $3; next} $1 ~ /^\// {print $1}' | sort -u; }
packages=()
while read -r library; do
    directory=$(dirname "$library")
    case $directory in
        /lib/* | /lib64) directory=/usr$directory ;;
    esac
    mkdir -p "$root$directory"
    # Under the name that the loader requests, with the content of the file to which a link points.
    install -m 0644 "$(readlink -f "$library")" "$root$directory/${library##*/}"
    [[ $library != */ld-linux* ]] || chmod 0755 "$root$directory/${library##*/}"
    # dpkg knows the package by the path before the merge of /usr, or by the one after it.
    owner=$(dpkg-query -S "$(readlink -f "$library")" 2>/dev/null || dpkg-query -S "$library" 2>/dev/null \
        || dpkg-query -S "${library#/usr}" 2>/dev/null || true)
    [[ -z $owner ]] || packages+=("$(cut -d: -f1 <<<"${owner%%$'\n'*}")")
done < <(libraries "$executable")

install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
# OpenSSL's own default file.
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
packages+=(ca-certificates)
install -m 0644 /etc/os-release "$root/etc/os-release"
printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$root/etc/group"
printf '%s\n' 'hosts: files dns' 'passwd: files' 'group: files' >"$root/etc/nsswitch.conf"

mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Package}\t${Version}\t${Source}\t${Maintainer}\t${Architecture}\n' "$package" | head -1 \
        | while IFS=$'\t' read -r name version source maintainer architecture; do
            {
                echo "Package: $name"
                echo "Status: install ok installed"
                echo "Version: $version"
                [[ -z $source ]] || echo "Source: $source"
                echo "Maintainer: $maintainer"
                echo "Architecture: $architecture"
                echo "Description: part of this image"
            } >"$root/var/lib/dpkg/status.d/$name"
        done
done
python3 "$(dirname "$0")/sbom.py" "$root" "$(dirname "$0")/../../Package.resolved" \
    >"$root/usr/share/preview-gateway/sbom.spdx.json"
