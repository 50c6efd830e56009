# certificates_make DIR: an authority, a certificate for each role of the gRPC between the programs (<role>.obol is its
# one DNS name, and nothing else of it counts), and one for NATS. What is there and still valid for a day stays.
ROLES="gateway auth payments refunds webhooks operator"
CERTIFICATE_DAYS=${CERTIFICATE_DAYS:-90}
AUTHORITY_DAYS=3650
# Read when nats-server starts, so it lasts longer than that runs. As k8s/nats names its servers, and for this machine.
NATS_NAMES=DNS:nats,DNS:nats-0.nats-routes,DNS:nats-1.nats-routes,DNS:nats-2.nats-routes,DNS:localhost,IP:127.0.0.1
NATS_DAYS=3285

# A key of its own beside each certificate: DIR/NAME.key, readable by its owner only.
certificates_key() {
    [ -s "$1" ] || (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null)
    chmod 600 "$1"
}

certificates_valid() { [ -s "$1" ] && openssl x509 -in "$1" -noout -checkend 86400 >/dev/null; }

certificates_authority() {
    certificates_valid "$1/ca.crt" && [ -s "$1/ca.key" ] && return 0
    certificates_key "$1/ca.key"
    openssl req -x509 -new -key "$1/ca.key" -sha256 -days $AUTHORITY_DAYS -subj "/CN=Obol internal authority" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -out "$1/ca.crt"
}

certificates_issue() {
    local directory=$1 name=$2 names=${3:-DNS:$2.obol} days=${4:-$CERTIFICATE_DAYS}
    local first=${names%%,*}
    certificates_key "$directory/$name.key"
    if certificates_valid "$directory/$name.crt" &&
        openssl verify -CAfile "$directory/ca.crt" "$directory/$name.crt" >/dev/null 2>&1; then
        return 0
    fi
    openssl req -new -key "$directory/$name.key" -subj "/CN=${first#DNS:}" |
        openssl x509 -req -CA "$directory/ca.crt" -CAkey "$directory/ca.key" -sha256 -days "$days" \
            -set_serial "0x$(openssl rand -hex 16)" -out "$directory/$name.crt.new" -extfile <(cat <<TEXT
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=$names
TEXT
        ) 2>/dev/null
    mv "$directory/$name.crt.new" "$directory/$name.crt" # whole or not at all: programs watch the file
}

certificates_make() {
    local role directory=${1:?"usage: ./dev certificates DIR"}
    mkdir -p "$directory"
    certificates_authority "$directory"
    for role in $ROLES; do certificates_issue "$directory" "$role"; done
    certificates_issue "$directory" nats "$NATS_NAMES" "$NATS_DAYS"
}
