// Where the requests of a connection end: fed whole, byte by byte and in pieces, the scanner says
// the same; and it takes exactly the requests, with exactly the ends, that a second reader finds,
// which is written line by line from RFC 9112, less what http/scan.h says we refuse. So no request
// is ever found within another's body. The first line gives the lengths of the pieces.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/scan.h"
#include "support/fuzz.h"

#define ENDS_MAX 512 // of requests; a request has 16 bytes at least
#define METHOD_MAX 20
#define LENGTH_MAX ((1ULL << 48) / 10 * 10 + 9)
#define CHUNK_MAX UINT32_MAX

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
static const char tchar[] = "!#$%&'*+-.^_`|~" DIGITS LETTERS; // RFC 9110, section 5.6.2
static const char host_char[] =
    "-._~%!$&'()*+;=:[]" DIGITS LETTERS; // RFC 3986, section 3.2, no ","

enum verdict { GOOD, SHORT, BAD };

struct head {
    unsigned headers, lengths, encodings, hosts;
    unsigned long long length;
    bool http_1_1, takes_body;
};

// False: there is no line end yet. *ret NULL: what stands there is no line.
static bool take_line(struct fuzz_input *input, struct arena *arena, char **ret)
{
    const uint8_t *end = input->left ? memmem(input->at, input->left, "\r\n", 2) : NULL;
    if (!end)
        return false;
    size_t length = (size_t)(end - input->at);
    char *line = arena_strndup(arena, (const char *)input->at, length);
    assert(line);
    *ret = strlen(line) == length && !strpbrk(line, "\r\n") ? line : NULL;
    input->at += length + 2;
    input->left -= length + 2;
    return true;
}

static bool plain(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static bool one_of(const char *text, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && strncmp(text, *words, length) == 0)
            return true;
    return false;
}

// method SP request-target SP HTTP-version, section 3
static bool read_request_line(const char *line, struct head *head)
{
    static const char *const with_body[] = {"GET",   "POST",    "PUT", "DELETE",
                                            "PATCH", "OPTIONS", NULL};
    size_t method = strspn(line, tchar);
    const char *target = line + method + 1;
    if (method == 0 || method > METHOD_MAX || line[method] != ' ')
        return false;
    size_t length = strcspn(target, " ");
    if (length == 0 || target[length] != ' ')
        return false;
    for (size_t i = 0; i < length; i++)
        if (target[i] <= ' ' || target[i] > '~' || target[i] == '#')
            return false;
    const char *http = target + length + 1;
    head->takes_body = one_of(line, method, with_body);
    head->http_1_1 = strcmp(http, "HTTP/1.1") == 0;
    return head->http_1_1 || strcmp(http, "HTTP/1.0") == 0;
}

// Content-Length: 1*DIGIT, section 6.2
static bool read_length(const char *value, struct head *head)
{
    const char *number = value + strspn(value, "0");
    head->lengths++;
    if (!*value || value[strspn(value, DIGITS)] || strlen(number) > 18)
        return false;
    head->length = strtoull(number, NULL, 10);
    return head->length <= LENGTH_MAX;
}

// field-name ":" OWS field-value OWS, section 5
static bool read_field(const char *line, struct head *head)
{
    size_t name = strspn(line, tchar);
    if (name == 0 || line[name] != ':' || !plain(line) || head->headers++ == SCAN_HEADERS_MAX)
        return false;
    const char *value = line + name + 1;
    value += *value == ' ';
    if (name == strlen("Content-Length") && strncasecmp(line, "Content-Length", name) == 0)
        return read_length(value, head);
    if (name == strlen("Transfer-Encoding") && strncasecmp(line, "Transfer-Encoding", name) == 0) {
        head->encodings++;
        return strcasecmp(value, "chunked") == 0;
    }
    if (name != strlen("Host") || strncasecmp(line, "Host", name) != 0)
        return true;
    head->hosts++;
    return value[strspn(value, host_char)] == '\0';
}

// Sections 3.2 and 6.3: one host, one length, and nobody guesses.
static bool head_fits(const struct head *head)
{
    bool body = head->encodings > 0 || head->length > 0;
    return head->hosts <= 1 && (head->hosts == 1 || !head->http_1_1) &&
           head->lengths + head->encodings <= 1 && (!head->encodings || head->http_1_1) &&
           (!body || head->takes_body);
}

