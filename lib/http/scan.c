#include "http/scan.h"

#include <ctype.h>
#include <string.h>

#define LENGTH_MAX ((uint64_t)1 << 48)
#define CHUNK_MAX ((uint64_t)1 << 32)
#define WORD_OTHER UINT8_MAX // too long to be one that is looked for

enum state {
    METHOD,
    TARGET_FIRST,
    TARGET,
    VERSION,
    LINE_LF,
    HEADER, // the first character of a header, or the end of them
    NAME,
    VALUE_FIRST,
    VALUE,
    VALUE_LF,
    HEAD_LF,
    BODY,
    CHUNK_SIZE_FIRST,
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    LAST_CR,
    LAST_LF,
};

enum field { FIELD_OTHER, FIELD_LENGTH, FIELD_ENCODING, FIELD_HOST };

static const char version[] = "HTTP/1.";
static const char chunked[] = "chunked";

static bool token(uint8_t c) // RFC 9110, section 5.6.2
{
    return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool of_a_host(uint8_t c) // RFC 3986, section 3.2, without the comma of a list
{
    return isalnum(c) || (c && strchr("-._~%!$&'()*+;=:[]", c));
}

static void word_add(struct scan *scan, uint8_t c)
{
    if (scan->word_n >= sizeof scan->word)
        scan->word_n = WORD_OTHER;
    else
        scan->word[scan->word_n++] = (char)c;
}

static bool word_is(const struct scan *scan, const char *word)
{
    return scan->word_n == strlen(word) && memcmp(scan->word, word, scan->word_n) == 0;
}

static int step(struct scan *scan, enum state state)
{
    scan->state = (uint8_t)state;
    return 0;
}

static int expect(struct scan *scan, uint8_t c, uint8_t wanted, enum state next)
{
    return c == wanted ? step(scan, next) : 400;
}

static void request_next(struct scan *scan)
{
    *scan = (struct scan){.at = scan->at, .request_at = scan->at};
}

// evhttp reads the body of these and of no others.
static bool method_takes_body(const struct scan *scan)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (word_is(scan, methods[i]))
            return true;
    return false;
}

static int read_method(struct scan *scan, uint8_t c)
{
    if (c == ' ' && scan->word_n) {
        scan->takes_body = method_takes_body(scan);
        return step(scan, TARGET_FIRST);
    }
    if (!token(c) || scan->word_n == sizeof scan->word)
        return 400;
    word_add(scan, c);
    return 0;
}

// Whether it is a path, a URL or an authority is for others. No fragment: some cut it off, some
// don't.
static int read_target(struct scan *scan, uint8_t c)
{
    if (c == ' ' && scan->state == TARGET)
        return step(scan, VERSION);
    return c > ' ' && c < 0x7f && c != '#' ? step(scan, TARGET) : 400;
}

static int read_version(struct scan *scan, uint8_t c)
{
    size_t place = scan->matched++;
    if (place < sizeof version - 1)
        return c == (uint8_t)version[place] ? 0 : 400;
    if (place > sizeof version - 1)
        return expect(scan, c, '\r', LINE_LF);
    scan->http_1_1 = c == '1';
    return c == '0' || c == '1' ? 0 : 400;
}

static int read_header(struct scan *scan, uint8_t c)
{
    if (c == '\r')
        return step(scan, HEAD_LF);
    if (!token(c)) // a blank: a folded line
        return 400;
    if (scan->headers++ == SCAN_HEADERS_MAX)
        return 431;
    scan->word_n = 0;
    word_add(scan, (uint8_t)tolower(c));
    return step(scan, NAME);
}

static int field_begin(struct scan *scan)
{
    scan->field = FIELD_OTHER;
    scan->matched = 0;
    if (word_is(scan, "host")) {
        scan->field = FIELD_HOST;
        scan->hosts++;
    } else if (word_is(scan, "content-length")) {
        scan->field = FIELD_LENGTH;
        scan->lengths++;
    } else if (word_is(scan, "transfer-encoding")) {
        scan->field = FIELD_ENCODING;
        scan->encodings++;
    }
    return step(scan, VALUE_FIRST);
}

static int read_name(struct scan *scan, uint8_t c)
{
    if (c == ':')
        return field_begin(scan);
    if (!token(c))
        return 400;
    if (scan->word_n != WORD_OTHER)
        word_add(scan, (uint8_t)tolower(c));
    return 0;
}

static int length_add(struct scan *scan, uint8_t c)
{
    if (!isdigit(c) || scan->left > LENGTH_MAX / 10)
        return 400;
    scan->left = scan->left * 10 + (uint64_t)(c - '0');
    scan->matched = 1;
    return 0;
}

