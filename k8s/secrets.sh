#!/usr/bin/env bash
# k8s/secrets.sh dev|staging|production: prints the Secrets that the overlay wants, with keys and passwords made anew each
# time: `| kubectl create -n NAMESPACE -f -`, once. `create` refuses what exists; `apply` would replace the keys that everything
# in the database is sealed with. From the environment: DATABASE_URL, or <SERVICE>_DATABASE_URL each (staging and production);
# NATS_URL for a NATS that you have.
set -euo pipefail

overlay=${1:-}
case $overlay in dev | staging | production) ;; *)
    echo "usage: k8s/secrets.sh dev|staging|production" >&2
    exit 2
    ;;
esac

random() { openssl rand -hex "$1"; }

# secret NAME [KEY TEXT]…
secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  labels:\n    app.kubernetes.io/part-of: obol\n' "$1"
    printf 'type: Opaque\nstringData:\n'
    shift
    while [ $# -gt 0 ]; do
        printf '  %s: |-\n' "$1"
        # shellcheck disable=SC2001 # each line of it
        sed 's/^/    /' <<<"$2"
        shift 2
    done
}

# The URL of a service's database: its own, the one of all, or the development cluster's.
database_url() {
    local own=${1}_DATABASE_URL
    local url=${!own:-${DATABASE_URL:-}}
    [ -n "$url" ] || { echo "k8s/secrets.sh: set $own or DATABASE_URL" >&2; exit 2; }
    [ "$overlay" = dev ] || [[ $url == *sslmode=verify-full* ]] ||
        echo "k8s/secrets.sh: $own has no sslmode=verify-full: anybody on the way could be the database" >&2
    printf '%s' "$url"
}

if [ "$overlay" = dev ]; then
    password=$(random 16)
    secret postgres password "$password"
    DATABASE_URL=postgresql://obol:$password@postgres:5432/obol
fi
auth=$(database_url AUTH)
payments=$(database_url PAYMENTS)
refunds=$(database_url REFUNDS)
webhooks=$(database_url WEBHOOKS)
secret database auth-url "$auth" payments-url "$payments" refunds-url "$refunds" webhooks-url "$webhooks"
secret keys keys "1:$(random 32)"

if [ -n "${NATS_URL:-}" ]; then
    secret nats-client url "$NATS_URL"
else
    client=$(random 16) route=$(random 16)
    secret nats server.conf "JETSTREAM_KEY: \"$(random 32)\"
authorization { user: obol, password: \"$client\" }" \
        cluster.conf "authorization { user: route, password: \"$route\", timeout: 5 }
routes: [
  nats://route:$route@nats-0.nats-routes:6222
  nats://route:$route@nats-1.nats-routes:6222
  nats://route:$route@nats-2.nats-routes:6222
]"
    secret nats-client url "nats://obol:$client@nats:4222"
fi

[ "$overlay" = production ] || secret simulator key "$(random 16)" callback-secret "$(random 16)"
