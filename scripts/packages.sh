# Installs what a list (packages.txt, if no other is named) has and this machine lacks.
packages_missing() {
    local name command
    sed 's/#.*//' "$ROOT/${1:-packages.txt}" | while read -r name command; do
        [ -n "$name" ] || continue
        if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# Servers that come with a package must not be started by its installation: Obol runs its own.
packages_install() {
    local missing policy=/usr/sbin/policy-rc.d made=
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    bold "Installing:" $missing
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod +x $policy
        made=yes
    fi
    local code=0
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
            >/dev/null; } || code=$?
    [ -z "$made" ] || as_root rm -f $policy
    [ $code -eq 0 ] || die "could not install: $missing"
}
