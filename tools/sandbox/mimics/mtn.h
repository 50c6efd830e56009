// Between the files of MTN MoMo. Its documents: momodeveloper.mtn.com (collection and disbursement,
// v1_0).
#pragma once
#include "mimics/mimic.h"

// What a party's number leads to. The last two digits of 467331234xx are MTN's published ones; they
// hold in every environment, and every other number pays.
struct mtn_outcome {
    const char *suffix;
    int http;          // refused at once with this status; 0: accepted
    const char *code;  // the error, "" for none
    const char *state; // the provider's word until it comes to rest: "PENDING", "CREATED"
    enum entry_status to;
    int64_t after_us; // beyond the usual time; -1: never comes to rest
};
const struct mtn_outcome *mtn_outcome_of(const char *party, bool transfer);

// {code,message}, as all of MTN's refusals but those of the gateway before it.
void mtn_refuse(struct mimic_call *call, int status, const char *code, const char *message);
bool mtn_uuid4(const char *text);
// Who calls, by subscription key, token and target environment; false: refused, and answered so.
bool mtn_admit(struct mimic_call *call, const char *product);
// The currency of X-Target-Environment; NULL for an unknown one.
const char *mtn_currency(const struct mimic_call *call);
// Of a product: the user behind the token, in the arena; "" for none.
const char *mtn_caller(const struct mimic_call *call, const char *product);
// The host that the caller was provisioned with; NULL: with none.
const char *mtn_callback_host(struct mimic_call *call, const char *user);

// Routes: provisioning and tokens.
void mtn_user_post(struct mimic_call *call);
void mtn_user_get(struct mimic_call *call);
void mtn_key_post(struct mimic_call *call);
void mtn_collection_token(struct mimic_call *call);
void mtn_disbursement_token(struct mimic_call *call);
// Routes: money.
void mtn_request_post(struct mimic_call *call);
void mtn_transfer_post(struct mimic_call *call);
void mtn_refund_post(struct mimic_call *call);
// Routes: queries.
void mtn_request_get(struct mimic_call *call);
void mtn_transfer_get(struct mimic_call *call);
void mtn_refund_get(struct mimic_call *call);
void mtn_collection_active(struct mimic_call *call);
void mtn_disbursement_active(struct mimic_call *call);
void mtn_collection_balance(struct mimic_call *call);
void mtn_disbursement_balance(struct mimic_call *call);

const char *mtn_status_body(struct arena *arena, const struct entry *entry);
bool mtn_tell(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
              struct mimic_answer *ret);
