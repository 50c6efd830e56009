build_tree() {
    local preset=${1:-$PRESET} target=${2:-all}
    [ -f "$ROOT/build/$preset/build.ninja" ] || bold "Building (the first time takes a minute or two)"
    cmake --preset "$preset" >"$ROOT/build.log" 2>&1 || { cat "$ROOT/build.log"; die "cmake failed"; }
    cmake --build "$ROOT/build/$preset" --target "$target" >"$ROOT/build.log" 2>&1 || { tail -60 "$ROOT/build.log"; die "build failed"; }
    rm -f "$ROOT/build.log"
}

lint_run() {
    [ -f "$ROOT/build/$PRESET/compile_commands.json" ] || build_tree
    git ls-files 'lib/*.c' 'services/*.c' 'gateway/*.c' 'tools/*.c' |
        xargs -P "$(nproc)" -n 4 clang-tidy -p "$ROOT/build/$PRESET" --quiet
}
