# The fuzz targets: what reads foreign input, fed with input of libFuzzer's making.
fuzz_run() {
    packages_install
    build_tree fuzz fuzz_targets
    exec /usr/bin/python3 "$ROOT/fuzz/run.py" --build "$ROOT/build/fuzz" "$@"
}
