# A release: what a machine with Debian 12 runs without images, described and with digests; the same bytes from the same
# commit, wherever it is built.
RELEASE_PROGRAMS="obol-auth obol-payments obol-refunds obol-webhooks obol-gateway obol"

release_run() {
    local version=${1:-} name place time program
    [ -n "$version" ] || { say "usage: ./dev release VERSION   (that of CMakeLists.txt) -> build/release-VERSION/"; exit 2; }
    [ "$version" = "$(images_version)" ] || die "CMakeLists.txt says version $(images_version), not $version"
    [ -z "$(git status --porcelain)" ] || die "a release is made of what is committed: git status shows changes"
    packages_install
    rm -rf "$ROOT/build/release" # from nothing; a compiler cache could bring what was made under other paths
    CCACHE_DISABLE=1 build_tree release
    name=obol-$version-linux-$(dpkg --print-architecture)
    place=$ROOT/build/release-$version
    time=$(git log -1 --format=%ct)
    rm -rf "$place"
    mkdir -p "$place/$name/bin" "$place/root"
    for program in $RELEASE_PROGRAMS; do
        install -m 755 -s "$ROOT/build/release/bin/$program" "$place/$name/bin/"
    done
    (cd "$place/$name/bin" && "$ROOT/deploy/images/root.sh" "$place/root/image" $RELEASE_PROGRAMS)
    /usr/bin/python3 "$ROOT/deploy/images/sbom.py" "$place/root/image" --name obol --version "$version" \
        --revision "$(git rev-parse HEAD)" --time "$time" >"$place/$name.cdx.json"
    rm -rf "$place/root"
    cp "$place/$name.cdx.json" "$place/$name/obol.cdx.json"
    git rev-parse HEAD >"$place/$name/REVISION"
    # shellcheck disable=SC2046 # names without spaces
    git archive HEAD $(git ls-tree --name-only HEAD README.md docs deploy k8s compose.yaml packages.txt) | tar -x -C "$place/$name"
    tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode=a+rX,go-w --format=gnu -C "$place" -c "$name" |
        gzip -9n >"$place/$name.tar.gz"
    rm -rf "${place:?}/$name"
    release_sums "$place"
}

# release_sums DIR: digests of everything in it.
release_sums() {
    (cd "$1" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS && cat SHA256SUMS)
}
