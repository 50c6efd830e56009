// The real providers, mimicked: each is a file that knows one provider's paths, bodies, codes and
// quirks; what they have in common stands here. Provider `mtn` is served under /mtn, so its base
// URL is the sandbox's address and that.
//
// The common part: a book of what was asked for and what came of it (the truth that tests compare
// with Obol's own), payments that come to rest later, callbacks, access tokens that expire, and
// faults, by chance or by order.
//
// A handler runs in the HTTP loop's thread with the lock of its mimic held: it may use the book
// freely and must not wait. Everything it returns lives in call->arena. Bounded: ENTRIES_MAX,
// GRANTS_MAX.
//
// Control, from loopback only: POST /control {"provider":"mtn", …} with any of
//   "faults": {"error":5,"timeout_before":5,"timeout_after":5,"malformed":5,"slow":5,
//              "error_after":5,"callback_lost":5,"callback_double":5,"callback_late":5}   percent,
//              0 to 100; of requests that move money, "error" and "malformed" of queries too
//   "next": one of these                  the next request that moves money (or its callback)
//   "answering": "normal" | "error" | "hang"   everything, also tokens: an outage
//   "slow_ms": 3000, "settle_ms": 1000    how long a slow answer takes; until a payment rests
//   "expire_tokens": true                 every token granted so far is refused from now on
//   "callback_url": "…", "webhook_secret": "…"   as set in the provider's portal, where that is
//                                         not said in each request
//   "forge": {"url":"…","reference":"…"}  a callback that is a lie: says succeeded, signed wrongly
// GET /ledger?provider=mtn[&reference=…] gives {"entries":[{"reference","id","kind","status",
//   "code","amount","currency","payer","related","moved"}]}; amount in minor
//   units, moved: how often money moved under this reference (more than 1 is a double charge). With
//   reference: the entries under it and what follows them. "faults" counts those that befell
//   somebody.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "http/server.h"
#include "json/json.h"

#define ENTRIES_MAX 200000
#define GRANTS_MAX 10000
#define MIMIC_REFERENCE_MAX 100
#define MIMIC_NAMES_MAX 3

struct mimic; // one provider: its description, its book, its faults

enum entry_kind { ENTRY_CHARGE, ENTRY_REFUND, ENTRY_VOID, ENTRY_INVOICE };
enum entry_status {
    ENTRY_OPEN,    // made, nobody has been asked to pay (an invoice, a registration)
    ENTRY_PENDING, // comes to rest when it falls due
    ENTRY_SUCCEEDED,
    ENTRY_FAILED,
    ENTRY_EXPIRED,
    ENTRY_CANCELED,
};

struct entry {
    enum entry_kind kind;
    enum entry_status status;
    char reference[MIMIC_REFERENCE_MAX + 1]; // the caller's; unique in a book, but see mimic_add
    char id[64];                             // the provider's own
    char related[MIMIC_REFERENCE_MAX + 1]; // what a refund or a void follows: that one's reference
    int64_t amount;                        // minor units
    char currency[4];
    char payer[64];
    char code[64];        // the provider's error code, once it has failed
    char state[32];       // the provider's own word, where status says too little ("CREATED")
    enum entry_status to; // while PENDING: what it becomes
    int64_t due_us;       // while PENDING: when
    int64_t moved;        // how often money moved
    int64_t created_us, finished_us;
    char *callback_url; // NULL: none. The book's
    char *extra;        // a JSON object of the mimic's own, or NULL. The book's (mimic_keep)
};

struct mimic_answer {
    int status;              // HTTP; 0: not answered yet, which is a bug
    const char *body, *type; // body NULL or "": an empty one; type NULL: application/json
    const char *headers[4][2];
    int64_t after_ms; // answer so much later (a call that blocks until the PIN is entered)
};

struct mimic_call {
    struct mimic *mimic;
    struct arena *arena;
    struct http_exchange *exchange;
    const char *names[MIMIC_NAMES_MAX]; // the {} of the pattern, decoded
    struct bytes raw;                   // body
    const struct json_value *body;      // NULL when it isn't JSON
    int64_t now_us;
    struct mimic_answer answer; // out
};

