// Between the files of Airtel Money: airtel.c builds requests, airtel_account.c knows what the
// credential says (country, version, tokens), airtel_answer.c reads answers, airtel_sign.c signs
// messages, airtel_callback.c proves callbacks.
#pragma once
#include "providers/common.h"

enum airtel_session { AIRTEL_TOKEN, AIRTEL_KEY, AIRTEL_SESSIONS };

// --- The credential
const char *airtel_country(const struct provider_use *use);  // "ZM"
const char *airtel_currency(const struct provider_use *use); // "ZMW"; "" for an unknown country
bool airtel_signs(const struct provider_use *use);           // version 2: every push is signed
// A call with the headers that each carries; the first three places are taken.
struct outgoing airtel_outgoing(const struct provider_use *use, const char *path);

extern const struct provider_session airtel_sessions[];
unsigned airtel_needs(const struct provider_use *use, const struct provider_act *act);
bool airtel_session(const struct provider_use *use, size_t which, struct http_request *ret);
void airtel_read_session(const struct provider_use *use, size_t which,
                         const struct http_response *response, struct session_grant *ret);
bool airtel_accepts(const struct provider_use *use, const struct provider_act *act,
                    struct outcome *ret);
bool airtel_probe(const struct provider_use *use, const char *currency, struct http_request *ret);
const char *airtel_read_probe(const struct provider_use *use, const char *currency,
                              const struct http_response *response);

// --- Answers
void airtel_read_act(const struct provider_use *use, const struct provider_act *act,
                     const struct http_response *response, struct outcome *ret);
void airtel_read_query(const struct provider_use *use, const struct provider_act *act,
                       const struct http_response *response, struct outcome *ret);
// What a code says; NULL for one that is not in the table. Of an answer the one that matters: what
// leaves the outcome open goes before what says that it is known, and that before refusals.
const struct provider_error *airtel_error(const struct json_value *body);
bool airtel_unknown_transaction(const struct json_value *body); // it says that there is no such one

// --- Signatures
// x-signature and x-key over the body, with the key of the session (JSON). False when it is no key,
// or the arena is full.
bool airtel_sign(struct arena *arena, const char *session, const char *body,
                 struct provider_header ret[2]);

// --- Callbacks
enum callback_proof airtel_callback_proof(const struct provider_use *use,
                                          const struct provider_callback *callback);
const char *airtel_callback_reference(struct arena *arena,
                                      const struct provider_callback *callback);
