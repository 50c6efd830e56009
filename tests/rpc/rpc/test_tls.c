// Mutual TLS: who is let in, who may call what, and what happens when the files change.
#include "certificates.h"

#include <signal.h>

#include "fixture.h"
#include "obol/rpc/v1/bundle.obol.h"

#define AGE_S 2
// What rpc/tls.h states: a look a second, 1.1 times the age, and as long again for calls in hand.
#define REVOKED_MS_MAX (1000 + AGE_S * 1100 + AGE_S * 1000)

struct house { // a server and a client, each with its own files
    struct fixture *fixture;
    struct party authority, server, client;
    struct files server_files, client_files;
    struct rpc_tls *server_tls, *client_tls;
};

static void house_serve(struct house *house)
{
    struct fixture *fixture = fixture_new(2);
    gate_open(&fixture->gate);
    fixture->config.tls = house->server_tls;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_OK);
    snprintf(fixture->target, sizeof fixture->target, "127.0.0.1:%d",
             rpc_server_port(fixture->server));
    fixture->client = rpc_client_new_to(fixture->target, ROLE_PAYMENTS, house->client_tls);
    house->fixture = fixture;
}

static struct house house_aged(const char *server, const char *client, int64_t server_age_s,
                               int64_t client_age_s)
{
    signal(SIGPIPE, SIG_IGN);
    struct house house = {.authority = authority_new()};
    house.server = party_new(&house.authority, server, -DAY_S, DAY_S);
    house.client = party_new(&house.authority, client, -DAY_S, DAY_S);
    house.server_files = files_new();
    house.client_files = files_new();
    files_identity(&house.server_files, &house.server);
    files_trust(&house.server_files, &house.authority, NULL);
    files_identity(&house.client_files, &house.client);
    files_trust(&house.client_files, &house.authority, NULL);
    cr_assert_eq(files_open(&house.server_files, server_age_s, &house.server_tls), STATUS_OK);
    cr_assert_eq(files_open(&house.client_files, client_age_s, &house.client_tls), STATUS_OK);
    house_serve(&house);
    return house;
}

static struct house house_new(const char *server, const char *client)
{
    return house_aged(server, client, AGE_S, AGE_S);
}

static void house_free(struct house *house)
{
    fixture_free(house->fixture);
    rpc_tls_close(house->server_tls);
    rpc_tls_close(house->client_tls);
    files_free(&house->server_files);
    files_free(&house->client_files);
    party_free(&house->server);
    party_free(&house->client);
    party_free(&house->authority);
}

static int port_of(const struct house *house)
{
    return rpc_server_port(house->fixture->server);
}

static enum status verifies(struct house *house)
{
    struct problem problem = {0};
    return verify(house->fixture, "key", &problem);
}