enum mimic_duty {
    MIMIC_OTHER,
    MIMIC_GRANT, // gives access tokens
    MIMIC_QUERY,
    MIMIC_MONEY, // may move money: faults are for these first
};

struct mimic_route {
    const char *verb, *pattern; // "/collection/v1_0/requesttopay/{}", below /<name>
    enum mimic_duty duty;
    void (*run)(struct mimic_call *call);
};

struct mimic_description {
    const char *name;                 // "mtn"
    const struct mimic_route *routes; // ends with verb NULL
    // An entry came to rest (mimic lock held): what is told, to entry->callback_url. *ret in the
    // arena. False: nothing is told. NULL where the provider never calls back.
    bool (*tell)(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
                 struct mimic_answer *ret); // type, headers, body; status is ignored
    const char *tell_verb;                  // "PUT"
    int tell_tries;                         // MTN: 1
};

// --- For handlers and tell.
int64_t mimic_settle_ms(const struct mimic *mimic);
// A time of the provider's own (180 s until a token expires), scaled by SANDBOX_TIME_PERCENT.
int64_t mimic_scaled_us(const struct mimic *mimic, int64_t us);
// A setting of the provider's: what the sandbox expects or signs with (SANDBOX_<NAME>_<KEY>, see
// settings.c); never NULL.
const char *mimic_setting(const struct mimic *mimic, const char *key);

struct entry *mimic_find(struct mimic *mimic, const char *reference);
struct entry *mimic_find_id(struct mimic *mimic, const char *id);
// A copy goes into the book, callback_url and extra too. PENDING ones come to rest at due_us by
// themselves; SUCCEEDED charges and refunds count as moved, and what is at rest already is told. A
// reference that is there already is a second entry under it: whether that may be is for the
// handler to say, before. NULL: the book is full.
struct entry *mimic_add(struct mimic *mimic, const struct entry *entry);
// Changes status now, counts money, tells. For what the caller or the payer does.
void mimic_settle(struct mimic *mimic, struct entry *entry, enum entry_status status,
                  const char *code);
void mimic_reschedule(struct mimic *mimic, struct entry *entry); // after changing due_us or to
char *mimic_keep(struct mimic *mimic, const char *text);         // a copy that the book owns
// How much of a charge is left to refund, minor units: refunds that have succeeded or will are
// taken off.
int64_t mimic_refundable(struct mimic *mimic, const struct entry *charge);

// Access tokens: random, bearer. kind: "collection", up to 63 characters. ttl_us is taken as it is
// (mimic_scaled_us before). Expired or unknown ones are not found.
const char *mimic_grant(struct mimic *mimic, struct arena *arena, const char *kind, int64_t ttl_us);
bool mimic_granted(struct mimic *mimic, const char *kind, const char *token);
// What a token was granted for; NULL when it is expired or unknown. The mimic's.
const char *mimic_grant_kind(const struct mimic *mimic, const char *token);

// Answers: set call->answer.
void mimic_reply(struct mimic_call *call, int status, const char *json);
__attribute__((format(printf, 3, 4))) void mimic_replyf(struct mimic_call *call, int status,
                                                        const char *format, ...);
const char *mimic_header(const struct mimic_call *call, const char *name); // "" when absent
// A query parameter or a member of a form body (application/x-www-form-urlencoded), decoded; NULL
// when absent.
const char *mimic_parameter(const struct mimic_call *call, const char *name);
const char *mimic_form(const struct mimic_call *call, const char *name);
// "Basic base64(user:password)"; false when absent or malformed. Both in the arena.
bool mimic_basic(const struct mimic_call *call, const char **ret_user, const char **ret_password);
const char *mimic_bearer(const struct mimic_call *call); // "" when absent
// A decimal amount, as text or JSON number ("50", "50.5", 50.50), in minor units by the currency's
// exponent; false when it is none, has too many digits, or is not above 0. path: dotted.
bool mimic_amount(const struct mimic_call *call, const char *path, const char *currency,
                  int64_t *ret);
const char *mimic_decimal(struct arena *arena, int64_t amount, const char *currency);

// --- The registry, for main.c and routes.c.
extern const struct mimic_description mimic_mtn, mimic_airtel, mimic_zamtel, mimic_blumon,
    mimic_paydunya;
