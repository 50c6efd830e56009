// Money out: disbursements in two steps, and credit to an account.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mimics/paydunya.h"

#define MINIMUM 200
#define NEVER_S 86400

static const char *const modes[] = {
    "orange-money-senegal",
    "wave-senegal",
    "free-money-senegal",
    "expresso-senegal",
    "mtn-ci",
    "orange-money-ci",
    "moov-ci",
    "wave-ci",
    "mtn-benin",
    "moov-benin",
    "t-money-togo",
    "moov-togo",
    "orange-money-mali",
    "orange-money-burkina",
    "moov-burkina-faso",
    "paydunya",
};

static bool mode_known(const char *mode)
{
    for (size_t i = 0; mode && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i], mode) == 0)
            return true;
    return false;
}

static bool account_fits(const char *account)
{
    size_t length = account ? strlen(account) : 0;
    return length >= 8 && length <= 10 && strspn(account, "0123456789") == length;
}

static const char *id_given(const struct mimic_call *call)
{
    const char *id = json_get_string(call->body, "disburse_id");
    return id && *id && strlen(id) <= MIMIC_REFERENCE_MAX ? id : NULL;
}

static void invoice_add(struct mimic_call *call, const char *account, int64_t amount,
                        const char *mode)
{
    struct entry invoice = {.kind = ENTRY_INVOICE, .amount = amount, .state = "disburse"};
    const char *callback = json_get_string(call->body, "callback_url");
    const char *id = id_given(call);
    paydunya_token(invoice.id, "");
    (void)snprintf(invoice.reference, sizeof invoice.reference, "%s", invoice.id);
    (void)snprintf(invoice.payer, sizeof invoice.payer, "%s", account);
    memcpy(invoice.currency, PAYDUNYA_CURRENCY, sizeof PAYDUNYA_CURRENCY);
    invoice.callback_url = arena_strdup(call->arena, callback);
    invoice.extra = json_object(call->arena, (struct json_member[]){JSON_S("withdraw_mode", mode),
                                                                    JSON_S("token", invoice.id),
                                                                    JSON_S("disburse_id", id),
                                                                    {0}});
    if (!invoice.extra || !mimic_add(call->mimic, &invoice)) {
        paydunya_full(call);
        return;
    }
    if (callback && *callback)
        paydunya_probe(call, callback);
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){JSON_S("response_code", "00"),
                                                        JSON_S("disburse_token", invoice.id),
                                                        {0}}));
}

void paydunya_disburse_get_post(struct mimic_call *call)
{
    int64_t amount;
    if (!paydunya_keyed(call) || !paydunya_amount(call, "amount", &amount))
        return;
    const char *account = json_get_string(call->body, "account_alias");
    const char *mode = json_get_string(call->body, "withdraw_mode");
    if (!account_fits(account))
        paydunya_refuse(call, "1002", "account_alias is a number without a country's code");
    else if (!mode_known(mode))
        paydunya_refuse(call, "1002", "No such withdraw_mode");
    else if (amount < MINIMUM)
        paydunya_refuse(call, "4001", "The minimum is 200 XOF");
    else if (paydunya_fate(account) == FATE_BALANCE)
        paydunya_refuse(call, "4002", "Insufficient balance");
    else
        invoice_add(call, account, amount, mode);
}

// NULL after answering.
static struct entry *invoice_of(struct mimic_call *call)
{
    const char *token = call->body ? json_get_string(call->body, "disburse_invoice") : NULL;
    struct entry *invoice = token ? mimic_find_id(call->mimic, token) : NULL;
    if (invoice && strcmp(invoice->state, "disburse") == 0)
        return invoice;
    paydunya_refuse(call, "3001", "Disburse invoice not found");
    return NULL;
}

static const char *transfer_id(const struct mimic_call *call, const struct entry *invoice)
{
    return arena_printf(call->arena, "TX-%s", invoice->id);
}

static struct entry *transfer_of(struct mimic_call *call, const struct entry *invoice)
{
    const char *id = transfer_id(call, invoice);
    return id ? mimic_find_id(call->mimic, id) : NULL;
}

static const char *status_of(const struct entry *transfer)
{
    if (!transfer)
        return "created";
    if (transfer->status == ENTRY_PENDING)
        return "pending";
    return transfer->status == ENTRY_SUCCEEDED ? "success" : "failed";
}

