// Zamtel Kwacha, as client code knows it: two GETs that block until the PIN is entered, and nothing
// to ask afterwards. Whether a ConversationId that comes twice is charged twice is not known: here
// it is.
//
// Settings: THIRD_PARTY_ID, SHORTCODE, IDENTIFIER; PASSWORD and CREDENTIAL below /ZampayRest,
// LIVE_PASSWORD and LIVE_CREDENTIAL below /ZampayRestProd. Wrong ones are answered 2001.
//
// What becomes of it, by the last two digits of Msisdn (of B2CReq too). Everything else is paid.
//   50 E8003 wrong PIN        53 2005 rule limited      56 E8027 unable to process
//   51 2006 balance           54 E8036 not registered   57 -1 internal
//   52 2004 amount            55 2001 initiator         58 -1 internal, but the money has moved
//   60 the PIN is never entered: E8027 after 120 s
//   61 the PIN is never entered: no answer       62 the money moves: no answer
// 55 and 57 are answered at once and are in no book, like a request that can't be read (-1).
#include <stdio.h>
#include <string.h>

#include "base/currency.h"
#include "crypto/crypto.h"
#include "hold.h"
#include "mimics/mimic.h"

#define CURRENCY "ZMW"
#define PIN_US (120 * 1000000LL)
#define ANSWER_LAG_MS 50 // money moves, then the answer leaves: in that order
#define INTERNAL "-1"
#define INITIATOR "2001"
#define AMOUNT "2004"
#define UNREGISTERED "E8036"
#define UNABLE "E8027"
#define PAID "0"

enum wait { WAIT_NONE, WAIT_PIN, WAIT_FOR_NO_PIN, WAIT_FOR_EVER };

struct outcome {
    char ending[3];
    const char *code; // what is answered
    enum wait wait;
    bool moves;
};

struct order {
    const char *reference, *msisdn;
    int64_t amount;
};

static const struct outcome *outcome_of(const char *msisdn)
{
    static const struct outcome paid = {"", PAID, WAIT_PIN, true};
    static const struct outcome outcomes[] = {
        {"50", "E8003", WAIT_PIN, false},      {"51", "2006", WAIT_PIN, false},
        {"52", AMOUNT, WAIT_PIN, false},       {"53", "2005", WAIT_PIN, false},
        {"54", UNREGISTERED, WAIT_PIN, false}, {"55", INITIATOR, WAIT_NONE, false},
        {"56", UNABLE, WAIT_PIN, false},       {"57", INTERNAL, WAIT_NONE, false},
        {"58", INTERNAL, WAIT_PIN, true},      {"60", UNABLE, WAIT_FOR_NO_PIN, false},
        {"61", UNABLE, WAIT_FOR_EVER, false},  {"62", PAID, WAIT_FOR_EVER, true},
    };
    size_t length = strlen(msisdn);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (strcmp(outcomes[i].ending, msisdn + length - 2) == 0)
            return &outcomes[i];
    return &paid;
}

static const char *message_of(const char *code)
{
    static const struct {
        const char *code, *message;
    } table[] = {
        {PAID, "Success"},
        {"E8003", "The PIN is wrong"},
        {"2006", "The balance is insufficient"},
        {AMOUNT, "The amount is not valid"},
        {"2005", "Rule limited"},
        {UNREGISTERED, "The customer is not registered"},
        {INITIATOR, "The initiator information is not valid"},
        {UNABLE, "Unable to process the request"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].message;
    return "Internal error";
}

static void answer(struct mimic_call *call, const char *code, const char *transaction)
{
    const char *conversation = mimic_parameter(call, "ConversationId");
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){
                                     JSON_S("Conversation id", conversation ? conversation : ""),
                                     JSON_S("message", message_of(code)),
                                     JSON_S("status", code),
                                     JSON_S("TransactionId", transaction),
                                     JSON_S("Transaction id", transaction),
                                     {0}}));
}

static bool shows(const struct mimic_call *call, const char *parameter, const char *setting)
{
    const char *given = mimic_parameter(call, parameter);
    return given && crypto_equal(bytes_of_string(given),
                                 bytes_of_string(mimic_setting(call->mimic, setting)));
}

struct door {
    enum entry_kind kind;
    const char *password, *credential; // names of settings
};

static bool admitted(const struct mimic_call *call, const struct door *door)
{
    return shows(call, "ThirdPartyID", "THIRD_PARTY_ID") &&
           shows(call, "Password", door->password) && shows(call, "Shortcode", "SHORTCODE") &&
           (door->kind == ENTRY_CHARGE || (shows(call, "identifier", "IDENTIFIER") &&
                                           shows(call, "credential", door->credential)));
}

