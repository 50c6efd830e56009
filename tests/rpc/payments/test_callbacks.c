// Callbacks as they come in: whose they are, what they prove, what they do.
#include "callback.h"

TestSuite(callbacks, .init = callbacks_begin, .fini = callbacks_end);

static void put(const char *secret, const char *addresses)
{
    credential_put(&(struct credential_made){TENANT, "cred_a", "mtn", secret, addresses});
}

static enum status tell_mtn(const char *body, const char *proof)
{
    return tell(&(struct told){"mtn", "cred_a", NULL, body, proof});
}

Test(callbacks, bring_forward_what_they_name)
{
    put(SECRET, NULL);
    const char *id = operation_at("mtn", "cred_a"), *body = about(id);
    cr_ok(tell_mtn(body, signature(body)));
    cr_assert(is_due(id));
    cr_assert_str_eq(counted(), TENANT " mtn accepted 1");
    cr_assert_str_eq(sql("SELECT count(testimony) FROM operations"), "0", "it can be asked");
}

Test(callbacks, without_a_credential_bring_forward_too)
{
    const char *id = operation_at("mtn", "cred_a");
    cr_ok(tell(&(struct told){"mtn", NULL, NULL, about(id), NULL}));
    cr_assert(is_due(id));
    cr_ok(tell(&(struct told){"mtn", NULL, NULL, about("op_never"), NULL}));
    cr_assert_str_eq(counted(), "mtn accepted 1, mtn unmatched 1");
}

Test(callbacks, that_are_forged_do_nothing)
{
    put(SECRET, NULL);
    const char *id = operation_at("mtn", "cred_a"), *body = about(id);
    cr_assert_eq(tell_mtn(body, NULL), STATUS_UNAUTHENTICATED);
    cr_assert_eq(tell_mtn(body, signature("other")), STATUS_UNAUTHENTICATED);
    cr_assert_not(is_due(id));
    cr_ok(tell_mtn(body, signature(body)));
    cr_assert(is_due(id), "a refused one is no first one");
    cr_assert_str_eq(counted(), TENANT " mtn accepted 1, " TENANT " mtn refused 2");
}

Test(callbacks, from_elsewhere_do_nothing)
{
    put(SECRET, "203.0.113.0/24 2001:db8::1");
    const char *id = operation_at("mtn", "cred_a"), *body = about(id);
    struct told told = {"mtn", "cred_a", "192.0.2.7", body, signature(body)};
    struct call *call = callback_call(&told);
    rpc_provider_callback(&f.worker, &call, 1);
    assert_refused(call, STATUS_UNAUTHENTICATED, "signature_invalid");
    told.address = "";
    cr_assert_eq(tell(&told), STATUS_UNAUTHENTICATED);
    cr_assert_not(is_due(id));
    told.address = "203.0.113.9";
    cr_ok(tell(&told));
    cr_assert(is_due(id));
    cr_assert_str_eq(counted(), TENANT " mtn accepted 1, " TENANT " mtn refused 2");
}

Test(callbacks, for_a_credential_that_there_is_not_are_refused_alike)
{
    put(NULL, NULL);
    struct call *call = callback_call(&(struct told){"mtn", "cred_none", NULL, "{}", NULL});
    rpc_provider_callback(&f.worker, &call, 1);
    assert_refused(call, STATUS_UNAUTHENTICATED, "signature_invalid");
    cr_assert_eq(tell(&(struct told){"airtel", "cred_a", NULL, "{}", NULL}), STATUS_UNAUTHENTICATED,
                 "of another provider");
    cr_assert_eq(tell(&(struct told){"nobody", "cred_a", NULL, "{}", NULL}), STATUS_NOT_FOUND);
    cr_assert_str_eq(counted(), "airtel refused 1, mtn refused 1");
}

static void put_off(void)
{
    sql("UPDATE operations_queue SET due_at = now() + interval '1 hour' RETURNING ''");
}

Test(callbacks, that_repeat_themselves_do_nothing_again)
{
    put(NULL, NULL);
    credential_put(&(struct credential_made){TENANT, "cred_b", "mtn", NULL, NULL});
    const char *id = operation_at("mtn", "cred_a");
    cr_ok(tell_mtn(about(id), NULL));
    put_off();
    cr_ok(tell_mtn(about(id), NULL));
    cr_assert_not(is_due(id));
    cr_ok(tell(&(struct told){"mtn", "cred_b", NULL, about(id), NULL}));
    cr_assert(is_due(id), "another credential, another callback");
    cr_assert_str_eq(counted(), TENANT " mtn accepted 2, " TENANT " mtn duplicate 1");
    put_off();
    cr_ok(tell_mtn(about(id), NULL));
    cr_assert(is_due(id), "a process that does not remember asks once more");
}

