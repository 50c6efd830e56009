#!/bin/sh
# secrets.sh [DIR]: the secrets of compose.yaml, made once and never printed. What is there stays. Only the owner gets
# into the directory; the files themselves can be read by all, for containers get them one by one and run as other users.
set -eu
directory=${1:-$(dirname "$0")/secrets}
mkdir -p "$directory"
chmod 700 "$directory"
cd "$directory"

make() {
    [ -s "$1" ] || printf '%s\n' "$2" >"$1"
    chmod 444 "$1"
}
random() { openssl rand -hex "$1"; }

make postgres_password "$(random 24)"
make database_url "postgresql://obol:$(cat postgres_password)@postgres:5432/obol"
make obol_keys "1:$(random 32)" # what is sealed with it is lost with it: keep a copy elsewhere
make nats_password "$(random 24)"
make nats_url "nats://obol:$(cat nats_password)@nats:4222"
make nats_key "$(random 32)"
# Events hold payers' data: what JetStream keeps of them is encrypted.
make nats_conf "listen: 0.0.0.0:4222
http: 127.0.0.1:8222
authorization { user: obol, password: \"$(cat nats_password)\" }
jetstream { store_dir: /data, key: \"$(cat nats_key)\", cipher: aes }"
make simulator_key "$(random 16)"
make simulator_callback_secret "$(random 16)"
make grafana_password "$(random 16)"
echo "in $(pwd): $(ls | wc -l) files"
