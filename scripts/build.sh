build_tree() {
    local preset=${1:-$PRESET} target=${2:-all}
    [ -f "$ROOT/build/$preset/build.ninja" ] || bold "Building (the first time takes a minute or two)"
    cmake --preset "$preset" >"$ROOT/build.log" 2>&1 || { cat "$ROOT/build.log"; die "cmake failed"; }
    cmake --build "$ROOT/build/$preset" --target "$target" >"$ROOT/build.log" 2>&1 || { tail -60 "$ROOT/build.log"; die "build failed"; }
    rm -f "$ROOT/build.log"
}

# Format, clang-tidy, cppcheck; each speaks of what it finds, and all have their say.
lint_run() {
    local code=0 commands=$ROOT/build/$PRESET
    packages_install
    build_tree # what is generated is read, too
    bold "clang-format"
    git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror || code=1
    bold "clang-tidy"
    git ls-files 'lib/*.c' 'services/*.c' 'gateway/*.c' 'tools/*.c' |
        xargs -P "$(nproc)" -n 4 clang-tidy -p "$commands" --quiet 2>&1 | { grep -v 'warnings\? generated' || true; } || code=1
    bold "cppcheck"
    cppcheck --project="$commands/compile_commands.json" -j "$(nproc)" --enable=warning,performance,portability \
        --inline-suppr --suppressions-list="$ROOT/.cppcheck" -i "$ROOT/build" --quiet --error-exitcode=1 || code=1
    [ $code -eq 0 ] && say "lint: nothing found"
    return $code
}

# format_run [--check]
format_run() {
    if [ "${1:-}" = --check ]; then
        git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
    else
        git ls-files '*.c' '*.h' | xargs clang-format -i
    fi
}
