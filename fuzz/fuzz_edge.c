// A REST request as the listener hands it over: its framing, its headers, whose key it shows, which
// method it means and with what message.
#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"
#include "gateway.h"
#include "http/client.h"
#include "http/form.h"
#include "http/framing.h"
#include "http/listener.h"
#include "support/fuzz.h"
#include "json/json.h"

#define HEADERS_MAX 160

// "POST /path?query", "Name: value" …, an empty line, the body.
static void read_request(struct fuzz_input *input, struct arena *arena,
                         struct http_exchange *exchange)
{
    static struct http_header headers[HEADERS_MAX];
    char *line = fuzz_line(input, arena), *target = strchrnul(line, ' ');
    if (*target)
        *target++ = '\0';
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    *exchange = (struct http_exchange){.arena = arena,
                                       .method = line,
                                       .path = target,
                                       .query = query,
                                       .peer = "192.0.2.1",
                                       .headers = headers};
    while (exchange->headers_n < HEADERS_MAX && *(line = fuzz_line(input, arena))) {
        char *value = strchrnul(line, ':');
        if (*value)
            *value++ = '\0';
        value += strspn(value, " ");
        headers[exchange->headers_n++] = (struct http_header){line, value};
    }
    exchange->body = fuzz_rest(input);
}

static size_t headers_named(const struct http_exchange *exchange, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < exchange->headers_n; i++)
        n += strcasecmp(exchange->headers[i].name, name) == 0;
    return n;
}

// What passes has one end only, whoever looks.
static void check_framing(const struct http_exchange *exchange)
{
    int refusal = framing_refusal(exchange->headers, exchange->headers_n, true);
    size_t lengths = headers_named(exchange, "Content-Length");
    size_t encodings = headers_named(exchange, "Transfer-Encoding");
    assert(refusal == 0 || refusal == 400 || refusal == 431);
    if (refusal)
        return;
    assert(exchange->headers_n <= FRAMING_HEADERS_MAX && lengths + encodings <= 1);
    for (size_t i = 0; i < exchange->headers_n; i++)
        assert(exchange->headers[i]
                       .name[strcspn(exchange->headers[i].name, " \t\r\"(),/:;<=>?@[\\]{}")] ==
                   '\0' &&
               exchange->headers[i].name[0]);
    const char *length = http_header_in(exchange, "Content-Length");
    assert(!length || (*length && length[strspn(length, "0123456789")] == '\0'));
    // HTTP/1.0 knows no chunks.
    assert(!encodings || framing_refusal(exchange->headers, exchange->headers_n, false) == 400);
}

static void check_credentials(const struct http_exchange *exchange, struct arena *arena)
{
    struct credentials given;
    if (!keys_read(exchange, arena, &given))
        return;
    const char *both[] = {given.id, given.secret};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(both[i]);
        assert(length >= 1 && length <= 256);
        for (size_t j = 0; j < length; j++)
            assert(both[i][j] > ' ' && both[i][j] <= '~');
    }
    const char *basic = http_header_in(exchange, "Authorization");
    if (http_header_in(exchange, "X-Api-Key") && http_header_in(exchange, "X-Api-Secret"))
        return;
    const char *pair = arena_printf(arena, "%s:%s", given.id, given.secret);
    const char *text = pair ? crypto_base64(arena, bytes_of_string(pair)) : NULL;
    assert(!text || strcmp(basic + strlen("Basic "), text) == 0); // one text a pair
}

static void check_ids(const struct http_exchange *exchange)
{
    const char *id = http_header_in(exchange, "X-Request-Id");
    const char *parent = http_header_in(exchange, "traceparent");
    char out[TRACEPARENT_SIZE];
    if (id && trace_request_id_valid(id)) {
        assert(*id && strlen(id) <= REQUEST_ID_MAX);
        assert(!strpbrk(id, " \t\r\n\"\\<>&;,%/"));
    }
    trace_continue(parent, out);
    assert(trace_valid(out) && strlen(out) == TRACEPARENT_SIZE - 1);
    if (parent && trace_valid(parent)) // the trace goes on, under another span
        assert(strncmp(parent, out, 36) == 0 && strcmp(parent + 52, out + 52) == 0);
}

