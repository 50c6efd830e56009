// Cards, and what their issuers answer.
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "card.h"
#include "mimics/blumon.h"

// A number that is not here is approved.
static const struct {
    const char *number, *code;
    bool challenged;
} cards[] = {
    {"4242424242424242", "00", false},     {"4000000000000002", "57", false},
    {"4000000000009995", "51", false},     {"4000000000000069", "54", false},
    {"4000000000000127", "122", false},    {"4000000000000119", "912", false},
    {"4000000000001018", "101", false},    {"4000000000000622", "62", false},
    {"4000000000050056", "N5", false},     {"4000000000000614", "61", false},
    {"4000000000000655", "65", false},     {"4000000000040040", "O4", false},
    {"4000000000000945", "94", false},     {"4000000000001877", "187", false},
    {"4000000000080012", "TX_001", false}, {"4000000000080038", "TX_003", false},
    {"4000003800000446", "00", true},      {"4000002760003184", "00", true},
};

// Some declines come under 200, some under 4xx: clients have to bear both.
static const struct {
    const char *code;
    int status;
    const char *description;
} answers[] = {
    {"00", 200, "APROBADA"},
    {"51", 200, "FONDOS INSUFICIENTES"},
    {"54", 200, "TARJETA VENCIDA"},
    {"57", 200, "TRANSACCION NO PERMITIDA AL TARJETAHABIENTE"},
    {"61", 200, "EXCEDE LIMITE DE MONTO"},
    {"62", 400, "TARJETA RESTRINGIDA"},
    {"65", 400, "EXCEDE LIMITE DE OPERACIONES"},
    {"94", 409, "TRANSACCION DUPLICADA"},
    {"101", 400, "TARJETA EXPIRADA"},
    {"122", 400, "CVV INCORRECTO"},
    {"187", 200, "TARJETA INACTIVA"},
    {"912", 200, "EMISOR NO DISPONIBLE"},
    {"914", 404, "TRANSACCION ORIGINAL NO ENCONTRADA"},
    {"N5", 200, "TARJETA NO PERMITIDA"},
    {"O4", 200, "EXCEDE LIMITE DE LA TARJETA"},
    {"TX_001", 400, "EXCEDE EL MONTO MAXIMO POR TRANSACCION"},
    {"TX_003", 409, "EXCEDE EL MONTO MAXIMO MENSUAL"},
    {"3DS_REJECTED", 400, "AUTENTICACION RECHAZADA"},
    {"CANCELED", 200, "CANCELADA POR EL CLIENTE"},
    {"EXPIRED", 200, "ENLACE VENCIDO"},
};
#define ANSWERS_N (sizeof answers / sizeof *answers)

static size_t answer_at(const char *code)
{
    for (size_t i = 1; i < ANSWERS_N; i++)
        if (strcmp(answers[i].code, code) == 0)
            return i;
    return 0;
}

const char *blumon_description(const char *code)
{
    return answers[answer_at(code)].description;
}

int blumon_http_status(const char *code)
{
    return answers[answer_at(code)].status;
}

static const char *brand_of(const char *number)
{
    if (number[0] == '4')
        return "VISA";
    return strncmp(number, "34", 2) == 0 || strncmp(number, "37", 2) == 0 ? "AMEX" : "MASTERCARD";
}

bool blumon_card_of_number(struct arena *arena, const char *number, struct blumon_card *ret)
{
    if (!card_digits(number, 13, 19) || !card_luhn(number))
        return false;
    *ret = (struct blumon_card){.last_four = arena_strdup(arena, number + strlen(number) - 4),
                                .brand = brand_of(number),
                                .code = "00"};
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        if (strcmp(cards[i].number, number) == 0) {
            ret->code = cards[i].code;
            ret->challenged = cards[i].challenged;
        }
    }
    return ret->last_four != NULL;
}

bool blumon_card_of_token(struct mimic_call *call, const char *token, struct blumon_card *ret)
{
    const struct entry *entry = mimic_find_id(call->mimic, token);
    const struct json_value *kept;
    if (!entry || strcmp(entry->state, "card") != 0 || !entry->extra ||
        json_parse(call->arena, bytes_of_string(entry->extra), &kept) != STATUS_OK)
        return false;
    ret->last_four = json_get_string(kept, "lastFour");
    ret->brand = json_get_string(kept, "brand");
    ret->code = json_get_string(kept, "code");
    return json_get_bool(kept, "challenged", &ret->challenged);
}

