#include "bus/look.h"

#include <string.h>

#include "doctor.h"
#include "settings.h"

#define AGE_MIN_S (24 * 3600)
#define DUPLICATES_MIN_S 120

static const char missing_todo[] = "the first service that starts makes it; if services run, see "
                                   "their logs for bus.stream_refused";
static const char edit_todo[] = "nats stream edit, or delete it: services make it anew, and what "
                                "was in it is in PostgreSQL";

static void check_stream(struct doctor *doctor, const char *what, const struct bus_look *look)
{
    size_t before = doctor->findings_n;
    const char *subject = arena_printf(doctor->cli->arena, "%s.>", obol_bus.stream);
    int64_t replicas = doctor_number(doctor, "payments", "NATS_REPLICAS");
    if (!subject || strcmp(look->subject, subject) != 0)
        doctor_fail(doctor, what, edit_todo, "its subjects are %s, not %s: nothing comes through",
                    look->subject, subject);
    if (!look->on_disk)
        doctor_warn(doctor, what, edit_todo, "it lies in memory: a restart of NATS empties it");
    if (!look->limits)
        doctor_fail(doctor, what, edit_todo,
                    "it does not keep by limits: one consumer's reading takes it from the others");
    if (look->age_s != 0 && look->age_s < AGE_MIN_S)
        doctor_warn(
            doctor, what, edit_todo,
            "it keeps for %lld s: a consumer that is away longer compares with the journals",
            (long long)look->age_s);
    if (look->duplicates_s < DUPLICATES_MIN_S)
        doctor_warn(doctor, what, edit_todo, "it tells duplicates apart for %lld s only",
                    (long long)look->duplicates_s);
    if (look->messages_max > 0 || look->bytes_max > 0)
        doctor_warn(doctor, what, edit_todo,
                    "it is bounded by messages or bytes: old ones go early");
    if (look->replicas < replicas)
        doctor_warn(doctor, what, "see the services' logs for bus.replicas_refused",
                    "%lld replicas, NATS_REPLICAS asks for %lld", (long long)look->replicas,
                    (long long)replicas);
    if (look->lagging)
        doctor_warn(doctor, what, "look at the NATS servers that are behind or away",
                    "%lld of its replicas are not current", (long long)look->lagging);
    if (doctor->findings_n == before)
        doctor_ok(doctor, what,
                  "%lld messages, %lld consumers, %lld replicas (whether its store is "
                  "encrypted is not seen here)",
                  (long long)look->messages, (long long)look->consumers, (long long)look->replicas);
}

void doctor_bus(struct doctor *doctor)
{
    struct bus_look look;
    if (!obol_bus.url || !obol_bus.stream) {
        doctor_fail(doctor, "NATS", "put NATS_URL and NATS_STREAM right",
                    "their text can't be had");
        return;
    }
    const char *stream = arena_printf(doctor->cli->arena, "stream %s", obol_bus.stream);
    bus_look(doctor->cli->arena, &obol_bus, DOCTOR_WAIT_MS, &look);
    if (!look.connected) {
        doctor_fail(doctor, "NATS", "start it, or put NATS_URL right: events wait in the outbox",
                    "it does not answer, or refuses us: %s", look.error ? look.error : "-");
        return;
    }
    doctor_ok(doctor, "NATS", "nats-server %s, %.1f ms",
              look.server_version ? look.server_version : "(no version)",
              (double)look.latency_us / 1000);
    if (look.error)
        doctor_fail(doctor, stream, "start nats-server with JetStream and a store_dir",
                    "JetStream does not answer: %s", look.error);
    else if (!look.stream_there)
        doctor_warn(doctor, stream, missing_todo, "it is not there");
    else
        check_stream(doctor, stream, &look);
}
