# The container images: built with buildah, described by bills of materials, tried, and looked through for packages that
# Debian's security team has mended since. Containerfile says what is in them.
IMAGES="auth payments refunds webhooks gateway obol sandbox merchant"
IMAGE_BASE=${IMAGE_BASE:-debian:bookworm-slim}
IMAGE_PREFIX=${IMAGE_PREFIX:-localhost}
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}

images_usage() {
    cat <<'TEXT'
usage: ./dev images [--base | --sbom | --check | --scan | --save DIR | --push WHERE]
  (nothing)  builds every image as localhost/obol-<name>:<version> (obol: localhost/obol), and its bill of materials beside it
  --base     makes the base image with debootstrap, under the name that Containerfile takes it by: for a machine
             that can pull none. Its packages come from where this machine's apt gets Debian's
  --sbom     writes the bills of materials (CycloneDX 1.5) of the images that are there: build/images/*.cdx.json
  --check    runs obol-payments and obol-gateway from their images as 65532 with a read-only root, against a PostgreSQL
             and a NATS, and asks for their health
  --save DIR   each image as DIR/<name>.tar (docker-archive): for other scanners, and for machines without a registry
  --push WHERE each image as WHERE/<name>:<version>; `buildah login` comes before
  --scan     compares the bills of materials with the security upgrades that Debian has now
IMAGE_BASE, IMAGE_PREFIX and STORAGE_DRIVER (vfs; overlay is smaller where it works) may say otherwise.
TEXT
}

image_tag() { case $1 in obol) echo "$IMAGE_PREFIX/obol:$(images_version)" ;; *) echo "$IMAGE_PREFIX/obol-$1:$(images_version)" ;; esac; }
images_version() { sed -n 's/^project(obol VERSION \([0-9.]*\).*/\1/p' "$ROOT/CMakeLists.txt"; }
buildah_run() { as_root env "BUILDAH_ISOLATION=$BUILDAH_ISOLATION" "STORAGE_DRIVER=$STORAGE_DRIVER" buildah "$@"; }

# apt's own view of where this machine gets Debian 12 from, and through which proxy, for the build stage.
images_sources() {
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
        sed -n 's/^Debian \([^ ]* bookworm[a-z-]* main\)$/deb \1/p'
}
images_proxy() { apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy; }

images_base() {
    local place mirror container
    mirror=$(images_sources | sed -n 's/^deb \([^ ]*\) bookworm main$/\1/p' | head -n 1)
    [ -n "$mirror" ] || die "apt knows no Debian 12 here, so there is nothing to make a base of"
    place=$(mktemp -d /var/tmp/obol-base.XXXXXX)
    bold "A base of Debian's packages (some minutes)"
    as_root debootstrap --variant=minbase bookworm "$place/root" "$mirror" >"$place/log" 2>&1 ||
        { tail -5 "$place/log"; die "debootstrap failed"; }
    images_sources | as_root tee "$place/root/etc/apt/sources.list" >/dev/null
    images_proxy | as_root tee "$place/root/etc/apt/apt.conf.d/90proxy" >/dev/null
    as_root rm -rf "$place/root/var/cache/apt/archives" "$place/root/var/lib/apt/lists"
    as_root mkdir -p "$place/root/var/cache/apt/archives/partial" "$place/root/var/lib/apt/lists/partial"
    container=$(buildah_run from scratch)
    buildah_run add --quiet "$container" "$place/root" / >/dev/null
    buildah_run config --cmd /bin/bash "$container"
    buildah_run commit --quiet "$container" "$IMAGE_BASE" >/dev/null
    buildah_run rm "$container" >/dev/null
    as_root rm -rf "$place"
    say "$IMAGE_BASE"
}

# The time of an image is that of the last commit to what it is made of.
images_time() { git log -1 --format=%ct -- Containerfile packages.txt CMakeLists.txt CMakePresets.json cmake proto lib services gateway tools deploy/images; }

# images_stage TARGET TAG [OPTION...]: builds up to a stage of the Containerfile.
images_stage() {
    mkdir -p "$ROOT/build"
    local target=$1 tag=$2
    shift 2
    buildah_run build --format docker --pull=never --quiet --target "$target" --tag "$tag" "$@" \
        --timestamp "$(images_time)" --ignorefile "$ROOT/.containerignore" \
        --build-arg "BASE=$IMAGE_BASE" --build-arg "VERSION=$(images_version)" \
        --build-arg "REVISION=$(git rev-parse HEAD)" "$ROOT" >"$ROOT/build/images.log" 2>&1 ||
        { tail -40 "$ROOT/build/images.log"; die "could not build the image of $target"; }
    rm -f "$ROOT/build/images.log"
}

images_revision() { buildah_run inspect --type image --format '{{index .Docker.Config.Labels "org.opencontainers.image.revision"}}' "$(image_tag "$1")"; }

images_build() {
    local name
    buildah_run inspect --type image "$IMAGE_BASE" >/dev/null 2>&1 || buildah_run pull --quiet "$IMAGE_BASE" >/dev/null ||
        die "$IMAGE_BASE is not here and can't be pulled; ./dev images --base makes it"
    bold "Building (the first time installs the compiler into the build stage)"
    images_stage build "$(image_tag build)" --layers
    for name in $IMAGES; do # out of that stage as it is now: its image stands in for it
        images_stage "$name" "$(image_tag "$name")" --build-context "build=container-image://$(image_tag build)"
    done
    for name in $IMAGES; do
        [ "$(images_revision "$name")" = "$(git rev-parse HEAD)" ] || die "$(image_tag "$name") says it is of $(images_revision "$name")"
        buildah_run images --format '{{.Name}}:{{.Tag}}  {{.Size}}' "$(image_tag "$name")"
    done
}

# images_mounted COMMAND...: runs it with NAME=ROOT of every image, mounted; ROOT.json is what the image says of itself.
images_mounted() {
    local name container place code=0 names=() containers=()
    place=$(mktemp -d /tmp/obol-images.XXXXXX)
    chmod 755 "$place"
    for name in $IMAGES; do
        container=$(buildah_run from --pull=never "$(image_tag "$name")") || die "$(image_tag "$name") is not built: ./dev images"
        containers+=("$container")
        as_root mkdir -p "$place/$name"
        as_root mount --bind "$(buildah_run mount "$container")" "$place/$name"
        buildah_run inspect "$container" | as_root tee "$place/$name.json" >/dev/null
        names+=("$name=$place/$name")
    done
    "$@" "${names[@]}" || code=$?
    for name in $IMAGES; do as_root umount "$place/$name"; done
    buildah_run rm "${containers[@]}" >/dev/null
    rm -rf --one-file-system "$place"
    return $code
}

images_bills() {
    local word name
    mkdir -p "$ROOT/build/images"
    for word in "$@"; do
        name=$(image_tag "${word%%=*}")
        name=${name##*/}
        as_root /usr/bin/python3 "$ROOT/deploy/images/sbom.py" "${word#*=}" --name "${name%%:*}" --version "$(images_version)" \
            --revision "$(git rev-parse HEAD)" --time "$(git log -1 --format=%ct)" >"$ROOT/build/images/${name%%:*}.cdx.json" || return 1
        say "build/images/${name%%:*}.cdx.json: $(grep -c '"purl"' "$ROOT/build/images/${name%%:*}.cdx.json") components"
    done
}
images_sbom() { images_mounted images_bills; }
images_check() {
    packages_install # PostgreSQL and NATS
    images_mounted as_root /usr/bin/python3 "$ROOT/deploy/images/check.py"
}

# The build stage has the packages that the images are made of, and knows where Debian's upgrades are. Nothing else is
# looked at here: a scanner with a database of vulnerabilities sees those without an upgrade, too (.github/workflows).
images_scan() {
    local container upgrades=$ROOT/build/images/upgrades.txt
    [ -f "$ROOT/build/images/obol.cdx.json" ] || die "there are no bills of materials: ./dev images"
    container=$(buildah_run from --pull=never "$(image_tag build)")
    buildah_run run "$container" -- sh -c 'apt-get update -qq -o APT::Update::Error-Mode=any && apt list --upgradable 2>/dev/null' >"$upgrades" ||
        { buildah_run rm "$container" >/dev/null; die "apt of the build stage could not look for upgrades"; }
    buildah_run rm "$container" >/dev/null
    /usr/bin/python3 "$ROOT/deploy/images/scan.py" "$upgrades" "$ROOT"/build/images/*.cdx.json
}

images_file() { local tag; tag=$(image_tag "$1"); tag=${tag##*/}; echo "${tag%%:*}"; }
images_save() {
    local name
    mkdir -p "$1"
    for name in $IMAGES; do
        rm -f "$1/$(images_file "$name").tar"
        buildah_run push --quiet "$(image_tag "$name")" "docker-archive:$1/$(images_file "$name").tar:$(image_tag "$name")"
    done
    ls -l "$1"
}
images_push() {
    local name
    for name in $IMAGES; do
        buildah_run push --format v2s2 "$(image_tag "$name")" "docker://$1/$(images_file "$name"):$(images_version)"
    done
}

images_run() {
    packages_install deploy/images/packages.txt
    case "${1:-}" in
    "") images_build && images_sbom ;;
    --base) images_base ;;
    --sbom) images_sbom ;;
    --check) images_check ;;
    --scan) images_scan ;;
    --save) images_save "${2:?"usage: ./dev images --save DIR"}" ;;
    --push) images_push "${2:?"usage: ./dev images --push WHERE"}" ;;
    *) images_usage; [ "${1:-}" = --help ] || exit 2 ;;
    esac
}
