#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/resolver.h"
#include "rpc/http/wire.h"

// The name server of these tests: takes the place of the system's getaddrinfo in this program.
//   stuck*         no answer until released; one.d.test alone: until let_one
//   then.d.test    1.1.1.1 the first time, then as stuck
//   mixed.test     a public address and a loopback one
//   public.test    1.1.1.1;  local.test 127.0.0.1;  many.test ten addresses;  anything else:
//   unknown
static atomic_int asked, asked_then;
static atomic_bool released, let_one;

static struct addrinfo *entry(const char *address, struct addrinfo *next)
{
    struct addrinfo *made = calloc(1, sizeof *made + sizeof(struct sockaddr_in));
    struct sockaddr_in *in = (struct sockaddr_in *)(made + 1);
    *in = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, address, &in->sin_addr);
    *made = (struct addrinfo){.ai_family = AF_INET,
                              .ai_addr = (struct sockaddr *)in,
                              .ai_addrlen = sizeof *in,
                              .ai_next = next};
    return made;
}

static bool literal(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    (void)service;
    if (hints && (hints->ai_flags & AI_NUMERICHOST)) {
        *ret = literal(host) ? entry(host, NULL) : NULL;
        return *ret ? 0 : EAI_NONAME;
    }
    atomic_fetch_add(&asked, 1);
    *ret = NULL;
    bool one = strcmp(host, "one.d.test") == 0, then = strcmp(host, "then.d.test") == 0;
    bool first = then && atomic_fetch_add(&asked_then, 1) == 0;
    if (strncmp(host, "stuck", 5) == 0 || one || (then && !first)) {
        while (!atomic_load(&released) && !(one && atomic_load(&let_one)))
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        return EAI_AGAIN;
    }
    if (strcmp(host, "mixed.test") == 0)
        *ret = entry("1.1.1.1", entry("127.0.0.1", NULL));
    else if (strcmp(host, "public.test") == 0 || first)
        *ret = entry("1.1.1.1", NULL);
    else if (strcmp(host, "local.test") == 0)
        *ret = entry("127.0.0.1", NULL);
    else if (strcmp(host, "many.test") == 0) {
        *ret = entry("10.0.0.1", NULL); // the last one
        for (int i = 0; i < 9; i++)
            *ret = entry("1.1.1.1", *ret);
    }
    return *ret ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *at)
{
    for (struct addrinfo *next; at; at = next) {
        next = at->ai_next;
        free(at);
    }
}

TestSuite(resolver, .timeout = 60);

static void nothing(void *context)
{
    (void)context;
}

static struct resolved take(struct resolver *resolver, const char *expected)
{
    struct resolved result;
    char host[HOST_MAX + 1];
    int64_t until = clock_deadline_ns(10000);
    while (!resolver_take(resolver, host, &result)) {
        cr_assert_gt(clock_left_ms(until), 0);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    cr_assert_str_eq(host, expected);
    return result;
}

Test(resolver, remembers_an_answer_and_asks_once)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    struct resolved result;
    cr_expect_not(resolver_cached(resolver, "public.test", &result));
    cr_assert(resolver_ask(resolver, "public.test"));
    result = take(resolver, "public.test");
    cr_expect_eq(result.n, 1);
    cr_expect(result.all_public);
    cr_expect(resolver_cached(resolver, "PUBLIC.test", &result));
    cr_expect_eq(result.n, 1);
    cr_expect_eq(asked, 1);
    resolver_close(resolver);
    resolver_close(NULL);
}

Test(resolver, forgets_a_failure)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    struct resolved result;
    for (int i = 1; i <= 2; i++) {
        cr_assert(resolver_ask(resolver, "unknown.test"));
        cr_expect_eq(take(resolver, "unknown.test").n, 0);
        cr_expect_not(resolver_cached(resolver, "unknown.test", &result));
        cr_expect_eq(asked, i);
    }
    resolver_close(resolver);
}

Test(resolver, judges_every_address_of_a_host)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    cr_assert(resolver_ask(resolver, "mixed.test"));
    struct resolved result = take(resolver, "mixed.test");
    cr_expect_eq(result.n, 2);
    cr_expect_not(result.all_public);
    cr_assert(resolver_ask(resolver, "many.test"));
    result = take(resolver, "many.test");
    cr_expect_eq(result.n, RESOLVED_MAX);
    cr_expect_not(result.all_public);
    resolver_close(resolver);
}

Test(resolver, holds_one_thread_for_a_host_that_gets_no_answer)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    for (int i = 0; i < 100; i++)
        cr_assert(resolver_ask(resolver, "stuck.test"));
    cr_assert(resolver_ask(resolver, "public.test"));
    cr_expect_eq(take(resolver, "public.test").n, 1);
    atomic_store(&released, true);
    cr_expect_eq(take(resolver, "stuck.test").n, 0);
    cr_expect_eq(asked, 2);
    resolver_close(resolver);
}

static void ask_stuck(struct resolver *resolver, int n, const char *format)
{
    for (int i = 0; i < n; i++) {
        char host[32];
        snprintf(host, sizeof host, format, i);
        cr_assert(resolver_ask(resolver, host));
    }
}

Test(resolver, keeps_threads_for_hosts_that_have_answered_before)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    cr_assert(resolver_ask(resolver, "public.test"));
    take(resolver, "public.test");
    ask_stuck(resolver, 200, "stuck.of%d.test"); // each of a domain of its own
    cr_assert(resolver_ask(resolver, "public.test"));
    cr_expect_eq(take(resolver, "public.test").n, 1);
    atomic_store(&released, true);
    resolver_close(resolver);
}