Test(callbacks, that_could_not_be_taken_are_none_that_came)
{
    put(NULL, NULL);
    const char *id = operation_at("mtn", "cred_a");
    cr_ok(tell_mtn("{}", NULL)); // the credential is known from now on
    sql("ALTER TABLE operations_queue RENAME TO away");
    cr_assert_neq(tell_mtn(about(id), NULL), STATUS_OK);
    sql("ALTER TABLE away RENAME TO operations_queue");
    cr_ok(tell_mtn(about(id), NULL));
    cr_assert(is_due(id));
    cr_assert_str_eq(counted(), TENANT " mtn accepted 1, " TENANT " mtn malformed 1");
}

Test(callbacks, that_are_unknown_are_kept_once)
{
    put(NULL, NULL);
    const char *body = about("op_never");
    cr_ok(tell_mtn(body, NULL));
    cr_ok(tell_mtn(about("somebody else's"), NULL));
    cr_assert_str_eq(counted(), TENANT " mtn unknown 2");
    cr_ok(tell_mtn(body, NULL)); // the memory of the first is lost
    cr_assert_str_eq(sql("SELECT count(*) FROM unknown_callbacks WHERE tenant_id = '" TENANT
                         "' AND provider = 'mtn' AND credential_id = 'cred_a'"),
                     "2");
    const char *id = sql("SELECT min(id) FROM unknown_callbacks");
    struct bytes sealed, plain;
    cr_assert(crypto_hex_decode(
        f.arena, sql("SELECT encode(body, 'hex') FROM unknown_callbacks ORDER BY id LIMIT 1"),
        &sealed));
    cr_ok(keyring_open(&f.ring, f.arena, sealed, arena_printf(f.arena, "callback:%s", id), &plain));
    cr_assert_eq(plain.length, strlen(body));
    cr_assert_eq(memcmp(plain.at, body, plain.length), 0);
}

Test(callbacks, that_are_unknown_and_long_are_cut)
{
    put(NULL, NULL);
    char *body = arena_alloc(f.arena, 9000);
    memset(body, ' ', 8999);
    const char *text = about("op_never");
    memcpy(body, text, strlen(text));
    cr_ok(tell_mtn(body, NULL));
    cr_assert_str_eq(sql("SELECT length(body) - 30 FROM unknown_callbacks"), "4096");
}

Test(callbacks, of_what_is_finished_are_unmatched)
{
    put(NULL, NULL);
    const char *id = operation_at("mtn", "cred_a");
    sql("DELETE FROM operations_queue RETURNING ''");
    sql("UPDATE operations SET status = 'succeeded', finished_at = now() RETURNING ''");
    cr_ok(tell_mtn(about(id), NULL));
    cr_assert_str_eq(counted(), TENANT " mtn unmatched 1");
    cr_assert_str_eq(sql("SELECT count(*) FROM unknown_callbacks"), "0");
}

Test(callbacks, of_another_tenant_move_nothing_of_ours)
{
    credential_put(&(struct credential_made){"tnt_b", "cred_b", "mtn", SECRET, NULL});
    const char *id = operation_at("mtn", "cred_a"), *body = about(id);
    cr_ok(tell(&(struct told){"mtn", "cred_b", NULL, body, signature(body)}));
    cr_assert_not(is_due(id));
    cr_assert_str_eq(counted(), "tnt_b mtn unknown 1");
}

Test(callbacks, that_say_nothing_are_received)
{
    put(SECRET, NULL);
    cr_ok(tell_mtn("", NULL));
    cr_ok(tell_mtn("", NULL));
    cr_ok(tell(&(struct told){"paydunya", NULL, NULL, "", NULL}));
    cr_ok(tell_mtn("not json", signature("not json")));
    cr_ok(tell_mtn("{}", signature("{}")));
    cr_assert_str_eq(counted(),
                     "paydunya probe 1, " TENANT " mtn malformed 2, " TENANT " mtn probe 2");
}

Test(callbacks, of_the_simulator_are_proved_without_a_tenant)
{
    const char *id = operation_at("simulator", "");
    const char *body = arena_printf(f.arena, "{\"reference\":\"%s\"}", id);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("secret"), bytes_of_string(body));
    const char *proof =
        arena_printf(f.arena, "sha256=%s", crypto_hex(f.arena, BYTES_OF_ARRAY(mac.at)));
    cr_assert_eq(tell(&(struct told){"simulator", "default", NULL, body, "sha256=00"}),
                 STATUS_UNAUTHENTICATED);
    cr_assert_not(is_due(id));
    cr_ok(tell(&(struct told){"simulator", "default", NULL, body, proof}));
    cr_assert(is_due(id));
    cr_assert_str_eq(counted(), "simulator accepted 1, simulator refused 1");
}

