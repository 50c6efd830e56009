// obol-webhooks: endpoints, deliveries and the dispatcher. Wiring only.
#include "base/clock.h"
#include "measure.h"
#include "obol/webhooks/v1/webhooks.obol.h"
#include "schedule.h"
#include "store.h"
#include "webhooks.h"
#include "webhooks_sql.h"

#define DRAIN_MS 10000
#define DAY_S 86400

static struct webhooks_settings settings;

#define ENTRY(name_, kind_, field, fallback_, help_, min, max)                                     \
    {                                                                                              \
        name_, kind_, offsetof(struct webhooks_settings, field), fallback_, help_, min, max        \
    }
static const struct config_entry entries[] = {
    ENTRY("WEBHOOK_ALLOW_PRIVATE", CONFIG_BOOL, allow_private, "false",
          "allow http: and private addresses as endpoints (development)", 0, 0),
    ENTRY("WEBHOOK_RETRY_INTERVALS_TEST", CONFIG_BOOL, test_intervals, "false",
          "try again after 5, 10, 15, 20 s instead of 1 min, 5 min, 30 min, 2 h", 0, 0),
    ENTRY("DISPATCHER_SLOTS", CONFIG_INT, slots, "256", "attempts under way at once", 1,
          DISPATCHER_SLOTS_MAX),
    ENTRY("WEBHOOK_TIMEOUT_MS", CONFIG_INT, timeout_ms, "15000",
          "longest wait for an endpoint's answer", 100, 60000),
    ENTRY("ENDPOINT_DISABLE_AFTER_S", CONFIG_INT, disable_after_s, "259200",
          "an endpoint that fails for so long without a success is disabled", 1, 365 * DAY_S),
    ENTRY("PAYMENTS_TARGET", CONFIG_STRING, payments_target, "127.0.0.1:50051",
          "gRPC target of payments", 0, 0),
    ENTRY("REFUNDS_TARGET", CONFIG_STRING, refunds_target, "127.0.0.1:50052",
          "gRPC target of refunds", 0, 0),
    ENTRY("STORED_EVENT_RETENTION_S", CONFIG_INT, event_retention_s, "2592000",
          "how long events can be read and replayed", DAY_S, 3650LL * DAY_S),
    ENTRY("DELIVERY_RETENTION_S", CONFIG_INT, delivery_retention_s, "2592000",
          "how long the delivery log is kept", DAY_S, 3650LL * DAY_S),
    ENTRY("CATCH_UP_S", CONFIG_INT, catch_up_s, "30",
          "how often the peers' events are compared with what came by the bus", 1, DAY_S),
};

