// Between the files of the PayDunya adapter: paydunya.c declares it and has callbacks and the
// probe; paydunya_invoice.c makes invoices and asks about them; paydunya_softpay.c has an invoice
// paid by mobile money; paydunya_disburse.c gives money back.
#pragma once
#include "providers/common.h"

#define PAYDUNYA_CURRENCY "XOF"
#define PAYDUNYA_DISBURSE_MIN 200 // francs

// How an operator is called in SoftPay and in withdraw_mode, and what its fields are called there.
struct paydunya_operator {
    const char *network, *country; // "orange", "SN"
    const char *path;              // "/softpay/wave-senegal"
    const char *withdraw_mode;
    const char *fullname, *email, *phone, *token;
    struct provider_header extra; // a further field, where it asks for one
};
// NULL: it serves no such operator there.
const struct paydunya_operator *paydunya_operator(const char *network, const char *msisdn);

// --- Requests. base NULL: the credential's.
bool paydunya_build(const struct provider_use *use, const char *base, const char *path,
                    const char *body, struct http_request *ret);
// What stands before the version in base_url ("https://app.paydunya.com"; where it has no version,
// its host), and `rest` behind it. The field's own value goes first. NULL: the arena is full.
char *paydunya_url(const struct provider_use *use, const char *field, const char *rest);

// --- Answers. True when it is a success: 2xx and response_code "00". Otherwise *ret says what it
// is: a refusal in its own words, NOT_SENT, or LOST.
bool paydunya_open(const struct provider_use *use, const struct http_response *response,
                   const struct json_value **ret_body, struct outcome *ret);
// The same for a question: what is refused then is the question, so that nothing is learned.
bool paydunya_open_query(const struct provider_use *use, const struct http_response *response,
                         const struct json_value **ret_body, struct outcome *ret);
// What isn't a success, of an answer that is open.
void paydunya_refused(struct arena *arena, const struct json_value *body, struct outcome *ret);
// Whether the member is this many francs, as a number or as text ("5000.00").
bool paydunya_amount_is(struct arena *arena, const struct json_value *body, const char *path,
                        int64_t amount);

// --- Charges
bool paydunya_create(const struct provider_use *use, const struct provider_act *act,
                     struct http_request *ret);
void paydunya_read_create(const struct provider_use *use, const struct provider_act *act,
                          const struct http_response *response, struct outcome *ret);
bool paydunya_confirm(const struct provider_use *use, const char *token, struct http_request *ret);
void paydunya_read_confirm(const struct provider_use *use, const struct provider_act *act,
                           const struct http_response *response, struct outcome *ret);
bool paydunya_softpay(const struct provider_use *use, const struct provider_act *act,
                      struct http_request *ret);
void paydunya_read_softpay(const struct provider_use *use, const struct http_response *response,
                           struct outcome *ret);

// --- Refunds: false with *ret FAILED when there is nobody to pay to, or too little.
bool paydunya_can_disburse(const struct provider_use *use, const struct provider_act *act,
                           struct outcome *ret);
bool paydunya_disburse(const struct provider_use *use, const struct provider_act *act,
                       struct http_request *ret);
void paydunya_read_disburse(const struct provider_use *use, const struct provider_act *act,
                            const struct http_response *response, struct outcome *ret);
bool paydunya_check(const struct provider_use *use, const struct provider_act *act,
                    struct http_request *ret);
void paydunya_read_check(const struct provider_use *use, const struct provider_act *act,
                         const struct http_response *response, struct outcome *ret);
