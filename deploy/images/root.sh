#!/bin/bash
# root.sh ROOT PROGRAM...: a root file system of programs and no more than they need. The first program is the
# image's own. Debian's packages of which it has files stand in var/lib/dpkg/status.d as scanners look for them
# there (a file a package, and beside it the digests of the files that came along), with their copyright.
set -euo pipefail
root=$1
shift

mkdir -p "$root/etc/ssl/certs" "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/var/lib/dpkg/status.d" \
    "$root/var/lib/obol"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
echo 'obol:x:65532:65532:Obol:/var/lib/obol:/sbin/nologin' >"$root/etc/passwd"
echo 'obol:x:65532:' >"$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"

record() {
    package=$1
    file=$2 # as it lies in the image, from its root
    status=$root/var/lib/dpkg/status.d/$package
    if [ ! -e "$status" ]; then
        dpkg-query -s "$package" >"$status"
        mkdir -p "$root/usr/share/doc/$package"
        cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
    fi
    printf '%s  %s\n' "$(md5sum <"$root/$file" | cut -d' ' -f1)" "$file" >>"$status.md5sums"
}

# What is Debian's goes under its own name, and is recorded below, once it is known whose it is: dpkg knows files by
# the names that they had before /usr was merged, or by those of after.
files=$(mktemp)
trap 'rm -f "$files" "$files.loaded" "$files.taken"' EXIT
for program in "$@"; do
    # Debian's is asked for by its whole name; of less than that dpkg would take any file with it in its name.
    if [ "${program#/}" != "$program" ] && dpkg-query -S "$program" >/dev/null 2>&1; then
        echo "$program" >>"$files"
        [ "$(dirname "$program")" = /usr/bin ] || ln -s "$program" "$root/usr/bin/$(basename "$program")"
    else
        install -m 755 "$program" "$root/usr/bin/"
    fi
    # "name => /path (address)", and the loader itself, "/path (address)"
    ldd "$program" >"$files.loaded"
    if grep 'not found' "$files.loaded" >&2; then exit 1; fi
    sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' "$files.loaded" >>"$files"
done
sort -u "$files" | while read -r file; do
    name=${file#/}
    case $name in lib/* | lib64/*) name=usr/$name ;; esac
    mkdir -p "$root/$(dirname "$name")"
    cp -L "$file" "$root/$name"
    real=$(readlink -f "$file")
    echo "$name $real"
done | sort -u >"$files.taken"
cut -d' ' -f2 "$files.taken" | sed 'p; s,^/usr,,' | { xargs dpkg-query -S 2>/dev/null || true; } |
    sed -n "s#^\\([^:,]*\\)[^ ]*: \\(/usr\\)\\{0,1\\}\\(/.*\\)#\\1 /usr\\3#p" | sort -u >"$files"
while read -r name real; do
    package=$(awk -v "real=$real" '$2 == real { print $1; exit }' "$files")
    [ -n "$package" ] || { echo "$name is of no package" >&2; exit 1; }
    record "$package" "$name"
done <"$files.taken"

# Certificates are made at installation: the package has the parts of the file.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
record ca-certificates etc/ssl/certs/ca-certificates.crt
cp -L /etc/os-release "$root/etc/os-release"
record base-files etc/os-release
chmod -R a+rX,go-w "$root/usr" "$root/etc" "$root/var/lib/dpkg"
