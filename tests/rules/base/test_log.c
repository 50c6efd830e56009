#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"

static char captured[1 << 20];

static int kept, file;

static void begin(const char *level, const char *format)
{
    char path[] = "/tmp/obol_log_XXXXXX";
    setenv("LOG_LEVEL", level, 1);
    setenv("LOG_FORMAT", format, 1);
    log_init("payments");
    file = mkstemp(path);
    unlink(path);
    kept = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
}

static const char *end(void)
{
    dup2(kept, STDERR_FILENO);
    ssize_t length = pread(file, captured, sizeof(captured) - 1, 0);
    captured[length > 0 ? length : 0] = '\0';
    close(file);
    close(kept);
    return captured;
}

// The line after its time.
static const char *after_time(const char *line)
{
    int64_t us;
    char time[RFC3339_SIZE] = "";
    cr_assert_eq(strncmp(line, "{\"time\":\"", 9), 0);
    memcpy(time, line + 9, 24);
    cr_assert(clock_parse_rfc3339(time, &us));
    return line + 9 + 24;
}

Test(log, write_makes_one_json_line)
{
    begin("", "");
    log_info("payment settled", LOG_S("payment", "pay_1"), LOG_I("amount", -50000));
    const char *line = after_time(end());
    cr_assert_str_eq(line, "\",\"level\":\"info\",\"service\":\"payments\",\"event\":\"payment "
                           "settled\",\"payment\":\"pay_1\",\"amount\":-50000}\n");
}

Test(log, write_escapes_values_and_names)
{
    begin("", "");
    log_warn("a\"b", LOG_S("n\\", "\n\t\x01\x7f\"\\ caf\xc3\xa9 \xff"), LOG_S("null", NULL));
    cr_assert_not_null(strstr(end(),
                              "\"event\":\"a\\\"b\",\"n\\\\\":\"\\n\\t\\u0001\\u007f\\\"\\\\ "
                              "caf\xc3\xa9 \xef\xbf\xbd\",\"null\":\"\"}\n"));
}

Test(log, write_respects_the_level)
{
    begin("warn", "");
    log_debug("d");
    log_info("i");
    log_warn("w");
    log_error("e");
    const char *text = end();
    cr_assert_null(strstr(text, "\"event\":\"d\""));
    cr_assert_null(strstr(text, "\"event\":\"i\""));
    cr_assert_not_null(
        strstr(text, "\"level\":\"warn\",\"service\":\"payments\",\"event\":\"w\"}"));
    cr_assert_not_null(strstr(text, "\"level\":\"error\""));
}

Test(log, init_takes_an_unknown_level_as_info)
{
    begin("loud", "");
    log_debug("d");
    log_info("i");
    const char *text = end();
    cr_assert_null(strstr(text, "\"d\""));
    cr_assert_not_null(strstr(text, "\"i\""));
}

Test(log, write_makes_text_for_people)
{
    begin("debug", "text");
    log_info("payment settled", LOG_S("payment", "pay_1"), LOG_S("status", "succeeded"));
    log_error("broke", LOG_S("why", "no\nroute to host"), LOG_I("n", 3), LOG_S("x", ""));
    log_debug("plain");
    char *text = (char *)end();
    cr_assert_eq(strspn(text, "0123456789:."), 12);
    cr_assert_not_null(
        strstr(text, " payments  payment settled  payment=pay_1 status=succeeded\n"));
    cr_assert_not_null(
        strstr(text, " payments  ERROR broke  why=\"no\\nroute to host\" n=3 x=\"\"\n"));
    cr_assert_not_null(strstr(text, " payments  DEBUG plain\n"));
}

Test(log, write_cuts_long_lines_and_keeps_them_json)
{
    static char huge[20000];
    memset(huge, 'x', sizeof(huge) - 1);
    // Every length around the limit, so that each way of not fitting comes up.
    for (size_t length = 7900; length < 8192; length++) {
        begin("", "");
        huge[length] = '\0';
        log_info("e", LOG_S("a", huge), LOG_I("number", 123456), LOG_S("b", "tail"));
        huge[length] = 'x';
        const char *line = end();
        size_t written = strlen(line);
        cr_assert_leq(written, 8192);
        cr_assert_eq(strchr(line, '\n'), line + written - 1);
        bool cut = strstr(line, ",\"cut\":true}\n");
        bool whole = strstr(line, "\"number\":123456,\"b\":\"tail\"}\n");
        cr_assert_neq(cut, whole, "%zu", length);
        size_t quotes = 0;
        for (const char *at = line; *at; at++)
            quotes += *at == '"';
        cr_assert_eq(quotes % 2, 0, "%zu", length);
    }
}

Test(log, write_cuts_a_long_event_and_long_text)
{
    static char huge[20000];
    memset(huge, '\n', sizeof(huge) - 1);
    begin("", "");
    log_info(huge, LOG_S("a", "b"));
    const char *line = end();
    cr_assert_leq(strlen(line), 8192);
    cr_assert_not_null(strstr(line, "\",\"cut\":true}\n"));
    begin("", "text");
    log_info("e", LOG_S("a", huge), LOG_S("b", huge));
    line = end();
    cr_assert_leq(strlen(line), 8192);
    cr_assert_not_null(strstr(line, " (cut)\n"));
}

static void *write_lines(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++)
        log_info("from a thread", LOG_S("filler", "0123456789012345678901234567890123456789"));
    return NULL;
}

Test(log, write_never_mixes_lines)
{
    begin("", "");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_lines, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *at = end();
    int lines = 0;
    for (const char *next; (next = strchr(at, '\n')); at = next + 1, lines++) {
        after_time(at);
        cr_assert_eq(next[-1], '}');
    }
    cr_assert_eq(lines, 800);
}

static void check_escape(const char *text, const char *expected)
{
    CLEANUP(buffer_deinit) struct buffer out;
    buffer_init(&out, 1000);
    escape_string(&out, text);
    cr_assert_str_eq(out.at, expected);
}

Test(escape, string_replaces_what_is_no_utf8)
{
    check_escape(NULL, "null");
    check_escape("", "\"\"");
    check_escape("\b\f\n\r\t/", "\"\\b\\f\\n\\r\\t/\"");
    check_escape("\xf0\x9f\x92\xb3\xe2\x82\xac", "\"\xf0\x9f\x92\xb3\xe2\x82\xac\"");
    check_escape("\xc3", "\"\xef\xbf\xbd\"");                 // ends too early
    check_escape("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""); // overlong
    check_escape("\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_escape("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); // surrogate
    check_escape("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_escape("\xf0\x9f\x92", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(log, only_known_levels_and_formats_are_taken)
{
    const char *levels[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < 4; i++)
        cr_assert_null(log_fault(levels[i], "json"));
    cr_assert_null(log_fault("info", "text"));
    cr_assert_not_null(log_fault("Info", "json"));
    cr_assert_not_null(log_fault("", "json"));
    cr_assert_not_null(log_fault("info", "yaml"));
}
