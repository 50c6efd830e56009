#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "http/scan.h"

// Whole, and byte by byte: the same judgement.
static int judge(const char *text, size_t length, struct scan *ret)
{
    struct scan whole = {0}, bytewise = {0};
    int first = scan_feed(&whole, (const uint8_t *)text, length), second = 0;
    for (size_t i = 0; i < length && !second; i++)
        second = scan_feed(&bytewise, (const uint8_t *)text + i, 1);
    cr_expect_eq(first, second, "%s: %d at once, %d byte by byte", text, first, second);
    cr_expect_eq(whole.request_at, bytewise.request_at, "%s", text);
    *ret = whole;
    return first;
}

static void good(const char *text, size_t ends_at)
{
    struct scan scan;
    cr_expect_eq(judge(text, strlen(text), &scan), 0, "%s", text);
    cr_expect_eq(scan.request_at, ends_at, "%s ends at %zu", text, (size_t)scan.request_at);
}

static void bad(const char *text)
{
    struct scan scan;
    cr_expect_eq(judge(text, strlen(text), &scan), 400, "%s", text);
    cr_expect_eq(scan.request_at, 0, "%s", text);
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST "POST /p HTTP/1.1\r\nHost: h\r\n"
#define NEXT "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
#define LENGTH(text) (sizeof(text) - 1)

Test(scan, finds_the_ends_of_good_requests)
{
    good(GET "\r\n", LENGTH(GET "\r\n"));
    good("GET / HTTP/1.0\r\n\r\n", LENGTH("GET / HTTP/1.0\r\n\r\n"));
    good("GET http://h/x HTTP/1.1\r\nHost:h\r\nA:\r\nB: \tx \r\n\r\n",
         LENGTH("GET http://h/x HTTP/1.1\r\nHost:h\r\nA:\r\nB: \tx \r\n\r\n"));
    good(POST "Content-Length: 5\r\n\r\nhello", LENGTH(POST "Content-Length: 5\r\n\r\nhello"));
    good(POST "Content-Length: 0\r\n\r\n", LENGTH(POST "Content-Length: 0\r\n\r\n"));
    good(POST "content-length:05\r\n\r\nhelloGE", LENGTH(POST "content-length:05\r\n\r\nhello"));
    good(POST "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0A\r\n0123456789\r\n00\r\n\r\nP",
         LENGTH(POST "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0A\r\n0123456789\r\n00\r\n"
                     "\r\n"));
    good(GET "\r\n" GET "\r\n" POST "Content-Length: 9\r\n\r\nhello", 2 * LENGTH(GET "\r\n"));
    good("HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
         LENGTH("HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
}

Test(scan, sees_no_request_within_a_body)
{
    good(POST "Content-Length: 80\r\n\r\n" NEXT, 0);
    good(POST "Transfer-Encoding: chunked\r\n\r\n40\r\n" NEXT, 0);
}

Test(scan, refuses_what_two_readers_could_end_differently)
{
    static const char *const fields[] = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length: 5\t\r\n",
        "Content-Length:  5\r\n",
        "Content-Length: 5 \r\n",
        "Content-Length:\t5\r\n",
        "Content-Length:\r\n",
        "Content-Length: \r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length : 5\r\n",
        "Content-Length\t: 5\r\n",
        " Content-Length: 5\r\n",
        "X: 1\r\n Content-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedx\r\n",
        "Transfer-Encoding: chunk\r\n",
        "Transfer-Encoding: chunked \r\n",
        "Transfer-Encoding:  chunked\r\n",
        "Transfer-Encoding:\tchunked\r\n",
        ("Transfer-Encoding: \x0b"
         "chunked\r\n"),
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POST "%s\r\n0\r\n\r\n" NEXT, fields[i]);
        bad(text);
    }
    bad("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

Test(scan, refuses_bad_chunks)
{
    static const char *const bodies[] = {
        "-1\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "\r\n",
        "g\r\n",
        "1 \r\na\r\n",
        " 1\r\na\r\n",
        "1;x\r\na\r\n0\r\n\r\n",
        "1;x=\"\r\n\"\r\na",
        "1\na\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\n\r\n\r\n0\r\n\r\nX",
        "fffffffff\r\n",
        "100000000\r\n",
        "8000000000000000\r\n",
        "10000000000000001\r\na\r\n",
        "0\r\nX-Api-Key: a\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n",
        "0\r\n \r\n\r\n",
        "0\n\n",
        "0\r\n\n",
        "0\r\n\rX",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POST "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        bad(text);
    }
}

Test(scan, refuses_lines_and_characters_that_are_none)
{
    static const char *const texts[] = {
        "\r\n" GET "\r\n",
        "\n" GET "\r\n",
        " GET / HTTP/1.1\r\n",
        "GET\t/ HTTP/1.1\r\n",
        "GET  / HTTP/1.1\r\n",
        "GET / HTTP/1.1 \r\n",
        "GET /  HTTP/1.1\r\n",
        "GET / x HTTP/1.1\r\n",
        "GET /\r\n",
        "GET\r\n",
        "GET / HTTP/1.1\nHost: h\n\n",
        "GET / HTTP/1.1\rHost: h\r\r",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\rX",
        "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX y: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX(): a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX\xc3\xa4: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n",
        "GET /\xc3\xa4 HTTP/1.1\r\n",
        "GET /\x01 HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",
        "GET / HTTP/1.2\r\n",
        "GET / HTTP/1.10\r\n",
        "GET / http/1.1\r\n",
        "GET / HTTP/0.9\r\n",
        "GET / HTTP/1.\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "AMETHODTHATISMUCHTOOLONG / HTTP/1.1\r\n",
        "AMETHODWITHALETTERTOO / HTTP/1.1\r\n",
        "G(T / HTTP/1.1\r\n",
        "\x16\x03\x01\x02",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bad(texts[i]);
    struct scan scan;
    cr_expect_eq(judge("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 26, &scan), 400);
    cr_expect_eq(judge("GET /\0 HTTP/1.1\r\n\r\n", 20, &scan), 400);
}

Test(scan, wants_one_host)
{
    bad("GET / HTTP/1.1\r\n\r\n");
    bad(GET "host: h\r\n\r\n");
    bad("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n");
    bad("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    good("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
         LENGTH("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"));
}

Test(scan, refuses_a_body_that_nobody_would_read)
{
    static const char *const methods[] = {"HEAD", "TRACE", "CONNECT", "BREW", "post"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n" NEXT,
                 methods[i]);
        bad(text);
        snprintf(text, sizeof text,
                 "%s / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 methods[i]);
        bad(text);
    }
}

Test(scan, bounds_the_head)
{
    static char text[40000];
    struct scan scan;
    memset(text, 'x', sizeof text);
    memcpy(text, "GET /", 5);
    cr_expect_eq(judge(text, sizeof text, &scan), 414);
    memcpy(text, GET "X: ", LENGTH(GET "X: "));
    cr_expect_eq(judge(text, sizeof text, &scan), 431);
    cr_expect_eq(scan.at, SCAN_HEAD_BYTES_MAX + 1);
    size_t length = LENGTH(GET);
    memcpy(text, GET, length);
    for (int i = 0; i < 128; i++, length += 5)
        memcpy(text + length, "a:b\r\n", 5);
    cr_expect_eq(judge(text, length, &scan), 431);
    memcpy(text + length - 5, "\r\n", 2);
    cr_expect_eq(judge(text, length - 3, &scan), 0);
}

Test(scan, says_where_the_bad_request_of_several_begins)
{
    struct scan scan;
    const char *text =
        GET "\r\n" POST "Content-Length: 2\r\n\r\nab" POST "Content-Length: x\r\n\r\n";
    cr_expect_eq(judge(text, strlen(text), &scan), 400);
    cr_expect_eq(scan.request_at, LENGTH(GET "\r\n" POST "Content-Length: 2\r\n\r\nab"));
}
