// Access tokens (and what else providers grant for a while): fetched once for all who wait, renewed
// before they expire, shared by the replicas through the database (sealed), by a lease on the row,
// so that no two fetch the same at once. A thread of its own fetches; nobody else waits for the
// network.
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"
#include "providers/provider.h"
#include "setup/setup.h"

struct payments_state;
struct sessions;

// on_news(context) is called, in the thread of the sessions, whenever something was granted or
// refused: to look again. NULL when it can't start.
struct sessions *sessions_start(const struct payments_state *state, const struct db_config *db);
void sessions_stop(struct sessions *sessions); // NULL is fine
void sessions_on_news(struct sessions *sessions, void (*call)(void *context), void *context);

enum session_state {
    SESSION_READY,   // every text that was needed is in the arena
    SESSION_WAITS,   // being fetched; look again at news, or after a while
    SESSION_AWAY,    // the provider was not there a moment ago; it is asked again soon
    SESSION_REFUSED, // the provider does not know the credential: *ret_why; asked again later
};
// Fills use->sessions for the bits of needs. Never waits. setup is held as long as it must be.
enum session_state sessions_fill(struct sessions *sessions, const struct setup *setup,
                                 unsigned needs, struct provider_use *use, struct outcome *ret_why);
// The same, waiting for it (and for a provider that is away) until the deadline (clock_now_ns); for
// threads that may.
enum session_state sessions_wait(struct sessions *sessions, const struct setup *setup,
                                 unsigned needs, int64_t deadline_ns, struct provider_use *use,
                                 struct outcome *ret_why);
// The provider refused what use->sessions holds: they are fetched anew, unless that has happened
// meanwhile.
void sessions_refused(struct sessions *sessions, const struct setup *setup, unsigned needs,
                      const struct provider_use *use);
