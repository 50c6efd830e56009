// NATS JetStream: the outbox relay and durable consumers. Each runs a thread of its own with its
// own database connection, survives an absent or restarted server, and never loses: PostgreSQL
// holds the truth, the bus carries it. Subjects are <stream>.<service>.<event type>; the payload is
// a packed obol.journal.v1.Events: what the relay found ready together, of one type, up to
// PARCEL_EVENTS_MAX. Nats-Msg-Id is a digest of its ids: the bus itself drops what is sent twice
// alike, consumers know each event by its own id.
#pragma once
#include "base/bell.h"
#include "base/config.h"
#include "db/db.h"
#include "journal/journal.h"
#include "obs/health.h"

// Where the bus is: the same variables for every program that uses it. Unused strings are NULL or
// "". With tls:// in the URL, or an authority, nothing is said without TLS, whatever a server
// offers; its certificate has to have the name or address that the URL gives. The files are read
// once.
struct bus_settings {
    const char *url;    // nats://host:port[,…]
    const char *stream; // "obol": subjects "<stream>.>"; made when it is missing
    const char *ca_file, *certificate_file, *key_file;
    int64_t replicas; // of the stream and its consumers; one with fewer gets these, never less
};
extern const struct config_entry bus_entries[];
extern const size_t bus_entries_n;
bool bus_insists_on_tls(const struct bus_settings *settings);

struct bus;
struct bus_config {
    struct bus_settings settings;
    const char *client;    // shown in the server's connection list
    struct health *health; // may be NULL
    int dependency;
};
// Connects in the background, for ever. NULL, said in the log: no memory, a URL that is none, a
// file that can't be used.
struct bus *bus_new(const struct bus_config *config);
void bus_free(struct bus *bus); // after its relay and consumers have stopped

// --- Relay: takes batches of outbox rows (FOR UPDATE SKIP LOCKED), publishes them asynchronously,
// waits a bounded time for the acknowledgements and deletes the acknowledged rows in one statement.
struct relay;
#define RELAY_BATCH 512
#define PARCEL_EVENTS_MAX 64
#define PARCEL_BYTES_MAX ((size_t)256 << 10) // of bodies; an event beyond it travels alone
// `bell` is rung by whoever commits events; without a ring it looks every 100 ms (for other
// replicas').
struct relay *relay_start(struct bus *bus, const struct db_config *db, const char *service,
                          struct bell *bell);
void relay_stop(struct relay *relay); // joins

// --- Consumer: fetches a batch, opens a transaction, marks what it takes (journal_take), gives the
// fresh events to the handler, commits, then acknowledges. A handler that fails rolls back and is
// given the same events again, one at a time, with a delay; one that fails alone with
// INVALID_ARGUMENT is logged and passed over (terminated), so that one bad event can't stop the
// rest.
struct consumer;
#define CONSUMER_BATCH 16 // messages
struct consumer_config {
    const char *durable; // consumer name, unique in the stream: "webhooks"
    const char *const *
        filters; // event-type filters as subjects below <stream>, e.g. "payments.>" ; end with NULL
    // In a transaction of db. fresh events only, in the order taken.
    enum status (*handle)(void *context, struct db *db, struct arena *arena,
                          const struct event *events, size_t n);
    void (*committed)(void *context); // after each commit; may be NULL
    // Reads a peer's events since `cursor` (ListEvents); the consumer compares every catch_up_s
    // seconds and at start, so a bus that lost its store loses nothing. `peer` counts from 0 to
    // peers-1.
    enum status (*list)(void *context, size_t peer, struct arena *arena, const char *cursor,
                        struct event **ret, size_t *ret_n, const char **ret_cursor);
    size_t peers;
    int64_t catch_up_s;
    // Commits don't wait for the disk. What a crash of the database then forgets, though the bus
    // was told that it is taken, comparing finds again (its mark is forgotten with it). Only for a
    // handler whose rows lead to nothing outside before a commit that does wait has followed.
    bool relaxed;
    void *context;
};
// config is copied, what it points to is borrowed until consumer_stop.
struct consumer *consumer_start(struct bus *bus, const struct db_config *db,
                                const struct consumer_config *config);
void consumer_stop(struct consumer *consumer); // joins

// The wire form. events_unpack copies into the arena; INVALID_ARGUMENT when malformed,
// RESOURCE_EXHAUSTED when the arena is too small for it, as it is now.
struct bytes events_pack(struct arena *arena, const struct event *events, size_t n);
MUST_USE enum status events_unpack(struct arena *arena, struct bytes packed, struct event **ret,
                                   size_t *ret_n);