Test(tls, server_takes_only_certificates_of_its_authority, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    struct party other = authority_new();
    struct party foreign = party_new(&other, "DNS:gateway.obol", -DAY_S, DAY_S);
    struct party expired = party_new(&house.authority, "DNS:gateway.obol", -2 * DAY_S, -DAY_S);
    struct party early = party_new(&house.authority, "DNS:gateway.obol", DAY_S, 2 * DAY_S);
    const struct {
        const char *what;
        struct stranger stranger;
        bool taken;
    } cases[] = {
        {"its certificate", {.party = &house.client}, true},
        {"its certificate, TLS 1.2", {.party = &house.client, .version_max = TLS1_2_VERSION}, true},
        {"TLS 1.1", {.party = &house.client, .version_max = TLS1_1_VERSION}, false},
        {"no certificate", {.party = NULL}, false},
        {"no certificate, TLS 1.2", {.version_max = TLS1_2_VERSION}, false},
        {"no TLS", {.plaintext = true}, false},
        {"another authority's", {.party = &foreign}, false},
        {"expired", {.party = &expired}, false},
        {"not valid yet", {.party = &early}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(stranger_taken(&cases[i].stranger, port_of(&house)), cases[i].taken, "%s",
                     cases[i].what);
    struct party *parties[] = {&other, &foreign, &expired, &early};
    for (size_t i = 0; i < 4; i++)
        party_free(parties[i]);
    house_free(&house);
}

// The same client against servers of which only the first is the one it wants.
Test(tls, client_takes_only_the_role_it_wants, .timeout = 60)
{
    static const char *const names[] = {"DNS:payments.obol", "DNS:refunds.obol",
                                        "DNS:127.0.0.1,DNS:localhost,IP:127.0.0.1"};
    struct house house = house_new(names[0], "DNS:gateway.obol");
    cr_assert_eq(verifies(&house), STATUS_OK);
    struct rpc_client *other =
        rpc_client_new_to(house.fixture->target, ROLE_REFUNDS, house.client_tls);
    cr_expect_eq(rpc_client_check(other, 5000), STATUS_UNAVAILABLE);
    rpc_client_free(other);
    struct rpc_client *plain = rpc_client_new(house.fixture->target);
    cr_expect_eq(rpc_client_check(plain, 5000), STATUS_UNAVAILABLE);
    rpc_client_free(plain);
    house_free(&house);
}

Test(tls, client_takes_no_server_of_another_authority, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    struct party other = authority_new();
    struct files files = files_new();
    files_identity(&files, &house.client);
    files_trust(&files, &other, NULL);
    struct rpc_tls *tls = NULL;
    cr_assert_eq(files_open(&files, AGE_S, &tls), STATUS_OK);
    struct rpc_client *client = rpc_client_new_to(house.fixture->target, ROLE_PAYMENTS, tls);
    cr_expect_eq(rpc_client_check(client, 5000), STATUS_UNAVAILABLE);
    rpc_client_free(client);
    rpc_tls_close(tls);
    files_free(&files);
    party_free(&other);
    house_free(&house);
}

Test(tls, files_that_cannot_be_used_are_refused_at_start)
{
    struct party authority = authority_new(), other = authority_new();
    struct party good = party_new(&authority, "DNS:auth.obol", -DAY_S, DAY_S);
    const struct {
        const char *what, *names;
        long from_s, until_s;
        const struct party *key;
        enum status expected;
    } cases[] = {
        {"good", "DNS:auth.obol", -DAY_S, DAY_S, NULL, STATUS_OK},
        {"good, an address beside", "DNS:auth.obol,IP:10.0.0.1", -DAY_S, DAY_S, NULL, STATUS_OK},
        {"no role", "DNS:auth.example", -DAY_S, DAY_S, NULL, STATUS_INVALID_ARGUMENT},
        {"two roles", "DNS:auth.obol,DNS:operator.obol", -DAY_S, DAY_S, NULL,
         STATUS_INVALID_ARGUMENT},
        {"another's key", "DNS:auth.obol", -DAY_S, DAY_S, &other, STATUS_INVALID_ARGUMENT},
        {"expired", "DNS:auth.obol", -2 * DAY_S, -DAY_S, NULL, STATUS_INVALID_ARGUMENT},
        {"not valid yet", "DNS:auth.obol", DAY_S, 2 * DAY_S, NULL, STATUS_INVALID_ARGUMENT},
    };
    struct files files = files_new();
    files_trust(&files, &authority, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct party party =
            party_new(&authority, cases[i].names, cases[i].from_s, cases[i].until_s);
        files_identity(&files, &party);
        if (cases[i].key)
            file_replace(files.key, NULL, 0, cases[i].key->key);
        struct rpc_tls *tls = NULL;
        cr_expect_eq(files_open(&files, AGE_S, &tls), cases[i].expected, "%s", cases[i].what);
        rpc_tls_close(tls);
        party_free(&party);
    }
    struct rpc_tls *tls = NULL;
    struct rpc_tls_settings some = {files.certificate, "", files.ca, AGE_S}, none = {"", "", "", 1};
    cr_expect_eq(rpc_tls_open(&some, &tls), STATUS_INVALID_ARGUMENT);
    cr_expect_eq(rpc_tls_open(&none, &tls), STATUS_OK);
    cr_expect_null(tls);
    files_free(&files);
    party_free(&good);
    party_free(&other);
    party_free(&authority);
}

// --- Who may call what

static const struct {
    const char *names;
    enum role role;
} callers[] = {
    {"DNS:gateway.obol", ROLE_GATEWAY},   {"DNS:auth.obol", ROLE_AUTH},
    {"DNS:payments.obol", ROLE_PAYMENTS}, {"DNS:refunds.obol", ROLE_REFUNDS},
    {"DNS:webhooks.obol", ROLE_WEBHOOKS}, {"DNS:operator.obol", ROLE_OPERATOR},
};
#define CALLERS_N (sizeof callers / sizeof *callers)

static struct call *call_empty(struct fixture *fixture, const struct method *method)
{
    return call_new(fixture, method, message_new(fixture->arena, method->input));
}

static void call_out(struct house *house, struct call *call, bool bundled)
{
    struct homecoming homecoming = HOMECOMING;
    if (bundled)
        rpc_bundle(house->fixture->client, &call, 1, homecoming_one, &homecoming);
    else
        rpc_start(house->fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
}

static void expect_verdict(struct house *house, enum role role, const struct method *method,
                           bool bundled)
{
    struct call *call = call_empty(house->fixture, method);
    bool may = (method->callers & ROLE_BIT(role)) != 0 && (!bundled || role == ROLE_GATEWAY);
    size_t ran = house->fixture->ran;
    call_out(house, call, bundled);
    bool refused = call->problem.status == STATUS_PERMISSION_DENIED;
    cr_expect_eq(refused, !may, "role %d, %s, bundled %d: %s", role, method->path, bundled,
                 call->problem.detail);
    if (refused)
        cr_expect_str_eq(call->problem.code, "caller_not_allowed");
    if (refused)
        cr_expect_eq(house->fixture->ran, ran, "%s ran", method->path);
}

// Every method that the fixture serves, alone and in a Bundle, by this role.
static void expect_table(struct house *house, enum role role)
{
    const struct rpc_server_config *config = &house->fixture->config;
    for (size_t i = 0; i < config->files_n; i++)
        for (size_t j = 0; j < config->files[i]->methods_n; j++) {
            const struct method *method = &config->files[i]->methods[j];
            expect_verdict(house, role, method, false);
            if (method->lane == LANE_FAST)
                expect_verdict(house, role, method, true);
        }
    cr_expect_eq(rpc_client_check(house->fixture->client, 5000), STATUS_OK);
}

Test(tls, each_role_may_call_what_its_methods_name, .timeout = 120)
{
    for (size_t i = 0; i < CALLERS_N; i++) {
        struct house house = house_new("DNS:payments.obol", callers[i].names);
        expect_table(&house, callers[i].role);
        house_free(&house);
    }
}

// The rows that a thief of a certificate would want, written out: the table says no.
Test(tls, table_keeps_the_keys_from_the_services)
{
    const struct method *operators[] = {
        METHOD_AuthService_CreateKey, METHOD_AuthService_CreateTenant, METHOD_AuthService_ImportKey,
        METHOD_PaymentService_ResolvePayment};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        cr_expect_eq(operators[i]->callers, ROLE_BIT(ROLE_OPERATOR), "%s", operators[i]->path);
    cr_expect_eq(METHOD_PaymentService_ReserveRefund->callers, ROLE_BIT(ROLE_REFUNDS));
    cr_expect_eq(METHOD_PaymentService_CreatePayment->callers, ROLE_BIT(ROLE_GATEWAY));
    cr_expect_eq(METHOD_AuthService_VerifyKey->callers, ROLE_BIT(ROLE_GATEWAY));
    cr_expect_eq(METHOD_Bundle_Call->callers, ROLE_BIT(ROLE_GATEWAY));
}

Test(tls, only_operators_are_operators, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:operator.obol");
    struct call *call = call_empty(house.fixture, METHOD_AuthService_GetTenant);
    call->context.actor = "somebody";
    call_out(&house, call, false);
    cr_assert_eq(call->problem.status, STATUS_OK, "%s", call->problem.detail);
    const Obol__Auth__V1__Tenant *tenant =
        (const void *)message_unpack(call->arena, call->method->output, call->packed);
    cr_expect(strstr(tenant->name, "|operator:somebody|"), "%s", tenant->name);
    house_free(&house);
    house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    call = call_empty(house.fixture, METHOD_AuthService_VerifyKey);
    call->context.actor = "operator:root";
    call_out(&house, call, true);
    cr_expect_eq(call->problem.status, STATUS_PERMISSION_DENIED);
    house_free(&house);
}

// --- When the files change

static int64_t now_ms(void)
{
    return clock_now_ns() / NS_PER_MS;
}

// Calls without a pause until one gets that status; none of the others may be anything but
// `meanwhile`. Returns how long it took.
static int64_t call_until(struct house *house, enum status wanted, enum status meanwhile,
                          int64_t max_ms)
{
    int64_t began_ms = now_ms();
    for (;;) {
        enum status status = verifies(house);
        if (status == wanted)
            return now_ms() - began_ms;
        cr_assert_eq(status, meanwhile, "%s", status_name(status));
        cr_assert(now_ms() - began_ms < max_ms, "not within %d ms", (int)max_ms);
    }
}

static void call_well_for(struct house *house, int64_t for_ms)
{
    for (int64_t until_ms = now_ms() + for_ms; now_ms() < until_ms;) {
        enum status status = verifies(house);
        cr_assert_eq(status, STATUS_OK, "%s", status_name(status));
    }
}

// Longer than connections live: not one call is lost by their end.
Test(tls, no_call_is_lost_by_the_age_of_connections, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    call_well_for(&house, 3 * AGE_S * 1000);
    house_free(&house);
}

// First both authorities are trusted, then the new one alone: an ordinary change of everything, in
// the order of docs/security.md, loses no call; the certificate left behind is refused in time.
Test(tls, authority_is_changed_without_a_lost_call, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    struct party next = authority_new();
    struct party server = party_new(&next, "DNS:payments.obol", -DAY_S, DAY_S);
    struct party client = party_new(&next, "DNS:gateway.obol", -DAY_S, DAY_S);
    cr_assert_eq(verifies(&house), STATUS_OK);
    files_trust(&house.server_files, &house.authority, &next);
    files_trust(&house.client_files, &house.authority, &next);
    call_well_for(&house, 1500);
    files_identity(&house.server_files, &server);
    files_identity(&house.client_files, &client);
    call_well_for(&house, 2500);
    files_trust(&house.server_files, &next, NULL);
    files_trust(&house.client_files, &next, NULL);
    call_well_for(&house, 2500);
    const struct stranger old = {.party = &house.client}, fresh = {.party = &client};
    cr_expect_not(stranger_taken(&old, port_of(&house)), "the old identity is taken");
    cr_expect(stranger_taken(&fresh, port_of(&house)), "the new identity is refused");
    party_free(&server);
    party_free(&client);
    party_free(&next);
    house_free(&house);
}

// A peer that would stay for ever on the connection it has.
Test(tls, server_ends_connections_for_their_age, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    const struct stranger stranger = {.party = &house.client, .stays = true};
    int64_t began_ms = now_ms();
    cr_expect(stranger_taken(&stranger, port_of(&house)));
    int64_t kept_ms = now_ms() - began_ms;
    cr_expect(kept_ms > AGE_S * 800 && kept_ms < REVOKED_MS_MAX, "%d ms", (int)kept_ms);
    house_free(&house);
}

// The client leaves a connection at half of its age, so that what it begins has that much more: a
// call that is begun late in a connection's life, and is answered after the server cut that off.
Test(tls, call_in_hand_outlives_the_connection_that_it_could_have_taken, .timeout = 60)
{
    struct house house = house_aged("DNS:payments.obol", "DNS:gateway.obol", 4, 4);
    house.fixture->gate.open = false;
    call_well_for(&house, 3400); // renewed at 2.0 s
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_verify(house.fixture, "hold");
    rpc_start(house.fixture->client, call, homecoming_one, &homecoming);
    gate_expect(&house.fixture->gate, 1);
    call_well_for(&house, 5600); // the first connection is cut at 8.4 s, the second from 9.6 s on
    gate_open(&house.fixture->gate);
    homecoming_expect(&homecoming, 1);
    cr_expect_eq(call->problem.status, STATUS_OK, "%s", call->problem.detail);
    house_free(&house);
}

// The others' files change later than ours: until the new identity is taken, the old one serves.
Test(tls, identity_that_is_not_trusted_yet_costs_no_call, .timeout = 60)
{
    struct house house = house_aged("DNS:payments.obol", "DNS:gateway.obol", 8, 8);
    struct party next = authority_new();
    struct party client = party_new(&next, "DNS:gateway.obol", -DAY_S, DAY_S);
    cr_assert_eq(verifies(&house), STATUS_OK);
    files_identity(&house.client_files, &client);
    call_well_for(&house, 1500);
    files_trust(&house.server_files, &house.authority, &next);
    call_well_for(&house, 3500);
    party_free(&client);
    party_free(&next);
    house_free(&house);
}

// Its authority is struck from the server's file; a connection that stands goes on for so long, and
// its owner, who keeps his old files, is out.
Test(tls, revoked_certificate_dies_within_the_stated_time, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    struct party next = authority_new();
    cr_assert_eq(verifies(&house), STATUS_OK);
    files_trust(&house.server_files, &next, NULL);
    int64_t took_ms = call_until(&house, STATUS_UNAVAILABLE, STATUS_OK, REVOKED_MS_MAX);
    cr_log_info("refused after %d ms", (int)took_ms);
    const struct stranger old = {.party = &house.client};
    cr_expect_not(stranger_taken(&old, port_of(&house)));
    party_free(&next);
    house_free(&house);
}

// The other direction: what the client's own file no longer trusts is left, though it still serves.
Test(tls, client_leaves_a_server_it_no_longer_trusts, .timeout = 60)
{
    struct house house = house_aged("DNS:payments.obol", "DNS:gateway.obol", 600, AGE_S);
    struct party next = authority_new();
    cr_assert_eq(verifies(&house), STATUS_OK);
    files_trust(&house.client_files, &next, NULL);
    call_until(&house, STATUS_UNAVAILABLE, STATUS_OK, REVOKED_MS_MAX);
    files_trust(&house.client_files, &house.authority, NULL);
    call_until(&house, STATUS_OK, STATUS_UNAVAILABLE, WAIT_MS);
    party_free(&next);
    house_free(&house);
}

Test(tls, broken_files_leave_the_old_ones_in_use, .timeout = 60)
{
    struct house house = house_new("DNS:payments.obol", "DNS:gateway.obol");
    struct party other = party_new(&house.authority, "DNS:payments.obol", -DAY_S, DAY_S);
    file_replace(house.server_files.key, NULL, 0, other.key); // another's key
    file_replace(house.client_files.certificate, NULL, 0, NULL);
    call_well_for(&house, 2500); // two looks, and a connection's life
    const struct stranger good = {.party = &house.client};
    cr_expect(stranger_taken(&good, port_of(&house)));
    files_identity(&house.server_files, &other); // mended
    files_identity(&house.client_files, &house.client);
    call_well_for(&house, 2500);
    party_free(&other);
    house_free(&house);
}
