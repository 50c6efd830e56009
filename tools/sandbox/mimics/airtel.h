// Between the files of the Airtel mimic: airtel.c answers tokens, keys and enquiries,
// airtel_money.c moves money, airtel_outcome.c decides, airtel_sign.c has the cryptography.
//
// Settings: CLIENT_ID, CLIENT_SECRET (of the token), PIN (of disbursements), HASH_KEY (signs
// callbacks), CALLBACK_URL ("": none is sent).
#pragma once
#include "mimics/mimic.h"

#define AIRTEL_WAIT_US (180 * 1000000LL) // nobody is told anything before this
#define AIRTEL_SENT "DP00800001006"
#define AIRTEL_AMBIGUOUS "DP00800001000"
#define AIRTEL_FORBIDDEN "DP00800001026"

enum airtel_rest { AIRTEL_NOTHING, AIRTEL_PAID, AIRTEL_REFUSED, AIRTEL_EXPIRED, AIRTEL_NEVER };
enum airtel_refund { REFUND_DONE, REFUND_REFUSED, REFUND_DONE_UNHEARD, REFUND_LOST };

struct airtel_outcome {
    char ending[3];
    int http;              // of the answer to the push
    const char *refusal;   // its code; NULL: sent, "": no body that is Airtel's
    enum airtel_rest rest; // NOTHING: it is in no book
    bool is_ambiguous;     // TA, for as long again as nobody is told, before it comes to rest
    const char *code;      // once at rest
    enum airtel_refund refund;
};

// By the last two digits; never NULL.
const struct airtel_outcome *airtel_outcome(const char *msisdn);
const char *airtel_message(const char *code); // never NULL

// True when the token, X-Country and X-Currency are in order; otherwise the call is answered.
bool airtel_admitted(struct mimic_call *call);
// Answers with a code that is not a success: ESB… as result_code, any other as response_code.
void airtel_refuse(struct mimic_call *call, int status, const char *code);
// {"data":{"transaction":…},"status":…}
void airtel_answer(struct mimic_call *call, const char *transaction, const char *result_code,
                   const char *response_code);
void airtel_time_out(struct mimic_call *call); // HTTP 408, as the way to Airtel says it
// Without country code, as many digits as the country has; otherwise the call is answered.
bool airtel_msisdn_valid(struct mimic_call *call, const char *msisdn);
// How it stands; as if it were still in progress where is_early.
void airtel_report(struct mimic_call *call, const struct entry *entry, bool is_early);

void airtel_push_v1(struct mimic_call *call);
void airtel_push_v2(struct mimic_call *call);
void airtel_disburse(struct mimic_call *call);
void airtel_give_back(struct mimic_call *call);

const char *airtel_public_key(void); // base64 of its SubjectPublicKeyInfo
// x-signature and x-key, over the body as it came.
bool airtel_signed(const struct mimic_call *call);
// What was encrypted to our key, given as base64; at NULL: it was not.
struct bytes airtel_unseal(struct arena *arena, const char *text);
// base64 HMAC-SHA256. NULL when the arena is full.
char *airtel_hash(struct arena *arena, const char *key, const char *transaction);
