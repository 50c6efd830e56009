# The demo tenant at the sandboxes of all real providers: credentials, and where callbacks go.

sandbox_fields() { # PROVIDER: what obol-sandbox takes where nothing else is set
    case $1 in
    mtn) say base_url="$SIMULATOR_URL/mtn" api_user=3c9f2a5e-8d14-4b6f-9a07-5e1d2c3b4a59 api_key=mtn-sandbox-key \
        subscription_key=mtn-sandbox-subscription target_environment=sandbox ;;
    airtel) say base_url="$SIMULATOR_URL/airtel" client_id=airtel-sandbox-client client_secret=airtel-sandbox-secret country=ZM \
        callback_hash_key=airtel-sandbox-hash-key ;;
    zamtel) say base_url="$SIMULATOR_URL/zamtel/ZampayRest" third_party_id=zamtel-sandbox password=zamtel-sandbox-password \
        shortcode=000000 identifier=zamtel-sandbox-identifier credential=zamtel-sandbox-credential ;;
    blumon) say base_url="$SIMULATOR_URL/blumon" username=blumon-sandbox-user password=blumon-sandbox-password \
        client_id=blumon-sandbox-client client_secret=blumon-sandbox-secret webhook_secret=blumon-sandbox-webhooks ;;
    paydunya) say base_url="$SIMULATOR_URL/paydunya/sandbox-api/v1" master_key=paydunya-sandbox-master \
        private_key=paydunya-sandbox-private token=paydunya-sandbox-token store_name=Demo ;;
    esac
}

# PROVIDER: credentials are made once; the sandbox's portals forget with each restart.
provider_connect() {
    local provider=$1 known url order
    known=$("$BIN/obol" provider list --tenant ten_demo --json)
    if ! grep -q "\"provider\":\"$provider\"" <<<"$known"; then
        # shellcheck disable=SC2046
        known=$("$BIN/obol" provider set "$provider" --tenant ten_demo --label Sandbox --json $(sandbox_fields "$provider"))
    fi
    url=$(grep -o "http[^\"]*/webhooks/$provider/[^\"]*" <<<"$known" | head -1)
    case $provider in # where it is the provider's portal that is told, and no request
    airtel) order="{\"provider\":\"airtel\",\"callback_url\":\"$url\"}" ;;
    blumon) order="{\"provider\":\"blumon\",\"callback_url\":\"$url\",\"webhook_secret\":\"blumon-sandbox-webhooks\"}" ;;
    *) return 0 ;;
    esac
    curl -sSf -o /dev/null -H 'Content-Type: application/json' -d "$order" "$SIMULATOR_URL/control"
}

providers_connect() {
    local provider
    runs gateway || die "nothing runs: ./dev up"
    stack_environment
    for provider in mtn airtel zamtel blumon paydunya; do provider_connect "$provider"; done
    "$BIN/obol" provider list --tenant ten_demo
    cat <<TEXT

To try next:
  curl -u key_test_abc123:secret_test_xyz789 $GATEWAY/api/v1/payments -H "Content-Type: application/json" \\
    -d '{"order_id": "invoice-7", "amount": 1500, "currency": "EUR", "method": "mobile_money",
         "mobile_money": {"msisdn": "46733123001", "operator": "mtn"}}'
  ./dev obol provider available
TEXT
}
