// SoftPay: an invoice paid from the merchant's own form. The invoice's token is what keeps it from
// being paid twice.
#include <stdio.h>
#include <string.h>

#include "mimics/paydunya.h"

#define FEES_PERCENT 2
#define WRONG_OTP "000000"

struct operator
{
    const char *name;                             // in the path
    const char *fullname, *email, *phone, *token; // what the body calls them
    const char *wallet[2];                        // a further field and what it must be
    const char *starts;                           // two digits each
    size_t digits;                                // national number
    bool page;                                    // paid where the answer's url leads
};

static const struct operator operators[] = {
    {.name = "orange-money-senegal",
     .fullname = "customer_name",
     .email = "customer_email",
     .phone = "phone_number",
     .token = "invoice_token",
     .starts = "77 78",
     .digits = 9},
    {.name = "new-orange-money-senegal",
     .fullname = "customer_name",
     .email = "customer_email",
     .phone = "phone_number",
     .token = "invoice_token",
     .starts = "77 78",
     .digits = 9},
    {.name = "wave-senegal",
     .fullname = "wave_senegal_fullName",
     .email = "wave_senegal_email",
     .phone = "wave_senegal_phone",
     .token = "wave_senegal_payment_token",
     .starts = "70 75 76 77 78",
     .digits = 9,
     .page = true},
    {.name = "mtn-ci",
     .fullname = "mtn_ci_customer_fullname",
     .email = "mtn_ci_email",
     .phone = "mtn_ci_phone_number",
     .token = "payment_token",
     .wallet = {"mtn_ci_wallet_provider", "MTNCI"},
     .starts = "01 05 07",
     .digits = 10},
};

static void refuse(struct mimic_call *call, int status, const char *message)
{
    mimic_reply(call, status,
                json_object(call->arena, (struct json_member[]){JSON_B("success", false),
                                                                JSON_S("message", message),
                                                                {0}}));
}

static bool number_fits(const struct operator* operator, const char * phone)
{
    if (strlen(phone) != operator->digits || strspn(phone, "0123456789") != operator->digits)
        return false;
    for (const char *at = operator->starts; *at; at += at[2] ? 3 : 2)
        if (strncmp(at, phone, 2) == 0)
            return true;
    return false;
}

static const char *flaw_of(const struct mimic_call *call, const struct operator* operator)
{
    const char *name = json_get_string(call->body, operator->fullname);
    const char *phone = json_get_string(call->body, operator->phone);
    if (!name || !*name || !json_get_string(call->body, operator->email) || !phone)
        return "The name, the email or the phone number is missing";
    if (!number_fits(operator, phone))
        return "Invalid phone number";
    const char *wallet = operator->wallet[0] ? json_get_string(call->body, operator->wallet[0])
                                             : NULL;
    if (operator->wallet[0] &&(!wallet || strcmp(wallet, operator->wallet[1]) != 0))
        return "Invalid wallet provider";
    const char *otp = json_get_string(call->body, "authorization_code");
    if (otp && strcmp(otp, WRONG_OTP) == 0)
        return "Invalid or expired OTP code!";
    if (paydunya_fate(phone) == FATE_REFUSED)
        return "The customer has no account with this operator";
    return NULL;
}

// How the new Orange endpoint is to be paid. False: it does not say.
static bool kind_read(const struct mimic_call *call, const struct operator* operator,
                      bool * ret_page)
{
    *ret_page = operator->page;
    if (strcmp(operator->name, "new-orange-money-senegal") != 0)
        return true;
    const char *type = json_get_string(call->body, "api_type");
    *ret_page = type && strcmp(type, "QRCODE") == 0;
    return *ret_page || (type && strcmp(type, "OTPCODE") == 0 &&
                         json_get_string(call->body, "authorization_code"));
}

static void accept(struct mimic_call *call, struct entry *invoice, bool page)
{
    const char *url =
        arena_printf(call->arena, "%s/checkout/invoice/%s", paydunya_base(call), invoice->id);
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){
                                     JSON_B("success", true),
                                     JSON_S("message", page ? "Redirect the customer to the url"
                                                            : "The customer is asked to confirm"),
                                     JSON_I("fees", invoice->amount * FEES_PERCENT / 100),
                                     JSON_S("currency", PAYDUNYA_CURRENCY),
                                     {page ? "url" : NULL, JSON_MEMBER_STRING, url, 0},
                                     {0},
                                 }));
}

static void push(struct mimic_call *call, const struct operator* operator, struct entry * invoice,
                 bool page)
{
    const char *phone = json_get_string(call->body, operator->phone);
    enum paydunya_fate fate = paydunya_fate(phone);
    (void)snprintf(invoice->payer, sizeof invoice->payer, "%s", phone);
    (void)snprintf(invoice->state, sizeof invoice->state, "%s", operator->name);
    paydunya_customer_set(call, invoice, json_get_string(call->body, operator->fullname),
                          json_get_string(call->body, operator->email));
    bool decided = fate == FATE_FAILS || fate == FATE_CANCELS || fate == FATE_EXPIRES ||
                   fate == FATE_SLOW || fate == FATE_WILLING;
    if (decided || (!page && fate != FATE_WAITS))
        paydunya_schedule(call, invoice, fate);
    accept(call, invoice, page);
}

static const struct operator* operator_of(const char *name)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].name, name) == 0)
            return &operators[i];
    return NULL;
}

void paydunya_softpay_post(struct mimic_call *call)
{
    if (!paydunya_keyed(call))
        return;
    const struct operator* operator= operator_of(call->names[0]);
    bool page;
    if (!operator) {
        refuse(call, 404, "No such operator");
        return;
    }
    const char *flaw = call->body ? flaw_of(call, operator) : "The body is not JSON";
    if (!flaw && !kind_read(call, operator, & page))
        flaw = "api_type is QRCODE, or OTPCODE with an authorization_code";
    if (flaw) {
        refuse(call, 422, flaw);
        return;
    }
    struct entry *invoice = paydunya_invoice(call, json_get_string(call->body, operator->token));
    if (!invoice)
        refuse(call, 422, "Invoice not found");
    else if (invoice->status == ENTRY_SUCCEEDED)
        refuse(call, 422, "The invoice has already been paid");
    else if (invoice->status != ENTRY_PENDING)
        refuse(call, 422, "The invoice is no longer payable");
    else if (*invoice->state)
        refuse(call, 422, "A payment of the invoice is under way");
    else
        push(call, operator, invoice, page);
}
