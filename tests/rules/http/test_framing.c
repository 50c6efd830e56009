#include <criterion/criterion.h>

#include "http/framing.h"

#define JUDGE(...)                                                                                 \
    framing_refusal((struct http_header[]){__VA_ARGS__},                                           \
                    sizeof((struct http_header[]){__VA_ARGS__}) / sizeof(struct http_header),      \
                    true)

Test(framing, accepts_one_plain_length_or_one_chunked)
{
    cr_expect_eq(JUDGE({"Host", "a"}), 0);
    cr_expect_eq(JUDGE({"Content-Length", "12"}), 0);
    cr_expect_eq(JUDGE({"transfer-encoding", "Chunked"}), 0);
}

Test(framing, refuses_two_ends_of_one_request)
{
    cr_expect_eq(JUDGE({"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}), 400);
    cr_expect_eq(JUDGE({"Content-Length", "5"}, {"content-length", "5"}), 400);
    cr_expect_eq(JUDGE({"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}), 400);
}

Test(framing, refuses_odd_lengths_encodings_and_names)
{
    cr_expect_eq(JUDGE({"Content-Length", "+5"}), 400);
    cr_expect_eq(JUDGE({"Content-Length", "5 6"}), 400);
    cr_expect_eq(JUDGE({"Content-Length", "0x5"}), 400);
    cr_expect_eq(JUDGE({"Content-Length", ""}), 400);
    cr_expect_eq(JUDGE({"Transfer-Encoding", "gzip"}), 400);
    cr_expect_eq(JUDGE({"Transfer-Encoding", "gzip, chunked"}), 400);
    cr_expect_eq(JUDGE({"Transfer-Encoding", "xchunked"}), 400);
    cr_expect_eq(JUDGE({"Content-Length ", "5"}), 400);
    cr_expect_eq(JUDGE({"", "5"}), 400);
    struct http_header old = {"Transfer-Encoding", "chunked"};
    cr_expect_eq(framing_refusal(&old, 1, false), 400);
}

Test(framing, refuses_too_many_headers)
{
    struct http_header headers[FRAMING_HEADERS_MAX + 1];
    for (size_t i = 0; i <= FRAMING_HEADERS_MAX; i++)
        headers[i] = (struct http_header){"a", "b"};
    cr_expect_eq(framing_refusal(headers, FRAMING_HEADERS_MAX, true), 0);
    cr_expect_eq(framing_refusal(headers, FRAMING_HEADERS_MAX + 1, true), 431);
}

Test(framing, sees_a_close_among_other_options)
{
    cr_expect(framing_wants_close(&(struct http_header){"connection", "Close"}, 1));
    cr_expect(framing_wants_close(&(struct http_header){"Connection", "keep-alive , close,x"}, 1));
    cr_expect_not(
        framing_wants_close(&(struct http_header){"Connection", "closed, un close-d"}, 1));
    cr_expect_not(framing_wants_close(&(struct http_header){"Connection", ""}, 1));
    cr_expect_not(framing_wants_close(&(struct http_header){"Host", "close"}, 1));
}
