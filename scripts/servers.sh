# A private PostgreSQL cluster and a private nats-server, under a data directory of their own.
PG_BIN=/usr/lib/postgresql/15/bin

# PostgreSQL refuses to run as root; then it runs as the package's own user.
pg_as() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

# pg_place DIR: where the cluster of DIR lies: in it, or, where that unprivileged user can't get there (a clone
# under /root), in /var/tmp under a name made from DIR.
pg_place() {
    local place=$1/postgres
    mkdir -p "$1"
    if [ "$(id -u)" -eq 0 ] && ! runuser -u postgres -- test -x "$1" 2>/dev/null; then
        place=/var/tmp/obol-$(printf %s "$1" | sha256sum | cut -c1-12)/postgres
    fi
    mkdir -p "$place"
    [ "$(id -u)" -ne 0 ] || chown postgres "$place"
    echo "$place"
}

# pg_start DIR PORT PASSWORD [postgres options...]
pg_start() {
    local place port=$2 password=$3
    place=$(pg_place "$1")
    shift 3
    if [ ! -f "$place/data/PG_VERSION" ]; then
        rm -rf "$place/data"
        (umask 077; printf %s "$password" >"$place/password")
        [ "$(id -u)" -ne 0 ] || chown postgres "$place/password"
        (cd / && pg_as "$PG_BIN/initdb" -D "$place/data" -U obol -A scram-sha-256 -E UTF8 --locale=C.UTF-8 \
            --pwfile="$place/password") >"$DATA/logs/initdb.log" 2>&1 ||
            die "initdb failed: $DATA/logs/initdb.log"
        rm -f "$place/password"
    fi
    (cd / && pg_as "$PG_BIN/pg_ctl" -D "$place/data" -l "$place/log" -w -t 60 \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 $*" \
        start) >/dev/null || { tail -5 "$place/log"; die "PostgreSQL did not start on port $port"; }
}
pg_stop() {
    local place
    place=$(pg_place "$1")
    [ ! -f "$place/data/postmaster.pid" ] ||
        (cd / && pg_as "$PG_BIN/pg_ctl" -D "$place/data" -m fast -w stop) >/dev/null || true
}
pg_running() {
    local place
    place=$(pg_place "$1")
    (cd / && pg_as "$PG_BIN/pg_ctl" -D "$place/data" status) >/dev/null 2>&1
}
pg_remove() {
    local place
    place=$(pg_place "$1")
    pg_stop "$1"
    rm -rf "$place"
}
