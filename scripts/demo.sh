# The main job, shown: a payment, its webhook, a refund, its webhook.
DEMO_AUTH=(-H "X-Api-Key: key_test_abc123" -H "X-Api-Secret: secret_test_xyz789")

json_field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | head -1; }
api() { curl -sS "${DEMO_AUTH[@]}" -H 'Content-Type: application/json' "$@"; }
status_of() { api "$GATEWAY/api/v1/$1" | sed -n 's/.*"status":"\([^"]*\)".*/\1/p'; }
settled() { case $(status_of "$1") in succeeded | failed | processed | needs_review) return 0 ;; *) return 1 ;; esac; }
verified() { grep -q "Webhook verified: $1 $2" "$DATA/logs/merchant.log"; }

demo_pay() { # VPA: makes a payment, waits for its end, sets PAYMENT and STATUS
    local answer
    answer=$(api -X POST "$GATEWAY/api/v1/payments" -d "{\"order_id\": \"order_123\", \"method\": \"upi\", \"vpa\": \"$1\"}")
    say "  $answer"
    PAYMENT=$(printf %s "$answer" | grep -o 'pay_[0-9a-z]*' | head -1)
    [ -n "$PAYMENT" ] || die "the payment was refused"
    wait_until 60 "$PAYMENT did not settle" settled "payments/$PAYMENT"
    STATUS=$(status_of "payments/$PAYMENT")
    say "  $PAYMENT: $STATUS"
    wait_until 30 "no webhook for $PAYMENT" verified "payment.$STATUS" "$PAYMENT"
    grep -m1 "Webhook verified: payment.$STATUS $PAYMENT" "$DATA/logs/merchant.log" | sed 's/^/  merchant: /'
}

demo_run() {
    local refund answer
    bold "A merchant's payment"
    cat <<TEXT
  curl -X POST $GATEWAY/api/v1/payments -H "X-Api-Key: key_test_abc123" -H "X-Api-Secret: secret_test_xyz789" \\
    -H "Content-Type: application/json" -d '{"order_id": "order_123", "method": "upi", "vpa": "user@paytm"}'
TEXT
    demo_pay user@paytm
    if [ "$STATUS" != succeeded ]; then
        say "  (the simulator declines some; one more, with a VPA that always succeeds)"
        demo_pay success@upi
    fi
    bold "Its refund"
    say "  curl -X POST $GATEWAY/api/v1/payments/$PAYMENT/refunds … -d '{\"amount\": 20000}'"
    answer=$(api -X POST "$GATEWAY/api/v1/payments/$PAYMENT/refunds" -d '{"amount": 20000}')
    say "  $answer"
    refund=$(printf %s "$answer" | grep -o 'rfnd_[0-9a-z]*' | head -1)
    [ -n "$refund" ] || die "the refund was refused"
    wait_until 60 "$refund did not settle" settled "refunds/$refund"
    wait_until 30 "no webhook for $refund" verified "refund.$(status_of "refunds/$refund")" "$refund"
    grep -m1 "Webhook verified: refund.processed $refund" "$DATA/logs/merchant.log" | sed 's/^/  merchant: /' || true
    cat <<TEXT

To try next:
  curl -u key_test_abc123:secret_test_xyz789 $GATEWAY/api/v1/payments/$PAYMENT
  curl -u key_test_abc123:secret_test_xyz789 '$GATEWAY/api/v1/webhooks?payment_id=$PAYMENT'
  curl $GATEWAY/api/v1/test/jobs/status        curl $GATEWAY/openapi.json
  ./dev obol audit --object $PAYMENT
  VPAs that decide: success@upi fail@upi timeout@upi slow@upi
TEXT
}
