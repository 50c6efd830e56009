#!/bin/sh
# run.sh ROOT PROGRAM [ARGUMENT...]: runs a program in an image's root file system as a container's runtime would: a root
# that can't be written to, uid 65532, no capabilities and none to be had, /proc and three devices. The network is the
# machine's. For root; the process keeps its id, so that signals reach it.
set -eu
if [ "${OBOL_RUN_INSIDE:-}" != "$1" ]; then
    mkdir -p "$1/proc" "$1/dev"
    exec env OBOL_RUN_INSIDE="$1" unshare --mount --ipc --uts "$0" "$@"
fi
unset OBOL_RUN_INSIDE
root=$1
shift
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,noexec,mode=755 tmpfs "$root/dev"
for device in null random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups= "$root" "$@"
