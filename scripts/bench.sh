# The benchmarks, with a release build and an installation of their own for each.
bench_run() {
    packages_install
    build_tree release
    exec /usr/bin/python3 "$ROOT/bench/run.py" --bin "$ROOT/build/release/bin" "$@"
}