Test(resolver, keeps_threads_for_hosts_of_other_domains)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    ask_stuck(resolver, 200, "stuck%d.one.Test");
    cr_assert(resolver_ask(resolver, "public.test")); // never heard of before
    cr_expect_eq(take(resolver, "public.test").n, 1);
    atomic_store(&released, true);
    resolver_close(resolver);
}

// The end of one look-up may let two others begin: one by its domain's share, one by the
// strangers'.
Test(resolver, begins_all_that_a_look_up_stood_in_the_way_of)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    cr_assert(resolver_ask(resolver, "then.d.test"));
    take(resolver, "then.d.test");
    cr_assert(resolver_ask(resolver, "one.d.test"));
    ask_stuck(resolver, 7, "stuck%d.d.test");
    ask_stuck(resolver, 16, "stuck.of%d.test");
    int64_t until = clock_deadline_ns(10000);
    while (asked < 25)
        cr_assert_gt(clock_left_ms(until), 0);
    cr_assert(resolver_ask(resolver, "then.d.test"));
    cr_assert(resolver_ask(resolver, "public.test"));
    atomic_store(&let_one, true);
    take(resolver, "one.d.test");
    cr_expect_eq(take(resolver, "public.test").n, 1);
    atomic_store(&released, true);
    resolver_close(resolver);
}

Test(resolver, resolves_all_that_waited_for_a_share)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    for (int i = 0; i < 200; i++) {
        char host[32];
        snprintf(host, sizeof host, "stuck%d.of%d.test", i, i % 20);
        cr_assert(resolver_ask(resolver, host));
    }
    atomic_store(&released, true);
    struct resolved result;
    char host[HOST_MAX + 1];
    int64_t until = clock_deadline_ns(20000);
    for (int taken = 0; taken < 200;) {
        taken += resolver_take(resolver, host, &result);
        cr_assert_gt(clock_left_ms(until), 0);
    }
    resolver_close(resolver);
}

Test(resolver, refuses_more_hosts_than_its_queue_holds)
{
    struct resolver *resolver = resolver_new(nothing, NULL);
    int taken = 0;
    for (int i = 0; i < 300; i++) {
        char host[32];
        snprintf(host, sizeof host, "stuck%d.test", i);
        taken += resolver_ask(resolver, host);
    }
    cr_expect_eq(taken, 256);
    resolver_close(resolver); // with its threads stuck
    atomic_store(&released, true);
}

static struct http_response run(struct http_client *client, struct arena *arena, const char *url,
                                bool public_only)
{
    struct http_request request = {.method = "POST",
                                   .url = url,
                                   .connect_ms = 300,
                                   .total_ms = 5000,
                                   .public_only = public_only};
    struct http_response response = {0};
    int64_t until = clock_deadline_ns(10000);
    cr_assert_eq(http_client_start(client, &request), STATUS_OK);
    while (!http_client_collect(client, arena, 1000, &response, 1))
        cr_assert_gt(clock_left_ms(until), 0);
    return response;
}

Test(resolver, ends_a_request_whose_host_is_not_found_in_time)
{
    struct http_client *client = http_client_new(4, "obol-test/1");
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    int64_t begun = clock_now_ns();
    cr_expect_eq(run(client, arena, "http://stuck.test/", false).failure, HTTP_NO_CONNECTION);
    cr_expect_lt(clock_now_ns() - begun, 3 * NS_PER_S);
    begun = clock_now_ns();
    http_client_free(client); // the look-up is still out
    cr_expect_lt(clock_now_ns() - begun, 3 * NS_PER_S);
    atomic_store(&released, true);
    arena_free(arena);
}

Test(resolver, lets_no_request_out_when_one_address_is_private)
{
    struct http_client *client = http_client_new(4, "obol-test/1");
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    for (int i = 0; i < 2; i++) { // resolved, then remembered
        cr_expect_eq(run(client, arena, "http://mixed.test:4000/", true).failure, HTTP_REFUSED_URL);
        cr_expect_eq(run(client, arena, "http://local.test:4000/", true).failure, HTTP_REFUSED_URL);
    }
    cr_expect_eq(asked, 2);
    cr_expect_eq(run(client, arena, "http://public.test:25/", true).failure, HTTP_REFUSED_URL);
    cr_expect_eq(asked, 2); // a port of another service: not even asked for
    http_client_free(client);
    arena_free(arena);
}

static void answer(struct wire_peer *peer, int fd)
{
    while (wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n")) {
        peer->requests++;
        peer->seen[0] = '\0';
        wire_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

Test(resolver, pins_the_connection_to_what_was_resolved)
{
    struct wire_peer peer;
    wire_peer_start(&peer, answer);
    struct http_client *client = http_client_new(4, "obol-test/1");
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    char url[64];
    snprintf(url, sizeof url, "http://local.test:%u/", peer.port);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(run(client, arena, url, false).status, 200);
    cr_expect_eq(asked, 1); // libcurl has asked nobody
    cr_expect_eq(run(client, arena, url, true).failure, HTTP_REFUSED_URL);
    http_client_free(client);
    wire_peer_end(&peer);
    cr_expect_eq(peer.requests, 3);
    arena_free(arena);
}
