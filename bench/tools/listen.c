// The bare listener answering a constant: the yardstick of the gateway, and the fast receiver of
// webhooks.
#include "listen.h"

#include "base/clock.h"
#include "options.h"
#include "receiver.h"
#include "json/json.h"

#define LOOPS_MAX 64

static int print_counts(struct counts counts)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return bench_fail("out of memory");
    double seconds = (double)(counts.last_ns - counts.first_ns) / (double)NS_PER_S;
    return bench_print(
        json_object(arena, (struct json_member[]){JSON_I("requests", counts.requests),
                                                  JSON_R("seconds", bench_number(arena, seconds)),
                                                  {0}}));
}

int listen_main(const struct subcommand *self, int argc, char **argv)
{
    int64_t port = 0, loops = 1;
    const char *body = "{\"received\":true}";
    int code;
    const struct option_row rows[] = {
        {"port", OPTION_INTEGER, &port, 1, UINT16_MAX, true, "where to listen, on 127.0.0.1"},
        {"loops", OPTION_INTEGER, &loops, 1, LOOPS_MAX, false, "threads (1)"},
        {"body", OPTION_TEXT, &body, 0, 0, false, "JSON to answer every request with"},
        {0}};
    if (!options_read(self, argc, argv, rows, &code))
        return code;
    struct receiver *receiver = receiver_start(
        &(struct receiver_config){.port = (uint16_t)port, .loops = (size_t)loops, .body = body});
    if (!receiver)
        return bench_fail("port %d is taken", (int)port);
    listen_until_told();
    struct counts counts = receiver_counts(receiver);
    receiver_stop(receiver);
    return print_counts(counts);
}
