// Invoices: made, asked about, paid on the hosted page or on the merchant's site.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mimics/paydunya.h"
#include "json/members.h"

#define EXPIRES_S 86400
#define CODE_DIGITS 4

static bool in_test(const struct mimic_call *call)
{
    return strncmp(http_path(call->exchange), "/paydunya/sandbox-api/", 22) == 0;
}

struct entry *paydunya_invoice(struct mimic_call *call, const char *token)
{
    struct entry *entry = token ? mimic_find_id(call->mimic, token) : NULL;
    return entry && entry->kind == ENTRY_CHARGE ? entry : NULL;
}

const char *paydunya_customer(struct arena *arena, const struct entry *invoice)
{
    const struct json_value *notes = paydunya_notes(arena, invoice);
    const char *name = notes ? json_get_string(notes, "customer.name") : NULL;
    const char *email = notes ? json_get_string(notes, "customer.email") : NULL;
    return json_object(arena, (struct json_member[]){
                                  JSON_S("name", name ? name : ""),
                                  JSON_S("phone", invoice->payer),
                                  JSON_S("email", email ? email : ""),
                                  JSON_S("payment_method", invoice->state),
                                  {0},
                              });
}

// The notes as they are, but for the customer.
void paydunya_customer_set(struct mimic_call *call, struct entry *invoice, const char *name,
                           const char *email)
{
    const struct json_value *notes = paydunya_notes(call->arena, invoice);
    if (!notes)
        return;
    const char *customer = json_object(
        call->arena, (struct json_member[]){JSON_S("name", name), JSON_S("email", email), {0}});
    const struct json_value *custom = json_member_of(notes, "custom_data");
    const char *text =
        json_object(call->arena, (struct json_member[]){
                                     JSON_S("mode", json_get_string(notes, "mode")),
                                     JSON_S("description", json_get_string(notes, "description")),
                                     JSON_S("return_url", json_get_string(notes, "return_url")),
                                     JSON_S("cancel_url", json_get_string(notes, "cancel_url")),
                                     JSON_R("custom_data", json_value_text(call->arena, custom)),
                                     JSON_R("customer", customer),
                                     {0},
                                 });
    char *kept = text ? mimic_keep(call->mimic, text) : NULL;
    if (kept)
        invoice->extra = kept;
}

static char *notes_of(struct mimic_call *call, const struct json_value *root)
{
    const struct json_value *custom = json_member_of(root, "custom_data");
    const char *custom_text =
        json_is_an_object(custom) ? json_value_text(call->arena, custom) : "{}";
    return json_object(call->arena,
                       (struct json_member[]){
                           JSON_S("mode", in_test(call) ? "test" : "live"),
                           JSON_S("description", json_get_string(root, "invoice.description")),
                           JSON_S("return_url", json_get_string(root, "actions.return_url")),
                           JSON_S("cancel_url", json_get_string(root, "actions.cancel_url")),
                           JSON_R("custom_data", custom_text),
                           {0},
                       });
}

struct entry *paydunya_invoice_new(struct mimic_call *call, const struct json_value *root)
{
    struct entry invoice = {.kind = ENTRY_CHARGE, .status = ENTRY_PENDING, .to = ENTRY_EXPIRED};
    const char *store = root ? json_get_string(root, "store.name") : NULL;
    const char *path =
        root == call->body ? "invoice.total_amount" : "invoice_data.invoice.total_amount";
    if (!store || !*store) {
        paydunya_refuse(call, "1002", "store.name and invoice are needed");
        return NULL;
    }
    if (!paydunya_amount(call, path, &invoice.amount))
        return NULL;
    paydunya_token(invoice.id, in_test(call) ? "test_" : "");
    const char *reference = json_get_string(root, "custom_data.reference");
    bool named = reference && *reference && strlen(reference) <= MIMIC_REFERENCE_MAX;
    (void)snprintf(invoice.reference, sizeof invoice.reference, "%s",
                   named ? reference : invoice.id);
    memcpy(invoice.currency, PAYDUNYA_CURRENCY, sizeof PAYDUNYA_CURRENCY);
    invoice.due_us = call->now_us + mimic_scaled_us(call->mimic, EXPIRES_S * US_PER_S);
    const char *callback = json_get_string(root, "actions.callback_url");
    invoice.callback_url = arena_strdup(call->arena, callback);
    invoice.extra = notes_of(call, root);
    struct entry *added = invoice.extra ? mimic_add(call->mimic, &invoice) : NULL;
    if (!added)
        paydunya_full(call);
    else if (callback && *callback)
        paydunya_probe(call, callback);
    return added;
}

