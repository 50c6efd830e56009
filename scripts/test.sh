# The test suite: built with sanitizers and coverage, run on a PostgreSQL cluster of its own.
test_run() {
    local code=0 scratch more=()
    build_tree asan
    if [ $# -eq 0 ] || [[ " $* " == *" all "* || " $* " == *" fuzz "* ]]; then
        build_tree fuzz fuzz_targets
        more=(--fuzz-build "$ROOT/build/fuzz")
    fi
    if [ "${1:-}" = all ]; then # what takes longer
        build_tree release
        build_tree tsan thread_programs
        more+=(--thread-build "$ROOT/build/tsan")
    fi
    mkdir -p "$DATA/logs"
    scratch=$(mktemp -d /tmp/obol-test.XXXXXX)
    chmod 755 "$scratch"
    local number password
    number=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    password=$(openssl rand -hex 16)
    # shellcheck disable=SC2064
    trap "pg_remove '$scratch'; rm -rf '$scratch'" EXIT
    pg_start "$scratch" "$number" "$password" -c fsync=off
    local place
    for place in tests/system tests/checks; do
        [ $place/node_modules/.package-lock.json -nt $place/package-lock.json ] ||
            npm --prefix $place ci --loglevel=error --no-audit --no-fund >/dev/null ||
            die "npm could not install what $place/package.json names"
    done
    OBOL_TEST_DATABASE_URL=postgresql://obol:$password@127.0.0.1:$number/postgres \
        /usr/bin/python3 tests/run.py --build "$ROOT/build/asan" "${more[@]}" "$@" || code=$?
    exit $code
}