// 26095…, 26075… or 095…, 075…: as many digits as a Zambian number has.
static bool msisdn_valid(const char *msisdn)
{
    size_t code = strncmp(msisdn, "260", 3) == 0 ? 3 : *msisdn == '0' ? 1 : 0;
    const char *local = msisdn + code;
    return code && strlen(local) == 9 && strspn(local, "0123456789") == 9 &&
           (strncmp(local, "95", 2) == 0 || strncmp(local, "75", 2) == 0);
}

// NULL, or the code that refuses it.
static const char *order_read(const struct mimic_call *call, struct order *ret)
{
    const char *amount = mimic_parameter(call, "Amount");
    ret->reference = mimic_parameter(call, "ConversationId");
    ret->msisdn = mimic_parameter(call, "Msisdn");
    if (!amount || !ret->msisdn || !ret->reference || !*ret->reference ||
        strlen(ret->reference) > MIMIC_REFERENCE_MAX)
        return INTERNAL;
    if (!currency_parse(amount, CURRENCY, &ret->amount) || ret->amount <= 0)
        return AMOUNT;
    return msisdn_valid(ret->msisdn) ? NULL : UNREGISTERED;
}

static int64_t wait_ms(const struct mimic_call *call, enum wait wait)
{
    if (wait == WAIT_FOR_NO_PIN)
        return mimic_scaled_us(call->mimic, PIN_US) / 1000;
    return wait == WAIT_NONE ? 0 : mimic_settle_ms(call->mimic);
}

// NULL: the book is full.
static struct entry *book(struct mimic_call *call, enum entry_kind kind, const struct order *order,
                          const struct outcome *outcome)
{
    uint8_t random[6];
    struct entry entry = {
        .kind = kind,
        .status = ENTRY_PENDING,
        .amount = order->amount,
        .currency = CURRENCY,
        .to = outcome->moves ? ENTRY_SUCCEEDED : ENTRY_FAILED,
        .due_us = call->now_us + wait_ms(call, outcome->wait) * 1000,
        .created_us = call->now_us,
    };
    crypto_random(random, sizeof random);
    (void)snprintf(entry.id, sizeof entry.id, "ZK%s",
                   crypto_hex(call->arena, BYTES_OF_ARRAY(random)));
    (void)snprintf(entry.reference, sizeof entry.reference, "%s", order->reference);
    (void)snprintf(entry.payer, sizeof entry.payer, "%s", order->msisdn);
    (void)snprintf(entry.code, sizeof entry.code, "%s", outcome->moves ? "" : outcome->code);
    return mimic_add(call->mimic, &entry);
}

static void take(struct mimic_call *call, enum entry_kind kind, const struct order *order)
{
    const struct outcome *outcome = outcome_of(order->msisdn);
    if (outcome->wait == WAIT_NONE) {
        answer(call, outcome->code, "");
        return;
    }
    const struct entry *entry = book(call, kind, order, outcome);
    if (!entry) {
        answer(call, INTERNAL, "");
        return;
    }
    if (outcome->wait == WAIT_FOR_EVER) {
        mimic_reply(call, 504, "");
        call->answer.after_ms = HOLD_MAX_MS; // whoever asked has left by then
        return;
    }
    answer(call, outcome->code, strcmp(outcome->code, PAID) == 0 ? entry->id : "");
    call->answer.after_ms = wait_ms(call, outcome->wait) + ANSWER_LAG_MS;
}

static void enter(struct mimic_call *call, const struct door *door)
{
    struct order order;
    if (!admitted(call, door)) {
        answer(call, INITIATOR, "");
        return;
    }
    const char *refusal = order_read(call, &order);
    if (refusal)
        answer(call, refusal, "");
    else
        take(call, door->kind, &order);
}

static void collect(struct mimic_call *call)
{
    enter(call, &(struct door){ENTRY_CHARGE, "PASSWORD", NULL});
}

static void collect_live(struct mimic_call *call)
{
    enter(call, &(struct door){ENTRY_CHARGE, "LIVE_PASSWORD", NULL});
}

static void pay_out(struct mimic_call *call)
{
    enter(call, &(struct door){ENTRY_REFUND, "PASSWORD", "CREDENTIAL"});
}

static void pay_out_live(struct mimic_call *call)
{
    enter(call, &(struct door){ENTRY_REFUND, "LIVE_PASSWORD", "LIVE_CREDENTIAL"});
}

static const struct mimic_route routes[] = {
    {"GET", "/ZampayRest/Req", MIMIC_MONEY, collect},
    {"GET", "/ZampayRest/B2CReq", MIMIC_MONEY, pay_out},
    {"GET", "/ZampayRestProd/Req", MIMIC_MONEY, collect_live},
    {"GET", "/ZampayRestProd/B2CReq", MIMIC_MONEY, pay_out_live},
    {0},
};

const struct mimic_description mimic_zamtel = {.name = "zamtel", .routes = routes};
