# The development stack: who runs in it, how it starts and stops.
SERVICES="auth payments refunds webhooks"
PROGRAMS="nats sandbox merchant $SERVICES gateway"
GATEWAY=http://127.0.0.1:$(port 8000)

# Secrets of this stack, made once.
stack_secrets() {
    local file=$DATA/secrets
    if [ ! -f "$file" ]; then
        (umask 077; cat >"$file" <<TEXT
PG_PASSWORD=$(openssl rand -hex 16)
OBOL_KEYS=1:$(openssl rand -hex 32)
SIMULATOR_KEY=$(openssl rand -hex 16)
SIMULATOR_CALLBACK_SECRET=$(openssl rand -hex 16)
TEXT
        )
    fi
    grep -q ^NATS_KEY= "$file" || echo "NATS_KEY=$(openssl rand -hex 32)" >>"$file"
    set -a
    # shellcheck source=/dev/null
    source "$file"
    set +a
}

stack_environment() {
    stack_secrets
    export DATABASE_URL=${DATABASE_URL:-postgresql://obol:$PG_PASSWORD@127.0.0.1:$(port 15432)/obol}
    [ -n "${NATS_URL:-}" ] || bus_environment
    export AUTH_LISTEN=127.0.0.1:$(port 50054) PAYMENTS_LISTEN=127.0.0.1:$(port 50051)
    export REFUNDS_LISTEN=127.0.0.1:$(port 50052) WEBHOOKS_LISTEN=127.0.0.1:$(port 50053)
    export PAYMENTS_OPS_LISTEN=127.0.0.1:$(port 9001) REFUNDS_OPS_LISTEN=127.0.0.1:$(port 9002)
    export WEBHOOKS_OPS_LISTEN=127.0.0.1:$(port 9003) AUTH_OPS_LISTEN=127.0.0.1:$(port 9004)
    export AUTH_TARGET=$AUTH_LISTEN PAYMENTS_TARGET=$PAYMENTS_LISTEN
    export REFUNDS_TARGET=$REFUNDS_LISTEN WEBHOOKS_TARGET=$WEBHOOKS_LISTEN
    export GATEWAY_LISTEN=127.0.0.1:$(port 8000) GATEWAY_OPS_LISTEN=127.0.0.1:$(port 9000)
    export SANDBOX_LISTEN=127.0.0.1:$(port 8080) SIMULATOR_URL=http://127.0.0.1:$(port 8080)
    export SANDBOX_STORE=$DATA/sandbox.jsonl CALLBACK_BASE_URL=$GATEWAY
    # Real providers are mimicked here: without TLS, and what takes minutes takes seconds.
    export PROVIDER_ALLOW_HTTP=true
    export PROVIDER_DELAYS_PERCENT=${PROVIDER_DELAYS_PERCENT:-10} SANDBOX_TIME_PERCENT=${SANDBOX_TIME_PERCENT:-10}
    export MERCHANT_LISTEN=127.0.0.1:$(port 4000) DEMO_WEBHOOK_URL=http://127.0.0.1:$(port 4000)/webhook
    # Whoever tries things out here comes from one address, often for one payer.
    export TENANT_RATE_PER_MIN=${TENANT_RATE_PER_MIN:-0} ADDRESS_FAILURES_PER_MIN=${ADDRESS_FAILURES_PER_MIN:-0}
    export ADDRESS_CARDS_PER_MIN=${ADDRESS_CARDS_PER_MIN:-0} PAYER_ATTEMPTS_PER_MIN=${PAYER_ATTEMPTS_PER_MIN:-0}
    export PAYER_FAILURES_BLOCK=${PAYER_FAILURES_BLOCK:-0}
    export WEBHOOK_ALLOW_PRIVATE=true LOG_FORMAT=${LOG_FORMAT:-text}
    tls_environment operator # what is called from here on; programs get their own
}

# Of the nats-server that start_bus starts.
bus_environment() {
    export NATS_URL=nats://127.0.0.1:$(port 14222)
    [ "${OBOL_TLS:-}" != true ] || export NATS_CA_FILE=$DATA/tls/ca.crt
}

# OBOL_TLS=true: the variables of a role's certificate.
tls_environment() {
    [ "${OBOL_TLS:-}" = true ] || return 0
    certificates_make "$DATA/tls"
    export RPC_TLS_CERTIFICATE_FILE=$DATA/tls/$1.crt RPC_TLS_KEY_FILE=$DATA/tls/$1.key RPC_TLS_CA_FILE=$DATA/tls/ca.crt
}
start_as() {
    local name=$1
    shift
    (tls_environment "$name" && start "$name" "$@")
}

pid_of() { cat "$DATA/run/$1.pid" 2>/dev/null || true; }
# A pid file may be older than the machine's last start: the process must be one of ours.
runs() {
    local pid
    pid=$(pid_of "$1")
    [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -e obol -e nats-server
}

start() {
    local name=$1
    shift
    (cd "$DATA" && exec setsid "$@" >>"$DATA/logs/$name.log" 2>&1 </dev/null) &
    echo $! >"$DATA/run/$name.pid"
    disown
}

stop() {
    local pid deadline
    pid=$(pid_of "$1")
    if runs "$1"; then
        kill "$pid" 2>/dev/null || true
        deadline=$((SECONDS + 15))
        while kill -0 "$pid" 2>/dev/null; do
            [ $SECONDS -lt $deadline ] || { kill -9 "$pid" 2>/dev/null || true; break; }
            sleep 0.05
        done
    fi
    rm -f "$DATA/run/$1.pid"
}

private_postgres() { [ -e "$DATA/run/private-postgres" ]; }

start_database() {
    [ -z "${DATABASE_URL:-}" ] || return 0
    stack_secrets
    pg_start "$DATA" "$(port 15432)" "$PG_PASSWORD"
    touch "$DATA/run/private-postgres"
    local url=postgresql://obol:$PG_PASSWORD@127.0.0.1:$(port 15432)
    "$PG_BIN/psql" -qAt "$url/postgres" -c "SELECT 1 FROM pg_database WHERE datname = 'obol'" | grep -q 1 ||
        "$PG_BIN/psql" -q "$url/postgres" -c 'CREATE DATABASE obol'
}

# Events hold payers' data: what JetStream keeps of them is encrypted. A store of before goes; PostgreSQL has all.
start_bus() {
    [ -z "${NATS_URL:-}" ] || return 0
    stack_secrets
    rm -rf "$DATA/nats"
    local tls=
    if [ "${OBOL_TLS:-}" = true ]; then
        certificates_make "$DATA/tls"
        tls="tls { cert_file: \"$DATA/tls/nats.crt\", key_file: \"$DATA/tls/nats.key\" }"
    fi
    (umask 077; cat >"$DATA/nats.conf" <<TEXT
jetstream { store_dir: "$DATA/jetstream", key: "$NATS_KEY", cipher: aes }
$tls
TEXT
    )
    start nats nats-server -a 127.0.0.1 -p "$(port 14222)" -c "$DATA/nats.conf"
}

ports_free() {
    local name number
    local servers=
    [ -n "${DATABASE_URL:-}" ] || servers=$(port 15432)
    [ -n "${NATS_URL:-}" ] || servers="$servers $(port 14222)"
    for number in $servers $(port 8000) $(port 9000) $(port 8080) $(port 4000) $(port 50051) $(port 50052) $(port 50053) $(port 50054); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$number") 2>/dev/null; then
            die "port $number is taken; OBOL_PORT_OFFSET=100 ./dev up moves every port"
        fi
    done
}

stack_up() {
    local detach=
    [ "${1:-}" != --detach ] || detach=yes
    mkdir -p "$DATA/run" "$DATA/logs"
    if runs gateway; then
        say "Obol runs already at $GATEWAY; nothing was changed. ./dev down stops it, so that up starts what was built anew."
        stack_status || say "Some of it has stopped: ./dev down, then ./dev up."
        return 0
    fi
    stack_down quietly
    packages_install
    build_tree
    mkdir -p "$DATA/run" "$DATA/logs"
    ports_free
    bold "Starting PostgreSQL, NATS, the services and the gateway"
    start_database
    start_bus
    stack_environment
    start sandbox "$BIN/obol-sandbox"
    start merchant "$BIN/obol-merchant"
    local service
    for service in $SERVICES; do start_as "$service" "$BIN/obol-$service"; done
    start_as gateway env TEST_MODE=true "$BIN/obol-gateway" # the page of jobs needs no key here
    wait_until 60 "the gateway is not ready (./dev logs shows why)" curl -fs "$GATEWAY/health/ready"
    "$BIN/obol" demo seed >>"$DATA/logs/seed.log" 2>&1 || { cat "$DATA/logs/seed.log"; die "could not seed the demo tenant"; }
    demo_run
    if [ -n "$detach" ]; then
        say "Obol runs. ./dev logs follows it, ./dev down stops it."
        return 0
    fi
    say "Following the logs; Ctrl-C stops everything."
    tail -n 0 -F "$DATA"/logs/{gateway,auth,payments,refunds,webhooks,merchant}.log 2>/dev/null &
    # shellcheck disable=SC2064
    trap "kill $! 2>/dev/null; echo; stack_down; exit 0" INT TERM
    wait $! || true
}

stack_down() {
    local name
    for name in gateway $SERVICES merchant sandbox nats; do stop "$name"; done
    if private_postgres; then
        pg_stop "$DATA"
        rm -f "$DATA/run/private-postgres"
    fi
    [ "${1:-}" = quietly ] || say "Stopped. Data stays in $DATA."
}

stack_status() {
    local name state all=0
    printf '%-10s %-8s %s\n' NAME STATE ADDRESS
    if private_postgres && pg_running "$DATA"; then state=running; else state=-; fi
    printf '%-10s %-8s %s\n' postgres "$state" "127.0.0.1:$(port 15432)"
    for name in $PROGRAMS; do
        case $name in
        nats) address=127.0.0.1:$(port 14222) ;; sandbox) address=http://127.0.0.1:$(port 8080) ;;
        merchant) address=http://127.0.0.1:$(port 4000) ;; payments) address=127.0.0.1:$(port 50051) ;;
        refunds) address=127.0.0.1:$(port 50052) ;; webhooks) address=127.0.0.1:$(port 50053) ;;
        auth) address=127.0.0.1:$(port 50054) ;; gateway) address="$GATEWAY, operations 127.0.0.1:$(port 9000)" ;;
        esac
        if runs "$name"; then state=running; else state=stopped; all=1; fi
        printf '%-10s %-8s %s\n' "$name" "$state" "$address"
    done
    return $all
}

stack_logs() {
    local files=("$DATA"/logs/*.log)
    [ $# -eq 0 ] || files=("$DATA/logs/$1.log")
    [ -e "${files[0]}" ] || die "no such log: ${1:-}"
    exec tail -n 50 -F "${files[@]}"
}
