// A processor at work on the simulator that this process is, and what comes of it.
#pragma once
#include "../../store/payments/fixture.h"
#include "fake.h"
#include "processor/processor.h"

static struct fixture f;
static char url[64];

static inline void start_processor(void)
{
    static struct db_config config;
    config = (struct db_config){.ring = test_ring(),
                                .url = f.database.url,
                                .schema = "payments",
                                .application = "test",
                                .statement_timeout_ms = 20000,
                                .lock_timeout_ms = 2000};
    f.state.processor =
        processor_start(&(struct processor_config){.state = &f.state, .db = &config, .slots = 16});
    cr_assert_not_null(f.state.processor);
}

static inline void processing_begin(void)
{
    fake_start();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(fake.server));
    fixture_begin_at(&f, url);
}

static inline void processing_end(void)
{
    processor_stop(f.state.processor);
    f.state.processor = NULL;
    http_server_stop(fake.server, 1000);
    fixture_end(&f);
}

struct wanted {
    const char *sql, *value;
};

static inline bool row_says(void *context)
{
    const struct wanted *wanted = context;
    return strcmp(test_sql(f.db, f.arena, wanted->sql), wanted->value) == 0;
}

static inline void wait_sql(const char *sql, const char *value)
{
    struct wanted wanted = {sql, value};
    test_wait(row_says, &wanted, 15000, value);
}

static inline void wait_status(const char *id, const char *status)
{
    wait_sql(arena_printf(f.arena, "SELECT status FROM payments WHERE id = '%s'", id), status);
}

static inline const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

static inline const char *reference_of(const char *id)
{
    return sql(arena_printf(f.arena, "SELECT id FROM operations WHERE payment_id = '%s'", id));
}

#define TRAIL                                                                                      \
    "SELECT string_agg(type || ' ' || sequence, ', ' ORDER BY sequence) FROM events "              \
    "WHERE sequence > 0"