// --- Where the provider can't be asked
static enum status tell_blumon(const char *credential_id, const char *body, const char *proof)
{
    return tell(&(struct told){"blumon", credential_id, NULL, body, proof});
}

static void put_blumon(const char *tenant_id, const char *id, const char *secret)
{
    credential_put(&(struct credential_made){tenant_id, id, "blumon", secret, NULL});
}

Test(callbacks, that_are_proven_testify)
{
    put_blumon(TENANT, "cred_a", SECRET);
    const char *id = operation_at("blumon", "cred_a"), *body = charged(id);
    cr_ok(tell_blumon("cred_a", body, signature(body)));
    cr_assert(is_due(id));
    const char *hex = sql("SELECT encode(testimony, 'hex') FROM operations");
    cr_assert_str_eq(test_opened(f.arena, &f.ring, hex, testimony_context(f.arena, id)), body);
    cr_assert_str_eq(counted(), TENANT " blumon accepted 1");
}

Test(callbacks, that_are_too_long_do_not_testify)
{
    put_blumon(TENANT, "cred_a", SECRET);
    const char *id = operation_at("blumon", "cred_a"), *body = charged(id);
    char *bulky = arena_alloc(f.arena, 20000);
    memset(bulky, ' ', 19999);
    memcpy(bulky, body, strlen(body));
    cr_ok(tell_blumon("cred_a", bulky, signature(bulky)));
    cr_assert(is_due(id), "it is looked at all the same");
    cr_assert_str_eq(sql("SELECT count(testimony) FROM operations"), "0");
}

Test(callbacks, that_prove_nothing_do_not_testify)
{
    put_blumon(TENANT, "cred_a", NULL);
    put_blumon("tnt_b", "cred_b", SECRET);
    put_blumon(TENANT, "cred_c", SECRET);
    const char *id = operation_at("blumon", "cred_a"), *body = charged(id);
    cr_ok(tell_blumon(NULL, body, signature(body)));
    cr_ok(tell_blumon("cred_a", body, signature(body)));
    cr_ok(tell_blumon("cred_b", body, signature(body)));
    cr_ok(tell_blumon("cred_c", body, signature(body)));
    cr_assert(is_due(id));
    cr_assert_str_eq(sql("SELECT count(testimony) FROM operations"), "0");
}

// --- Many at once
Test(callbacks, of_one_batch_are_answered_each)
{
    put_blumon(TENANT, "cred_a", SECRET);
    credential_put(&(struct credential_made){TENANT, "cred_m", "mtn", NULL, NULL});
    const char *known = operation_at("mtn", "cred_m"), *asked = operation_at("blumon", "cred_a");
    const char *word = charged(asked);
    struct told told[] = {
        {"mtn", "cred_m", NULL, about(known), NULL},
        {"mtn", "cred_m", NULL, about(known), NULL},
        {"mtn", "cred_m", NULL, about("op_never"), NULL},
        {"blumon", "cred_a", NULL, word, signature(word)},
        {"blumon", "cred_a", NULL, word, "00"},
        {"mtn", "cred_m", NULL, "", NULL},
        {"nobody", NULL, NULL, "{}", NULL},
    };
    static const enum status wanted[] = {
        STATUS_OK, STATUS_OK,       STATUS_OK, STATUS_OK, STATUS_UNAUTHENTICATED,
        STATUS_OK, STATUS_NOT_FOUND};
    struct call *calls[7];
    for (size_t i = 0; i < 7; i++)
        calls[i] = callback_call(&told[i]);
    rpc_provider_callback(&f.worker, calls, 7);
    for (size_t i = 0; i < 7; i++) {
        cr_assert_eq(calls[i]->problem.status, wanted[i], "%zu", i);
        cr_assert_eq(wanted[i] == STATUS_OK, calls[i]->response != NULL, "%zu", i);
    }
    cr_assert(is_due(known) && is_due(asked));
    cr_assert_str_eq(counted(), TENANT " blumon accepted 1, " TENANT " blumon refused 1, " TENANT
                                       " mtn accepted 1, " TENANT " mtn duplicate 1, " TENANT
                                       " mtn probe 1, " TENANT " mtn unknown 1");
}
