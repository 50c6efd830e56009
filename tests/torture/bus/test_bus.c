#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "support/support.h"
#include "torture/support/torture.h"

#define EVENTS 5

static struct test_database database;
static struct test_nats nats;

static struct db_config settings(void)
{
    return (struct db_config){.ring = test_ring(),
                              .url = database.url,
                              .schema = "house",
                              .application = "torture",
                              .statement_timeout_ms = 10000,
                              .lock_timeout_ms = 5000};
}

static void begin(void)
{
    database = test_database_new();
    nats = test_nats_start();
    db_free(test_db_open(&database, "house", NULL));
}

static void end(void)
{
    test_nats_stop(&nats);
    test_database_drop(&database);
}

struct seen {
    char object[32];
    atomic_int n[EVENTS];
};

static enum status take(void *context, struct db *db, struct arena *arena,
                        const struct event *events, size_t n)
{
    struct seen *seen = context;
    (void)db;
    (void)arena;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(events[i].object_id, seen->object) != 0)
            continue; // another child's
        torture_check(events[i].sequence >= 1 && events[i].sequence <= EVENTS);
        torture_check(events[i].body.length == 14 &&
                      memcmp(events[i].body.at, "{\"thing\":true}", 14) == 0);
        atomic_fetch_add(&seen->n[events[i].sequence - 1], 1);
    }
    return STATUS_OK;
}

static bool all_seen(const struct seen *seen)
{
    for (int i = 0; i < EVENTS; i++)
        if (atomic_load(&seen->n[i]) == 0)
            return false;
    return true;
}

// Undisturbed: what is tortured is the way from here.
static void emit(const char *object)
{
    struct db_config config = settings();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = db_new(&config);
    struct event events[EVENTS];
    for (int i = 0; i < EVENTS; i++)
        events[i] = (struct event){.id = arena_printf(arena, "evt_%s_%d", object, i),
                                   .tenant_id = "ten_a",
                                   .type = "thing.made",
                                   .object_id = object,
                                   .request_id = "req_1",
                                   .traceparent = "",
                                   .sequence = i + 1,
                                   .created_us = clock_unix_us(),
                                   .body = bytes_of_string("{\"thing\":true}")};
    enum status status = journal_append(db, arena, events, EVENTS);
    for (int i = 0; i < 1000 && status != STATUS_OK; i++) { // one that stands there already is left
        usleep(20000);
        status = journal_append(db, arena, events, EVENTS);
    }
    torture_check(status == STATUS_OK);
    db_free(db);
    arena_free(arena);
}

// A relay or a consumer that could not be started is started anew by nobody: here, when all is well
// again.
static void finish(struct bus **bus, struct relay **relay, struct consumer **consumer,
                   const struct consumer_config *wanted)
{
    struct db_config config = settings();
    if (!*bus)
        *bus = bus_new(&(struct bus_config){.settings.url = nats.url,
                                            .settings.stream = "obol",
                                            .client = "torture",
                                            .settings.replicas = 1});
    torture_check(*bus);
    if (!*relay)
        *relay = relay_start(*bus, &config, "house", NULL);
    if (!*consumer)
        *consumer = consumer_start(*bus, &config, wanted);
    torture_check(*relay && *consumer);
}

static bool carries(void)
{
    static struct seen seen;
    static const char *const filters[] = {"house.>", NULL};
    char durable[32];
    snprintf(seen.object, sizeof seen.object, "thing_%d", (int)getpid());
    snprintf(durable, sizeof durable, "torture_%d", (int)getpid());
    struct db_config config = settings();
    const struct consumer_config wanted = {
        .durable = durable, .filters = filters, .handle = take, .context = &seen};
    torture_arm();
    struct bus *bus = bus_new(&(struct bus_config){.settings.url = nats.url,
                                                   .settings.stream = "obol",
                                                   .client = "torture",
                                                   .settings.replicas = 1});
    struct relay *relay = bus ? relay_start(bus, &config, "house", NULL) : NULL;
    struct consumer *consumer = bus ? consumer_start(bus, &config, &wanted) : NULL;
    bool well = relay && consumer;
    for (int i = 0; well && i < 5; i++) // some turns with nothing to do
        usleep(10000);
    torture_disarm();
    emit(seen.object);
    torture_arm();
    for (int i = 0; well && i < 50 && !all_seen(&seen); i++)
        usleep(10000);
    torture_disarm();
    finish(&bus, &relay, &consumer, &wanted);
    for (int i = 0; i < 4500 && !all_seen(&seen); i++) // longer than the bus waits for an answer
        usleep(10000);
    torture_check(all_seen(&seen)); // whatever failed, all have come in the end
    consumer_stop(consumer);
    relay_stop(relay);
    bus_free(bus);
    return well;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "carries", .begin = begin, .end = end, .run = carries}};
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