static struct entry *transfer_add(struct mimic_call *call, const struct entry *invoice)
{
    struct entry transfer = *invoice;
    const struct json_value *notes = paydunya_notes(call->arena, invoice);
    const char *id = id_given(call);
    if (!id && notes)
        id = json_get_string(notes, "disburse_id");
    transfer.kind = ENTRY_REFUND;
    transfer.status = ENTRY_PENDING;
    transfer.created_us = 0;
    transfer.to = ENTRY_FAILED;
    transfer.due_us = call->now_us + mimic_scaled_us(call->mimic, NEVER_S * US_PER_S);
    transfer.state[0] = '\0';
    (void)snprintf(transfer.id, sizeof transfer.id, "TX-%.40s", invoice->id);
    if (id)
        (void)snprintf(transfer.reference, sizeof transfer.reference, "%s", id);
    return mimic_add(call->mimic, &transfer);
}

void paydunya_disburse_submit_post(struct mimic_call *call)
{
    struct entry *invoice = paydunya_keyed(call) ? invoice_of(call) : NULL;
    if (!invoice)
        return;
    if (transfer_of(call, invoice)) {
        paydunya_refuse(call, "4003", "This disburse invoice was submitted already");
        return;
    }
    enum paydunya_fate fate = paydunya_fate(invoice->payer);
    if (fate == FATE_OVERDRAW) {
        paydunya_refuse(call, "4002", "Insufficient balance");
        return;
    }
    struct entry *transfer = transfer_add(call, invoice);
    if (!transfer) {
        paydunya_full(call);
        return;
    }
    if (fate != FATE_WAITS)
        paydunya_schedule(call, transfer,
                          fate == FATE_FAILS || fate == FATE_SLOW ? fate : FATE_PAYS);
    mimic_reply(call, 200,
                json_object(call->arena,
                            (struct json_member[]){
                                JSON_S("response_code", "00"),
                                JSON_S("response_text", "Transaction pending, please check the "
                                                        "final status later"),
                                JSON_S("status", status_of(transfer)),
                                JSON_S("transaction_id", transfer->id),
                                JSON_S("disburse_id", transfer->reference),
                                {0},
                            }));
}

void paydunya_disburse_check_post(struct mimic_call *call)
{
    const struct entry *invoice = paydunya_keyed(call) ? invoice_of(call) : NULL;
    if (!invoice)
        return;
    const struct entry *transfer = transfer_of(call, invoice);
    const struct entry *shown = transfer ? transfer : invoice;
    const struct json_value *notes = paydunya_notes(call->arena, invoice);
    char at[RFC3339_SIZE];
    clock_rfc3339(shown->finished_us ? shown->finished_us : shown->created_us, at);
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){
                                     JSON_S("response_code", "00"),
                                     JSON_S("response_text", "Transaction Found"),
                                     JSON_S("status", status_of(transfer)),
                                     JSON_S("token", invoice->id),
                                     JSON_S("withdraw_mode",
                                            notes ? json_get_string(notes, "withdraw_mode") : NULL),
                                     JSON_I("amount", shown->amount),
                                     JSON_S("updated_at", at),
                                     JSON_S("disburse_id", shown->reference),
                                     JSON_S("transaction_id", transfer ? transfer->id : NULL),
                                     {0},
                                 }));
}

// Done at once, and each time anew: there is no reference.
void paydunya_credit_post(struct mimic_call *call)
{
    struct entry credit = {.kind = ENTRY_REFUND, .status = ENTRY_SUCCEEDED};
    if (!paydunya_keyed(call) || !paydunya_amount(call, "amount", &credit.amount))
        return;
    const char *account = json_get_string(call->body, "account_alias");
    if (!account || !*account || strlen(account) >= sizeof credit.payer) {
        paydunya_refuse(call, "1002", "account_alias is needed");
        return;
    }
    if (paydunya_fate(account) == FATE_BALANCE || paydunya_fate(account) == FATE_FAILS) {
        paydunya_refuse(call, "4002", "Insufficient balance");
        return;
    }
    paydunya_token(credit.id, "TX-");
    memcpy(credit.reference, credit.id, PAYDUNYA_TOKEN_MAX);
    memcpy(credit.currency, PAYDUNYA_CURRENCY, sizeof PAYDUNYA_CURRENCY);
    (void)snprintf(credit.payer, sizeof credit.payer, "%s", account);
    if (!mimic_add(call->mimic, &credit)) {
        paydunya_full(call);
        return;
    }
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_S("response_code", "00"),
                                             JSON_S("response_text", "Account credited"),
                                             JSON_S("description", "The account was credited"),
                                             JSON_S("transaction_id", credit.id),
                                             {0},
                                         }));
}
