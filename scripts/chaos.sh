# Faults under load from a seed, and an auditor: tests/chaos. The installation is its own, ports and directories too.
chaos_run() {
    if [ "${1:-}" = --preset ]; then
        PRESET=${2:?--preset NAME}
        shift 2
    fi
    packages_install
    build_tree "$PRESET"
    PYTHONPATH=$ROOT/tests exec /usr/bin/python3 -m chaos --bin "$ROOT/build/$PRESET/bin" "$@"
}
