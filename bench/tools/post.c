// The yardstick of webhook deliveries: what libcurl alone can do with the same bytes. So it is
// libcurl bare, not lib/http, whose guards, copies and bookkeeping are part of what is measured
// against it. Handles and connections are used again; nothing is looked at but the status.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "options.h"
#include "json/json.h"

#define AT_ONCE_MAX 4096
#define BODY_MAX ((size_t)1 << 20)
#define WAIT_MS 100
#define TIMEOUT_MS 10000L

struct poster {
    const char *url;
    int64_t at_once, count; // count 0: no bound
    double seconds;
    struct texts headers;
    struct buffer body;
    CURLM *multi;
    CURL **handles;
    struct curl_slist *lines;
    int64_t started, answered, errors;
    int64_t stop_ns;
};

static size_t drop(char *at, size_t size, size_t n, void *context)
{
    (void)at, (void)context;
    return size * n;
}

static bool body_read(struct buffer *body, const char *path)
{
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t n;
    if (!file)
        return false;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        buffer_add(body, chunk, n);
    bool good = !ferror(file) && !body->full;
    (void)fclose(file);
    return good;
}

static bool lines_build(struct poster *poster)
{
    for (size_t i = 0; i < poster->headers.n; i++) {
        struct curl_slist *longer = curl_slist_append(poster->lines, poster->headers.at[i]);
        if (!longer)
            return false;
        poster->lines = longer;
    }
    return true;
}

static CURL *handle_new(const struct poster *poster)
{
    CURL *handle = curl_easy_init();
    if (!handle)
        return NULL;
    curl_easy_setopt(handle, CURLOPT_URL, poster->url);
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)poster->body.length);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, poster->body.at ? poster->body.at : "");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, poster->lines);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    return handle;
}

static bool poster_begin(struct poster *poster)
{
    poster->multi = curl_multi_init();
    poster->handles = calloc((size_t)poster->at_once, sizeof(CURL *));
    if (!poster->multi || !poster->handles || !lines_build(poster))
        return false;
    curl_multi_setopt(poster->multi, CURLMOPT_MAXCONNECTS, (long)poster->at_once);
    for (int64_t i = 0; i < poster->at_once; i++)
        if (!(poster->handles[i] = handle_new(poster)))
            return false;
    return true;
}

static void poster_end(struct poster *poster)
{
    for (int64_t i = 0; poster->handles && i < poster->at_once; i++)
        curl_easy_cleanup(poster->handles[i]);
    curl_multi_cleanup(poster->multi);
    curl_slist_free_all(poster->lines);
    free(poster->handles);
    buffer_deinit(&poster->body);
}

static void start_next(struct poster *poster, CURL *handle)
{
    bool more = poster->count == 0 || poster->started < poster->count;
    if (!more || clock_now_ns() >= poster->stop_ns)
        return;
    if (curl_multi_add_handle(poster->multi, handle) == CURLM_OK)
        poster->started++;
}

static void take_finished(struct poster *poster)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(poster->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *handle = message->easy_handle;
        CURLcode code = message->data.result; // gone with the handle
        long status = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(poster->multi, handle);
        poster->answered++;
        poster->errors += code != CURLE_OK || status / 100 != 2;
        start_next(poster, handle);
    }
}

static int poster_run(struct poster *poster)
{
    int64_t begun_ns = clock_now_ns();
    poster->stop_ns = begun_ns + (int64_t)(poster->seconds * (double)NS_PER_S);
    for (int64_t i = 0; i < poster->at_once; i++)
        start_next(poster, poster->handles[i]);
    while (poster->answered < poster->started) {
        int running;
        curl_multi_perform(poster->multi, &running);
        take_finished(poster);
        if (poster->answered < poster->started)
            curl_multi_poll(poster->multi, NULL, 0, WAIT_MS, NULL);
    }
    double seconds = (double)(clock_now_ns() - begun_ns) / (double)NS_PER_S;
    double good = (double)(poster->answered - poster->errors);
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return bench_fail("out of memory");
    return bench_print(json_object(
        arena, (struct json_member[]){JSON_I("requests", poster->answered),
                                      JSON_R("seconds", bench_number(arena, seconds)),
                                      JSON_R("rate", bench_number(arena, good / seconds)),
                                      JSON_I("errors", poster->errors),
                                      {0}}));
}

int post_main(const struct subcommand *self, int argc, char **argv)
{
    struct poster poster = {.at_once = 1};
    const char *body_file = NULL;
    int code;
    const struct option_row rows[] = {
        {"url", OPTION_TEXT, &poster.url, 0, 0, true, "where to"},
        {"at-once", OPTION_INTEGER, &poster.at_once, 1, AT_ONCE_MAX, false, "under way (1)"},
        {"seconds", OPTION_REAL, &poster.seconds, 0.001, 3600, true, "at most"},
        {"count", OPTION_INTEGER, &poster.count, 1, 1e9, false, "at most"},
        {"body-file", OPTION_TEXT, &body_file, 0, 0, false, "the bytes to post"},
        {"header", OPTION_TEXTS, &poster.headers, 0, 0, false, "'Name: value'; may be repeated"},
        {0}};
    if (!options_read(self, argc, argv, rows, &code))
        return code;
    buffer_init(&poster.body, BODY_MAX);
    if (body_file && !body_read(&poster.body, body_file)) {
        buffer_deinit(&poster.body);
        return bench_fail("%s can't be read, or is longer than 1 MiB", body_file);
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    code = poster_begin(&poster) ? poster_run(&poster) : bench_fail("out of memory");
    poster_end(&poster);
    curl_global_cleanup();
    return code;
}