static void check_key(const struct request *request)
{
    const char *key = request->idempotency_key;
    if (!key)
        return;
    size_t length = strlen(key);
    assert(length >= 1 && length <= 255 && request->fingerprint.length == SHA256_BYTES);
    for (size_t i = 0; i < length; i++)
        assert(key[i] >= ' ' && key[i] <= '~');
    const char *given = http_header_in(request->exchange, "Idempotency-Key");
    assert(strstr(given, key) && strlen(given) - length <= 2); // at most its quotes are gone
}

static void check_shown(const struct request *request)
{
    int status = refusal_http_status(&request->problem);
    const struct json_value *shown = NULL;
    int64_t number = 0;
    assert(request->problem.status != STATUS_OK && request->problem.code);
    assert(status == 400 || status == 404 || status == 415 || status == 422 || status == 429 ||
           status == 503);
    const char *json = refusal_json(request->arena, &request->problem, status, "req_1");
    if (!json ||
        json_parse(request->arena, bytes_of_string(json), &shown) == STATUS_RESOURCE_EXHAUSTED)
        return;
    // Its strictness about UTF-8 is the check: a parameter's name may have been anything.
    assert(shown && json_get_integer(shown, "status", &number) && number == status);
}

// A path's variables, encoded again, lead to the same method with the same values.
static void check_route(const struct routes *routes, const struct request *request)
{
    const struct route_match *match = &request->match;
    const char *path = "", *rule = match->rule->path;
    struct route_match again;
    size_t n = 0;
    while (path && *rule) {
        size_t plain = strcspn(rule, "{");
        path = arena_printf(request->arena, "%s%.*s", path, (int)plain, rule);
        rule += plain;
        if (path && *rule) {
            const char *value = http_encode(request->arena, match->values[n++]);
            path = value ? arena_printf(request->arena, "%s%s", path, value) : NULL;
            rule = strchr(rule, '}') + 1;
        }
    }
    if (!path || routes_find(routes, request->arena, match->rule->verb, path, &again) != STATUS_OK)
        return; // a value like a literal of a more special path
    for (size_t i = 0; again.method == match->method && i < match->n; i++)
        assert(strcmp(again.values[i], match->values[i]) == 0);
}

// A provider's callback goes on with the address it came from, as the proxies tell it.
static struct edge *the_edge(void)
{
    static struct gateway gateway;
    static struct edge edge = {.gateway = &gateway};
    if (!gateway.proxies.n)
        assert(proxies_read("192.0.2.0/24, 2001:db8::/32", &gateway.proxies));
    return &edge;
}

static void check_address(const struct request *request)
{
    const char *address = request->address;
    struct address_range range;
    assert(address_range_parse(address, strlen(address), &range) && !strchr(address, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct routes *routes;
    struct fuzz_input input;
    struct http_exchange exchange;
    struct arena *arena = fuzz_begin(data, size, &input);
    if (!routes)
        routes = routes_new();
    read_request(&input, arena, &exchange);
    check_framing(&exchange);
    check_credentials(&exchange, arena);
    check_ids(&exchange);
    struct request request = {
        .edge = the_edge(), .exchange = &exchange, .arena = arena, .tenant_id = "", .key_id = ""};
    enum status status = routes_find(routes, arena, exchange.method, exchange.path, &request.match);
    assert(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_UNIMPLEMENTED);
    assert((status == STATUS_UNIMPLEMENTED) == (request.match.allow != NULL));
    if (status != STATUS_OK)
        return 0;
    request.method = request.match.method;
    check_route(routes, &request);
    if (transcode_in(&request) != STATUS_OK) {
        check_shown(&request);
        return 0;
    }
    assert(request.message && request.message->descriptor == request.method->input);
    if (request.method->raw) // a provider's bytes go on as they came
        check_address(&request);
    else
        fuzz_check_message(arena, request.message);
    check_key(&request);
    return 0;
}