static enum verdict read_head(struct fuzz_input *input, struct arena *arena, struct head *head)
{
    char *line;
    if (!input->left || !memmem(input->at, input->left, "\r\n\r\n", 4))
        return SHORT;
    if (!take_line(input, arena, &line) || !line || !read_request_line(line, head))
        return BAD;
    while (take_line(input, arena, &line)) {
        if (!line)
            return BAD;
        if (!*line)
            return head_fits(head) ? GOOD : BAD;
        if (!read_field(line, head))
            return BAD;
    }
    return BAD;
}

static enum verdict skip(struct fuzz_input *input, unsigned long long n)
{
    if (input->left < n)
        return SHORT;
    input->at += n;
    input->left -= n;
    return GOOD;
}

// Section 7.1, without extensions and trailers.
static enum verdict read_chunks(struct fuzz_input *input, struct arena *arena)
{
    for (char *line; take_line(input, arena, &line);) {
        const char *number = line ? line + strspn(line, "0") : "";
        size_t n = strspn(number, DIGITS "abcdefABCDEF");
        if (!line || !*line || number[n] || n > 8)
            return BAD;
        if (n > 0 && skip(input, strtoull(number, NULL, 16)) != GOOD)
            return SHORT;
        if (input->left < 2)
            return SHORT;
        if (memcmp(input->at, "\r\n", 2) != 0)
            return BAD;
        (void)skip(input, 2);
        if (n == 0)
            return GOOD;
    }
    return SHORT;
}

static enum verdict read_request(struct fuzz_input *input, struct arena *arena)
{
    struct head head = {0};
    enum verdict verdict = read_head(input, arena, &head);
    if (verdict != GOOD)
        return verdict;
    return head.encodings ? read_chunks(input, arena) : skip(input, head.length);
}

// What the scanner made of a connection.
struct reading {
    uint64_t ends[ENDS_MAX + 1]; // ends[0] is 0
    size_t n;
    uint64_t read;
    int refusal;
};

// A copy of exactly these bytes, so that one too many is seen.
static int feed(struct scan *scan, const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert(copy);
    if (n)
        memcpy(copy, bytes, n);
    int refusal = scan_feed(scan, copy, n);
    free(copy);
    return refusal;
}

static void read_bytewise(struct bytes connection, struct reading *ret)
{
    struct scan scan = {0};
    *ret = (struct reading){.n = 1};
    for (size_t i = 0; i < connection.length && !ret->refusal; i++) {
        ret->refusal = feed(&scan, connection.at + i, 1);
        ret->read = scan.at;
        assert(scan.at == i + 1);
        if (scan.request_at == ret->ends[ret->n - 1])
            continue;
        assert(!ret->refusal && scan.request_at == i + 1 && ret->n <= ENDS_MAX);
        ret->ends[ret->n++] = scan.request_at;
    }
    assert(ret->refusal == 0 || ret->refusal == 400 || ret->refusal == 414 || ret->refusal == 431);
}

// In pieces of these lengths, over and over; "": whole.
static void check_pieces(struct bytes connection, const char *pieces, const struct reading *known)
{
    struct scan scan = {0};
    const char *piece = pieces;
    size_t at = 0, passed = 0;
    int refusal = 0;
    while (at < connection.length && !refusal) {
        size_t n = *piece ? (unsigned char)*piece % 32 + 1u : connection.length;
        n = n < connection.length - at ? n : connection.length - at;
        refusal = feed(&scan, connection.at + at, n);
        at += n;
        while (passed + 1 < known->n && known->ends[passed + 1] <= at)
            passed++;
        assert(scan.request_at == known->ends[passed]);
        assert(refusal || scan.at == at);
        if (*piece && !*++piece)
            piece = pieces;
    }
    assert(refusal == known->refusal && (at == 0 || scan.at == known->read));
}

static void check_against_reader(struct bytes connection, struct arena *arena,
                                 const struct reading *known)
{
    struct fuzz_input rest = {connection.at, connection.length};
    for (size_t i = 1; i < known->n; i++) {
        assert(read_request(&rest, arena) == GOOD);
        assert((size_t)(rest.at - connection.at) == known->ends[i]);
    }
    enum verdict verdict = read_request(&rest, arena);
    assert(verdict == SHORT || (known->refusal && verdict == BAD));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const char *pieces = fuzz_line(&input, arena);
    struct bytes connection = fuzz_rest(&input);
    read_bytewise(connection, &reading);
    check_pieces(connection, "", &reading);
    check_pieces(connection, pieces, &reading);
    check_against_reader(connection, arena, &reading);
    return 0;
}