// Two digits of a year mean this century.
static bool expired(const char *month, const char *year, int64_t now_us)
{
    time_t seconds = now_us / US_PER_S;
    struct tm now;
    if (!gmtime_r(&seconds, &now))
        return false;
    int of_year = 0, of_month = 0;
    for (const char *at = year + (strlen(year) == 4 ? 2 : 0); *at; at++)
        of_year = of_year * 10 + *at - '0';
    for (const char *at = month; *at; at++)
        of_month = of_month * 10 + *at - '0';
    return of_year * 12 + of_month - 1 < (now.tm_year - 100) * 12 + now.tm_mon;
}

static bool month_valid(const char *month)
{
    return card_digits(month, 2, 2) && strcmp(month, "01") >= 0 && strcmp(month, "12") <= 0;
}

bool blumon_card_read(struct mimic_call *call, struct blumon_card *ret)
{
    const char *token = json_get_string(call->body, "noPresentCardData.cardToken");
    if (token) {
        if (blumon_card_of_token(call, token, ret))
            return true;
        blumon_refuse(call, 400, "CARD_TOKEN", "No such cardToken");
        return false;
    }
    const char *number = json_get_string(call->body, "noPresentCardData.cardNumber");
    const char *month = json_get_string(call->body, "noPresentCardData.expirationMonth");
    const char *year = json_get_string(call->body, "noPresentCardData.expirationYear");
    if (!blumon_card_of_number(call->arena, number, ret)) {
        blumon_refuse(call, 400, "CARD_NUMBER", "cardNumber is not valid");
        return false;
    }
    if (!month_valid(month) || !card_digits(year, 2, 2)) {
        blumon_refuse(call, 400, "CARD_EXPIRATION", "expirationMonth is MM, expirationYear is YY");
        return false;
    }
    if (expired(month, year, call->now_us))
        ret->code = "54";
    return true;
}

static const char *card_flaw(const struct mimic_call *call, struct blumon_card *card)
{
    const char *month = json_get_string(call->body, "expMonth");
    const char *year = json_get_string(call->body, "expYear");
    const char *cvv = json_get_string(call->body, "cvv");
    const char *holder = json_get_string(call->body, "holderName");
    if (!blumon_card_of_number(call->arena, json_get_string(call->body, "pan"), card))
        return "pan is not valid";
    if (!month_valid(month) || !card_digits(year, 4, 4))
        return "expMonth is MM, expYear is YYYY";
    if (expired(month, year, call->now_us))
        return "the card has expired";
    if (cvv && !card_digits(cvv, 3, 4))
        return "cvv has three or four digits";
    return holder && *holder ? NULL : "holderName is missing";
}

void blumon_card_post(struct mimic_call *call)
{
    struct blumon_card card;
    if (!blumon_authorized(call))
        return;
    const char *flaw = call->body ? card_flaw(call, &card) : "the body is not JSON";
    if (flaw) {
        blumon_refuse(call, 400, "CARD", flaw);
        return;
    }
    struct entry entry = {.kind = ENTRY_INVOICE, .state = "card"};
    entry.extra = json_object(call->arena, (struct json_member[]){
                                               JSON_S("lastFour", card.last_four),
                                               JSON_S("brand", card.brand),
                                               JSON_S("code", card.code),
                                               JSON_B("challenged", card.challenged),
                                               {0},
                                           });
    struct id id = id_new("card");
    memcpy(entry.id, id.text, sizeof id.text);
    memcpy(entry.reference, id.text, sizeof id.text);
    if (!entry.extra || !mimic_add(call->mimic, &entry)) {
        blumon_full(call);
        return;
    }
    const char *data =
        json_object(call->arena, (struct json_member[]){JSON_S("id", id.text),
                                                        JSON_S("lastFour", card.last_four),
                                                        JSON_S("brand", card.brand),
                                                        {0}});
    blumon_approve(call, id.text, data);
}
