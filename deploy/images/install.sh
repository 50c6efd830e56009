#!/bin/sh
# install.sh packages.txt: what the list names under "# to build" goes into the build stage, and what has been
# mended in Debian since its base was made.
set -eu
export DEBIAN_FRONTEND=noninteractive
packages=$(sed -n '/^# to build$/,/^$/ { /^#/d; s/[ #].*//p }' "$1")
[ -n "$packages" ]
apt-get update -qq
apt-get upgrade -y -qq --no-install-recommends
# shellcheck disable=SC2086 # a list
apt-get install -y -qq --no-install-recommends $packages ca-certificates postgresql-client-15