static const char *checkout_url(const struct mimic_call *call, const struct entry *invoice)
{
    return arena_printf(call->arena, "%s/%s/invoice/%s", paydunya_base(call),
                        in_test(call) ? "sandbox-checkout" : "checkout", invoice->id);
}

void paydunya_create_post(struct mimic_call *call)
{
    const struct entry *invoice =
        paydunya_keyed(call) ? paydunya_invoice_new(call, call->body) : NULL;
    if (!invoice)
        return;
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_S("response_code", "00"),
                                             JSON_S("response_text", checkout_url(call, invoice)),
                                             JSON_S("description", "Checkout Invoice Created"),
                                             JSON_S("token", invoice->id),
                                             {0},
                                         }));
}

static const char *invoice_text(struct mimic_call *call, const struct entry *invoice,
                                const char *description)
{
    return json_object(call->arena, (struct json_member[]){
                                        JSON_S("token", invoice->id),
                                        JSON_I("total_amount", invoice->amount),
                                        JSON_S("description", description),
                                        {0},
                                    });
}

void paydunya_confirm_get(struct mimic_call *call)
{
    if (!paydunya_keyed(call))
        return;
    const struct entry *invoice = paydunya_invoice(call, call->names[0]);
    const struct json_value *notes = invoice ? paydunya_notes(call->arena, invoice) : NULL;
    const char *mode = in_test(call) ? "test" : "live";
    if (!notes || strcmp(json_get_string(notes, "mode"), mode) != 0) {
        paydunya_refuse(call, "3001", "Invoice Not Found");
        return;
    }
    bool done = invoice->status == ENTRY_SUCCEEDED;
    const struct json_value *custom = json_member_of(notes, "custom_data");
    const char *description = json_get_string(notes, "description");
    mimic_reply(call, 200,
                json_object(call->arena,
                            (struct json_member[]){
                                JSON_S("response_code", "00"),
                                JSON_S("response_text", "Transaction Found"),
                                JSON_S("hash", paydunya_hash(call->mimic, call->arena)),
                                JSON_R("invoice", invoice_text(call, invoice, description)),
                                JSON_R("custom_data", json_value_text(call->arena, custom)),
                                JSON_S("mode", mode),
                                JSON_S("status", paydunya_status(invoice)),
                                JSON_R("customer", paydunya_customer(call->arena, invoice)),
                                JSON_S("receipt_url", done ? checkout_url(call, invoice) : NULL),
                                JSON_S("receipt_identifier", done ? invoice->id : NULL),
                                JSON_S("provider_reference", done ? invoice->id : NULL),
                                JSON_S("fail_reason",
                                       invoice->status == ENTRY_FAILED ? invoice->code : NULL),
                                {0},
                            }));
}

// Only what is ours goes into the page: nobody's text needs escaping. A browser is sent back to the
// store by a header, so that programs that only press the button stay here.
static void show(struct mimic_call *call, const struct entry *invoice)
{
    bool open = invoice->status == ENTRY_PENDING;
    const struct json_value *notes = paydunya_notes(call->arena, invoice);
    const char *back =
        notes ? json_get_string(notes,
                                invoice->status == ENTRY_SUCCEEDED ? "return_url" : "cancel_url")
              : NULL;
    const char *page = arena_printf(
        call->arena,
        "<!doctype html><html lang=\"fr\"><title>PayDunya</title><h1>PayDunya</h1>"
        "<p>%s: %lld XOF, %s.</p>%s</html>\n",
        invoice->id, (long long)invoice->amount, paydunya_status(invoice),
        open ? "<form method=\"post\"><button name=\"outcome\" value=\"pay\">Pay</button> "
               "<button name=\"outcome\" value=\"cancel\">Cancel</button></form>"
             : "");
    call->answer = (struct mimic_answer){200, page, "text/html; charset=utf-8", {{0}}, 0};
    if (!open && back) {
        call->answer.headers[0][0] = "Refresh";
        call->answer.headers[0][1] = arena_printf(call->arena, "1; url=%s%stoken=%s", back,
                                                  strchr(back, '?') ? "&" : "?", invoice->id);
    }
}

void paydunya_page_get(struct mimic_call *call)
{
    const struct entry *invoice = paydunya_invoice(call, call->names[0]);
    if (invoice)
        show(call, invoice);
    else
        mimic_reply(call, 404, "{\"response_code\":\"3001\"}");
}

