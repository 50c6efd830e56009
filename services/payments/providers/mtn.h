// Between the files of MTN MoMo: mtn.c charges and refunds, mtn_account.c knows what the credential
// opens (products, tokens, the market) and says what is wrong with it.
#pragma once
#include "providers/common.h"

enum mtn_product { MTN_COLLECTION, MTN_DISBURSEMENT };
#define MTN_SESSIONS (MTN_DISBURSEMENT + 1)

// A call of that product, with the headers that each carries; the first three places are taken.
struct outgoing mtn_outgoing(const struct provider_use *use, enum mtn_product product,
                             const char *path);
const char *mtn_code(const struct json_value *body); // NULL: none, also for no body

extern const struct provider_session mtn_sessions[];
unsigned mtn_needs(const struct provider_use *use, const struct provider_act *act);
bool mtn_session(const struct provider_use *use, size_t which, struct http_request *ret);
void mtn_read_session(const struct provider_use *use, size_t which,
                      const struct http_response *response, struct session_grant *ret);
bool mtn_accepts(const struct provider_use *use, const struct provider_act *act,
                 struct outcome *ret);
bool mtn_probe(const struct provider_use *use, const char *currency, struct http_request *ret);
const char *mtn_read_probe(const struct provider_use *use, const char *currency,
                           const struct http_response *response);