static int encoding_add(struct scan *scan, uint8_t c)
{
    bool same = scan->matched < sizeof chunked - 1 && tolower(c) == chunked[scan->matched];
    scan->matched++;
    return same ? 0 : 400;
}

static int value_end(struct scan *scan)
{
    if ((scan->field == FIELD_LENGTH && !scan->matched) ||
        (scan->field == FIELD_ENCODING && scan->matched != sizeof chunked - 1))
        return 400;
    return step(scan, VALUE_LF);
}

static int read_value(struct scan *scan, uint8_t c)
{
    bool first = scan->state == VALUE_FIRST;
    scan->state = VALUE;
    if (c == '\r')
        return value_end(scan);
    if ((c < ' ' && c != '\t') || c == 0x7f)
        return 400;
    if (first && c == ' ')
        return 0;
    if (scan->field == FIELD_LENGTH)
        return length_add(scan, c);
    if (scan->field == FIELD_ENCODING)
        return encoding_add(scan, c);
    return scan->field == FIELD_HOST && !of_a_host(c) ? 400 : 0;
}

// RFC 9112, sections 3.2 and 6.
static int head_end(struct scan *scan)
{
    bool body = scan->encodings || scan->left > 0;
    if (scan->hosts > 1 || (scan->http_1_1 && scan->hosts == 0) ||
        scan->lengths + scan->encodings > 1 || (scan->encodings && !scan->http_1_1) ||
        (body && !scan->takes_body))
        return 400;
    if (scan->encodings)
        return step(scan, CHUNK_SIZE_FIRST);
    if (scan->left)
        return step(scan, BODY);
    request_next(scan);
    return 0;
}

static int read_chunk_size(struct scan *scan, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit = c ? strchr(digits, tolower(c)) : NULL;
    if (c == '\r' && scan->state == CHUNK_SIZE)
        return step(scan, CHUNK_SIZE_LF);
    if (!digit || scan->left >= CHUNK_MAX / 16)
        return 400;
    scan->left = scan->left * 16 + (uint64_t)(digit - digits);
    return step(scan, CHUNK_SIZE);
}

static int read_last(struct scan *scan, uint8_t c)
{
    if (scan->state == LAST_CR)
        return expect(scan, c, '\r', LAST_LF);
    if (c != '\n')
        return 400;
    request_next(scan);
    return 0;
}

static int read_head(struct scan *scan, uint8_t c)
{
    if (++scan->head_bytes > SCAN_HEAD_BYTES_MAX)
        return scan->state <= TARGET ? 414 : 431;
    switch (scan->state) {
    case METHOD:
        return read_method(scan, c);
    case TARGET_FIRST:
    case TARGET:
        return read_target(scan, c);
    case VERSION:
        return read_version(scan, c);
    case LINE_LF:
    case VALUE_LF:
        return expect(scan, c, '\n', HEADER);
    case HEADER:
        return read_header(scan, c);
    case NAME:
        return read_name(scan, c);
    case HEAD_LF:
        return c == '\n' ? head_end(scan) : 400;
    default:
        return read_value(scan, c);
    }
}

static int read_chunk_line(struct scan *scan, uint8_t c)
{
    switch (scan->state) {
    case CHUNK_SIZE_LF:
        return expect(scan, c, '\n', scan->left ? CHUNK_DATA : LAST_CR);
    case CHUNK_DATA_CR:
        return expect(scan, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        return expect(scan, c, '\n', CHUNK_SIZE_FIRST);
    case LAST_CR:
    case LAST_LF:
        return read_last(scan, c);
    default:
        return read_chunk_size(scan, c);
    }
}

// As much of a body or a chunk as there is at once.
static size_t skip(struct scan *scan, size_t n)
{
    size_t taken = scan->left < n ? (size_t)scan->left : n;
    scan->at += taken;
    scan->left -= taken;
    if (scan->left)
        return taken;
    if (scan->state == BODY)
        request_next(scan);
    else
        step(scan, CHUNK_DATA_CR);
    return taken;
}

int scan_feed(struct scan *scan, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        if (scan->state == BODY || scan->state == CHUNK_DATA) {
            i += skip(scan, n - i);
            continue;
        }
        scan->at++; // a request that ends here begins the next one behind it
        int refusal =
            scan->state < BODY ? read_head(scan, bytes[i++]) : read_chunk_line(scan, bytes[i++]);
        if (refusal)
            return refusal;
    }
    return 0;
}