void paydunya_page_post(struct mimic_call *call)
{
    struct entry *invoice = paydunya_invoice(call, call->names[0]);
    const char *outcome =
        call->body ? json_get_string(call->body, "outcome") : mimic_form(call, "outcome");
    static const struct {
        const char *outcome;
        enum entry_status status;
        const char *code;
    } outcomes[] = {
        {"pay", ENTRY_SUCCEEDED, ""},
        {"cancel", ENTRY_CANCELED, "cancelled"},
        {"fail", ENTRY_FAILED, "insufficient_funds"},
    };
    if (!invoice) {
        mimic_reply(call, 404, "{\"response_code\":\"3001\"}");
        return;
    }
    if (invoice->status != ENTRY_PENDING) {
        mimic_reply(call, 409, "{\"response_text\":\"The invoice is no longer payable\"}");
        return;
    }
    for (size_t i = 0; outcome && i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strcmp(outcomes[i].outcome, outcome) != 0)
            continue;
        mimic_settle(call->mimic, invoice, outcomes[i].status, outcomes[i].code);
        show(call, invoice);
        return;
    }
    mimic_reply(call, 400, "{\"response_text\":\"outcome is pay, cancel or fail\"}");
}

// --- On-site payment: the account's owner gets a code and tells it to the merchant.
void paydunya_opr_create_post(struct mimic_call *call)
{
    if (!paydunya_keyed(call))
        return;
    struct entry *invoice = NULL;
    const char *account = call->body ? json_get_string(call->body, "opr_data.account_alias") : NULL;
    size_t length = account ? strlen(account) : 0;
    if (length < CODE_DIGITS || length >= sizeof invoice->payer) {
        paydunya_refuse(call, "1002", "opr_data.account_alias is needed");
        return;
    }
    invoice = paydunya_invoice_new(call, json_member_of(call->body, "invoice_data"));
    if (!invoice)
        return;
    (void)snprintf(invoice->payer, sizeof invoice->payer, "%s", account);
    (void)snprintf(invoice->state, sizeof invoice->state, "opr");
    const char *token = arena_printf(call->arena, "opr_%s", invoice->id);
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_S("response_code", "00"),
                                             JSON_S("response_text", "OPR Request Created"),
                                             JSON_S("description", "A confirmation code was sent"),
                                             JSON_S("token", token),
                                             JSON_S("invoice_token", invoice->id),
                                             {0},
                                         }));
}

static struct entry *requested(struct mimic_call *call)
{
    const char *token = call->body ? json_get_string(call->body, "token") : NULL;
    struct entry *invoice =
        token && strncmp(token, "opr_", 4) == 0 ? paydunya_invoice(call, token + 4) : NULL;
    return invoice && strcmp(invoice->state, "opr") == 0 ? invoice : NULL;
}

void paydunya_opr_charge_post(struct mimic_call *call)
{
    if (!paydunya_keyed(call))
        return;
    struct entry *invoice = requested(call);
    const char *code = call->body ? json_get_string(call->body, "confirm_token") : NULL;
    if (!invoice) {
        paydunya_refuse(call, "3001", "No such payment request");
        return;
    }
    if (invoice->status != ENTRY_PENDING) {
        paydunya_refuse(call, "3001", "The invoice is no longer payable");
        return;
    }
    if (!code || strcmp(code, invoice->payer + strlen(invoice->payer) - CODE_DIGITS) != 0) {
        paydunya_refuse(call, "3002", "Wrong confirmation token");
        return;
    }
    bool funds = paydunya_fate(invoice->payer) != FATE_FAILS;
    mimic_settle(call->mimic, invoice, funds ? ENTRY_SUCCEEDED : ENTRY_FAILED,
                 funds ? "" : "insufficient_funds");
    if (!funds) {
        paydunya_refuse(call, "4002", "Insufficient balance");
        return;
    }
    const char *data =
        json_object(call->arena, (struct json_member[]){
                                     JSON_S("status", paydunya_status(invoice)),
                                     JSON_S("receipt_url", checkout_url(call, invoice)),
                                     JSON_R("customer", paydunya_customer(call->arena, invoice)),
                                     JSON_R("invoice", invoice_text(call, invoice, NULL)),
                                     {0},
                                 });
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_S("response_code", "00"),
                                             JSON_S("response_text", "Payment completed"),
                                             JSON_R("invoice_data", data),
                                             {0},
                                         }));
}
