#include "../sandbox/ask.h"
#include "crypto/crypto.h"
#include "merchant.h"

#define SECRET "whsec_test_abc123"
#define BODY                                                                                       \
    "{\"id\":\"evt_1\",\"event\":\"payment.succeeded\",\"sequence\":3,"                            \
    "\"data\":{\"payment\":{\"id\":\"pay_1\"}}}"

static struct merchant merchant;
static struct asker asker;

static void *loop_begin(void *context, struct http_loop *loop)
{
    ((struct merchant *)context)->loop = loop;
    return context;
}

static void setup(void)
{
    merchant =
        (struct merchant){.secret = SECRET, .receipts = receipts_new(), .holder = holder_new()};
    const struct http_server_config config = {
        .address = "127.0.0.1",
        .loops = 1,
        .body_max = 65536,
        .connections_max = 100,
        .request_s = 10,
        .idle_s = 10,
        .loop_begin = loop_begin,
        .handle = merchant_handle,
        .context = &merchant,
    };
    asker = (struct asker){.arena = arena_new(ARENA_CAP_BATCH), .client = http_client_new(4, "t")};
    cr_assert_eq(http_server_start(&config, &asker.server), STATUS_OK);
}

static void teardown(void)
{
    http_client_free(asker.client);
    holder_release(merchant.holder);
    http_server_stop(asker.server, 2000);
    holder_free(merchant.holder);
    receipts_free(merchant.receipts);
    arena_free(asker.arena);
}

TestSuite(receiver, .init = setup, .fini = teardown, .timeout = 60);

static struct http_response deliver(const char *secret, int64_t total_ms)
{
    struct arena *arena = asker.arena;
    const char *now = arena_printf(arena, "%lld", (long long)(clock_unix_us() / US_PER_S));
    const char *message = arena_printf(arena, "evt_1.%s.%s", now, BODY);
    struct sha256 whole = crypto_hmac_sha256(bytes_of_string(secret), bytes_of_string(BODY));
    struct sha256 standard =
        crypto_hmac_sha256(bytes_of_string("test_abc123"), bytes_of_string(message));
    const char *signature =
        arena_printf(arena, "v1,%s", crypto_base64(arena, BYTES_OF_ARRAY(standard.at)));
    asker.headers[0] =
        (struct http_header){"X-Webhook-Signature", crypto_hex(arena, BYTES_OF_ARRAY(whole.at))};
    asker.headers[1] = (struct http_header){"webhook-id", "evt_1"};
    asker.headers[2] = (struct http_header){"webhook-timestamp", now};
    asker.headers[3] = (struct http_header){"webhook-signature", signature};
    asker.headers_n = 4;
    return ask_for(&asker, total_ms, "POST", "/webhook", BODY);
}

static const char *received(const char *query)
{
    return (const char *)ask(&asker, "GET", arena_printf(asker.arena, "/received%s", query), NULL)
        .body.at;
}

static int control(const char *json)
{
    return ask(&asker, "POST", "/control", json).status;
}

Test(receiver, takes_and_remembers_what_is_genuine)
{
    cr_assert_eq(deliver(SECRET, ASK_MS).status, 200);
    cr_assert_eq(deliver(SECRET, ASK_MS).status, 200);
    const char *list = received("?event=payment.succeeded&object=pay_1&since=1");
    cr_assert_not_null(strstr(list, "\"index\":1,\"id\":\"evt_1\""));
    cr_assert_null(strstr(list, "\"index\":0"));
    cr_assert_not_null(strstr(list, "\"verified\":true"));
    cr_assert_not_null(strstr(list, "\"sequence\":3"));
    cr_assert_str_eq(received("?object=pay_2"), "[]");
}

Test(receiver, refuses_what_is_forged)
{
    cr_assert_eq(deliver("whsec_other", ASK_MS).status, 401);
    cr_assert_not_null(strstr(received(""), "\"verified\":false"));
}

Test(receiver, fails_as_often_as_told)
{
    cr_assert_eq(control("{\"fail\":503,\"fail_times\":2,\"retry_after\":7}"), 200);
    struct http_response response = deliver(SECRET, ASK_MS);
    cr_assert_eq(response.status, 503);
    cr_assert_str_eq(http_response_header(&response, "retry-after"), "7");
    cr_assert_eq(deliver(SECRET, ASK_MS).status, 503);
    cr_assert_str_eq(received(""), "[]");
    cr_assert_not_null(strstr(received("?attempts=true"), "\"status\":503"));
    cr_assert_eq(deliver(SECRET, ASK_MS).status, 200);
    cr_assert_eq(control("{\"fail\":42}"), 400);
    cr_assert_eq(control("nonsense"), 400);
}

Test(receiver, takes_its_time_or_never_answers)
{
    cr_assert_eq(control("{\"delay_ms\":200}"), 200);
    int64_t before_ns = clock_now_ns();
    cr_assert_eq(deliver(SECRET, ASK_MS).status, 200);
    cr_assert(clock_now_ns() - before_ns >= 200 * NS_PER_MS);
    cr_assert_eq(control("{\"hang\":true}"), 200);
    cr_assert_eq(deliver(SECRET, 200).failure, HTTP_TIMEOUT);
    cr_assert_eq(control("{\"hang\":false,\"drop\":true}"), 200);
    cr_assert_eq(deliver(SECRET, 200).failure, HTTP_TIMEOUT);
    cr_assert_null(strstr(received(""), "\"index\":2"), "what is dropped is not remembered");
}

Test(receiver, forgets_when_asked)
{
    deliver(SECRET, ASK_MS);
    cr_assert_eq(ask(&asker, "DELETE", "/received", NULL).status, 204);
    cr_assert_str_eq(received(""), "[]");
    cr_assert_eq(ask(&asker, "GET", "/health", NULL).status, 200);
    cr_assert_eq(ask(&asker, "GET", "/webhook", NULL).status, 404);
}
