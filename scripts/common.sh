# What every part of ./dev uses.
DATA=$(realpath -m "${OBOL_DATA:-.obol}")
OFFSET=${OBOL_PORT_OFFSET:-0}
PRESET=${OBOL_PRESET:-dev}
BIN=$ROOT/build/$PRESET/bin

say() { printf '%s\n' "$*"; }
bold() { if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else say "$*"; fi; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }
port() { echo $(($1 + OFFSET)); }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# wait_until SECONDS WHAT COMMAND...: runs the command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || die "$what: not after the time allowed"
        sleep 0.1
    done
}
