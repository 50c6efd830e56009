// Between the files of the Blumon adapter: blumon.c declares it and has sessions, cards and the
// probe; blumon_act.c builds what moves money; blumon_answer.c reads what is said of it.
#pragma once
#include "providers/common.h"

#define BLUMON_CURRENCIES "MXN USD EUR"

// What a request of ours is. Which stage is which depends on three_d_secure, so the steps that move
// nothing can't be declared by number: a lost one is NOT_SENT instead.
enum blumon_step {
    BLUMON_CHARGE,
    BLUMON_REGISTER, // with 3-D Secure, moves nothing
    BLUMON_CHECKOUT, // a hosted page is made, moves nothing
    BLUMON_GIVE_BACK,
};
enum blumon_step blumon_step(const struct provider_use *use, const struct provider_act *act);
// Whether the next stage can register with 3-D Secure, should the charge need it.
bool blumon_may_register(const struct provider_use *use, const struct provider_act *act);

// An absent field's value.
const char *blumon_field(const struct provider_use *use, const char *name, const char *fallback);
// {"firstName","lastName",…}; whoever isn't known is "". NULL when the arena is full.
char *blumon_customer(struct arena *arena, const char *name, const char *email, const char *phone);
bool blumon_build(const struct provider_use *use, const char *path, const char *body,
                  struct http_request *ret);

bool blumon_act(const struct provider_use *use, const struct provider_act *act,
                struct http_request *ret);
enum provider_ask blumon_query(const struct provider_use *use, const struct provider_act *act,
                               struct http_request *ret);
void blumon_read_act(const struct provider_use *use, const struct provider_act *act,
                     const struct http_response *response, struct outcome *ret);
// Of a query and of a webhook.
void blumon_read_query(const struct provider_use *use, const struct provider_act *act,
                       const struct http_response *response, struct outcome *ret);
// A refusal in its own words, or why there is no telling; *ret is as answer_open left it.
void blumon_read_refusal(struct arena *arena, const struct json_value *body, struct outcome *ret);
