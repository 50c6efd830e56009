// A callback about what the processor of this process is at costs the database nothing.
#include "callback.h"
#include "fake.h"
#include "processor/processor.h"

static char url[64];

static void begin(void)
{
    fake_start();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(fake.server));
    fixture_begin_at(&f, url);
    counts_begin();
}

static void end(void)
{
    processor_stop(f.state.processor);
    callbacks_end();
    http_server_stop(fake.server, 100);
}

TestSuite(callback_in_hand, .init = begin, .fini = end);

static bool is_in_hand(void *reference)
{
    return processor_news(f.state.processor, "simulator", reference);
}

Test(callback_in_hand, costs_the_database_nothing)
{
    (void)pay(&f, "r", 7);
    const char *id = sql("SELECT id FROM operations");
    pthread_mutex_lock(&fake.lock); // the provider does not answer
    struct db_config db = {
        .ring = test_ring(), .url = f.database.url, .schema = "payments", .application = "test"};
    f.state.processor =
        processor_start(&(struct processor_config){.state = &f.state, .db = &db, .slots = 16});
    cr_assert_not_null(f.state.processor);
    test_wait(is_in_hand, (void *)(uintptr_t)id, 10000, "the processor has it");
    const char *body = arena_printf(f.arena, "{\"reference\":\"%s\"}", id);
    struct db *none = f.worker.db;
    f.worker.db = NULL; // a word to the database would be noticed
    cr_ok(tell(&(struct told){"simulator", NULL, NULL, body, NULL}));
    f.worker.db = none;
    pthread_mutex_unlock(&fake.lock);
    cr_assert_str_eq(counted(), "simulator accepted 1");
}