static enum status start_dispatcher(struct webhooks *webhooks)
{
    struct dispatcher_config config = {
        .rules =
            {
                .ring = service_keyring(webhooks->service),
                .intervals_s = schedule_intervals_s(settings.test_intervals),
                .allow_private = settings.allow_private,
                .timeout_ms = settings.timeout_ms,
            },
        .slots = (size_t)settings.slots,
        .disable_after_s = settings.disable_after_s,
        .bell = webhooks->dispatcher_bell,
        .outbox_bell = service_outbox_bell(webhooks->service),
    };
    webhooks->dispatcher = dispatcher_new(webhooks->arena, &config);
    if (!webhooks->dispatcher)
        return STATUS_RESOURCE_EXHAUSTED;
    webhooks->dispatcher_loop =
        service_loop_start(webhooks->service, "dispatcher", webhooks->dispatcher_bell,
                           dispatcher_turn, webhooks->dispatcher);
    return webhooks->dispatcher_loop ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status start_intake(struct webhooks *webhooks)
{
    struct intake *intake = &webhooks->intake;
    struct rpc_tls *tls = service_tls(webhooks->service);
    intake->peers[INTAKE_PAYMENTS] =
        rpc_client_new_to(settings.payments_target, ROLE_PAYMENTS, tls);
    intake->peers[INTAKE_REFUNDS] = rpc_client_new_to(settings.refunds_target, ROLE_REFUNDS, tls);
    intake->db_config = service_db_config(webhooks->service);
    intake->dispatcher = webhooks->dispatcher;
    if (!intake->peers[INTAKE_PAYMENTS] || !intake->peers[INTAKE_REFUNDS])
        return STATUS_RESOURCE_EXHAUSTED;
    struct consumer_config config = {
        .durable = "webhooks",
        .filters = intake_filters,
        .handle = intake_handle,
        .committed = intake_committed,
        .list = intake_list,
        .peers = INTAKE_PEERS,
        .catch_up_s = settings.catch_up_s,
        .relaxed = true, // the dispatcher's claim commits before anything is sent
        .context = intake,
    };
    webhooks->consumer = consumer_start(service_bus(webhooks->service),
                                        service_db_config(webhooks->service), &config);
    return webhooks->consumer ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static void stop(void *state)
{
    struct webhooks *webhooks = state;
    if (webhooks->consumer)
        consumer_stop(webhooks->consumer);
    intake_deinit(&webhooks->intake);
    for (size_t i = 0; i < INTAKE_OWN; i++)
        if (webhooks->intake.peers[i])
            rpc_client_free(webhooks->intake.peers[i]);
    if (webhooks->dispatcher_loop)
        dispatcher_drain(webhooks->dispatcher, DRAIN_MS);
    service_loop_stop(webhooks->dispatcher_loop);
    dispatcher_free(webhooks->dispatcher);
    bell_free(webhooks->dispatcher_bell);
    arena_free(webhooks->arena);
}

static enum status start(struct service *service, void **ret_state)
{
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    struct webhooks *webhooks = arena ? ARENA_NEW(arena, struct webhooks) : NULL;
    if (!webhooks) {
        arena_free(arena);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    tallies_begin();
    webhooks->arena = arena;
    webhooks->settings = &settings;
    webhooks->service = service;
    webhooks->dispatcher_bell = bell_new();
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    if (webhooks->dispatcher_bell)
        status = start_dispatcher(webhooks);
    if (status == STATUS_OK)
        status = start_intake(webhooks);
    if (status == STATUS_OK)
        *ret_state = webhooks;
    else
        stop(webhooks);
    return status;
}

static enum status jobs(void *state, struct db *db, struct arena *arena, const char *tenant_id,
                        int64_t counts[4])
{
    (void)state;
    return store_jobs(db, arena, tenant_id, clock_unix_us() - DAY_S * US_PER_S, counts);
}

int main(int argc, char **argv)
{
    const struct db_migrations migrations = {"webhooks", webhooks_migrations,
                                             webhooks_migrations_n};
    const struct proto_file *const files[] = {&obol_webhooks_v1_webhooks_file};
    const struct service_table tables[] = {
        {"stored_events", "evt", &settings.event_retention_s},
        {"deliveries", "whd", &settings.delivery_retention_s},
        {"delivery_attempts", "whd", &settings.delivery_retention_s},
    };
    const struct service_definition definition = {
        .name = "webhooks",
        .migrations = &migrations,
        .files = files,
        .files_n = sizeof files / sizeof *files,
        .handlers = webhooks_handlers,
        .handlers_n = webhooks_handlers_n,
        .config = entries,
        .config_n = sizeof entries / sizeof *entries,
        .settings = &settings,
        .tables = tables,
        .tables_n = sizeof tables / sizeof *tables,
        .start = start,
        .stop = stop,
        .jobs = jobs,
        .sweep = sweep_webhooks,
        .measure = &sql_measure,
        .gauges = webhooks_gauges,
        .gauges_n = webhooks_gauges_n,
        .sealed = webhooks_sealed,
        .sealed_n = webhooks_sealed_n,
    };
    return service_main(argc, argv, &definition);
}
