// What becomes of a payment, by the last two digits of its number. Airtel publishes no test
// numbers: these are the sandbox's own. Everything that isn't here is sent and paid (TS,
// DP00800001001). All of it holds for disbursements too, which answer at once with what a push
// comes to.
//
// Sent, and then
//   50 TF DP00800001002 wrong PIN              56 TF DP00800001009 do not honour
//   51 TF DP00800001003 limit                  57 TF DP00800001010 payee
//   52 TF DP00800001004 amount                 58 TF DP00800001024 timed out
//   53 TF DP00800001005 no PIN                 59 TE DP00800001029 expired
//   54 TF DP00800001007 balance                60 TA DP00800001000, later TS
//   55 TF DP00800001008 refused                61 TA DP00800001000, later TF DP00800001009
//                                              62 TIP DP00800001006 for ever
// Paid, but its refund
//   64 is refused (ESB000011)   65 is done, and answered 408   66 is not done, and answered 408
// The push's answer leaves open what happened, and then
//   69 HTTP 408, it never arrived (ESB000045)  75 ESB000014, TF DP00800001009
//   70 ESB000001, TS                           76 ROUTER117 (HTTP 500), TS
//   71 ESB000001, TF DP00800001009             77 ROUTER117 (HTTP 500), TF DP00800001009
//   72 ESB000004, TS                           78 HTTP 408, TS
//   73 ESB000004, TF DP00800001009             79 HTTP 408, TF DP00800001009
//   74 ESB000014, TS                           94 DP00800001000, TA, later TS
//                                              95 DP00800001000, TA, later TF DP00800001009
// Refused at once, and in no book (81 is: TF)
//   80 ESB000008 validation    85 ESB000035 currency      90 ROUTER119 currency
//   81 ESB000011 failed        86 ESB000039 vendor        91 ROUTER115 PIN
//   82 ESB000033 MSISDN        87 ROUTER001 wallet        92 ROUTER116 PIN
//   83 ESB000036 MSISDN        88 ROUTER003 parameters    93 DP00800001026 forbidden
//   84 ESB000034 country       89 ROUTER112 currency
// Without a number of their own: ESB000041 by an id that is there already, ESB000045 with
// DP00800001025 by asking for one that is not.
#include <string.h>

#include "mimics/airtel.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define REST(ending_, rest_, code_)                                                                \
    {                                                                                              \
        .ending = (ending_), .http = 200, .rest = (rest_), .code = (code_)                         \
    }
#define UNCLEAR(ending_, http_, refusal_, rest_, code_)                                            \
    {                                                                                              \
        .ending = (ending_), .http = (http_), .refusal = (refusal_), .rest = (rest_),              \
        .code = (code_)                                                                            \
    }
#define AMBIGUOUS(ending_, refusal_, rest_, code_)                                                 \
    {                                                                                              \
        .ending = (ending_), .http = 200, .refusal = (refusal_), .rest = (rest_),                  \
        .is_ambiguous = true, .code = (code_)                                                      \
    }
#define AT_ONCE(ending_, http_, refusal_)                                                          \
    {                                                                                              \
        .ending = (ending_), .http = (http_), .refusal = (refusal_), .rest = AIRTEL_NOTHING,       \
        .code = ""                                                                                 \
    }
#define GIVEN_BACK(ending_, refund_)                                                               \
    {                                                                                              \
        .ending = (ending_), .http = 200, .rest = AIRTEL_PAID, .code = "", .refund = (refund_)     \
    }
#define DECLINED "DP00800001009"

static const struct airtel_outcome outcomes[] = {
    REST("50", AIRTEL_REFUSED, "DP00800001002"),
    REST("51", AIRTEL_REFUSED, "DP00800001003"),
    REST("52", AIRTEL_REFUSED, "DP00800001004"),
    REST("53", AIRTEL_REFUSED, "DP00800001005"),
    REST("54", AIRTEL_REFUSED, "DP00800001007"),
    REST("55", AIRTEL_REFUSED, "DP00800001008"),
    REST("56", AIRTEL_REFUSED, DECLINED),
    REST("57", AIRTEL_REFUSED, "DP00800001010"),
    REST("58", AIRTEL_REFUSED, "DP00800001024"),
    REST("59", AIRTEL_EXPIRED, "DP00800001029"),
    AMBIGUOUS("60", NULL, AIRTEL_PAID, ""),
    AMBIGUOUS("61", NULL, AIRTEL_REFUSED, DECLINED),
    REST("62", AIRTEL_NEVER, ""),
    GIVEN_BACK("64", REFUND_REFUSED),
    GIVEN_BACK("65", REFUND_DONE_UNHEARD),
    GIVEN_BACK("66", REFUND_LOST),
    AT_ONCE("69", 408, ""),
    UNCLEAR("70", 200, "ESB000001", AIRTEL_PAID, ""),
    UNCLEAR("71", 200, "ESB000001", AIRTEL_REFUSED, DECLINED),
    UNCLEAR("72", 200, "ESB000004", AIRTEL_PAID, ""),
    UNCLEAR("73", 200, "ESB000004", AIRTEL_REFUSED, DECLINED),
    UNCLEAR("74", 200, "ESB000014", AIRTEL_PAID, ""),
    UNCLEAR("75", 200, "ESB000014", AIRTEL_REFUSED, DECLINED),
    UNCLEAR("76", 500, "ROUTER117", AIRTEL_PAID, ""),
    UNCLEAR("77", 500, "ROUTER117", AIRTEL_REFUSED, DECLINED),
    UNCLEAR("78", 408, "", AIRTEL_PAID, ""),
    UNCLEAR("79", 408, "", AIRTEL_REFUSED, DECLINED),
    AT_ONCE("80", 200, "ESB000008"),
    UNCLEAR("81", 200, "ESB000011", AIRTEL_REFUSED, "DP00800001008"),
    AT_ONCE("82", 200, "ESB000033"),
    AT_ONCE("83", 200, "ESB000036"),
    AT_ONCE("84", 200, "ESB000034"),
    AT_ONCE("85", 200, "ESB000035"),
    AT_ONCE("86", 200, "ESB000039"),
    AT_ONCE("87", 400, "ROUTER001"),
    AT_ONCE("88", 400, "ROUTER003"),
    AT_ONCE("89", 400, "ROUTER112"),
    AT_ONCE("90", 400, "ROUTER119"),
    AT_ONCE("91", 400, "ROUTER115"),
    AT_ONCE("92", 400, "ROUTER116"),
    AT_ONCE("93", 403, AIRTEL_FORBIDDEN),
    AMBIGUOUS("94", AIRTEL_AMBIGUOUS, AIRTEL_PAID, ""),
    AMBIGUOUS("95", AIRTEL_AMBIGUOUS, AIRTEL_REFUSED, DECLINED),
};

const struct airtel_outcome *airtel_outcome(const char *msisdn)
{
    static const struct airtel_outcome paid = REST("", AIRTEL_PAID, "");
    size_t length = strlen(msisdn);
    for (size_t i = 0; length >= 2 && i < COUNT(outcomes); i++)
        if (strcmp(outcomes[i].ending, msisdn + length - 2) == 0)
            return &outcomes[i];
    return &paid;
}

const char *airtel_message(const char *code)
{
    static const struct {
        const char *code, *message;
    } table[] = {
        {"DP00800001000", "The transaction is in an ambiguous state. Please enquire."},
        {"DP00800001001", "Transaction is successful."},
        {"DP00800001002", "Incorrect pin has been entered."},
        {"DP00800001003", "The user has exceeded the wallet's allowed transaction limit."},
        {"DP00800001004", "The amount is not within the allowed range."},
        {"DP00800001005", "User didn't enter the pin."},
        {AIRTEL_SENT, "Transaction in pending state. Please check after some time."},
        {"DP00800001007", "User wallet does not have enough money."},
        {"DP00800001008", "The transaction was refused."},
        {"DP00800001009", "Do not honor."},
        {"DP00800001010", "Transaction not permitted to payee."},
        {"DP00800001024", "The transaction was timed out."},
        {"DP00800001025", "The transaction was not found."},
        {AIRTEL_FORBIDDEN, "X-signature and payload did not match."},
        {"DP00800001029", "The transaction has expired."},
        {"ESB000001", "Something went wrong."},
        {"ESB000004", "An error occurred while initiating the payment."},
        {"ESB000008", "Field validation."},
        {"ESB000010", "SUCCESS"},
        {"ESB000011", "Failed"},
        {"ESB000014", "An error occurred while fetching the transaction status."},
        {"ESB000033", "Invalid MSISDN. It goes without the country code."},
        {"ESB000034", "Invalid country name."},
        {"ESB000035", "Invalid currency code."},
        {"ESB000036", "Invalid MSISDN length."},
        {"ESB000039", "Vendor is not configured to do transactions in the country."},
        {"ESB000041", "External transaction ID already exists."},
        {"ESB000045", "No transaction found with provided transaction id."},
        {"ROUTER001", "User wallet is not configured."},
        {"ROUTER003", "Mandatory parameters are missing either in the header or body."},
        {"ROUTER112", "Invalid currency provided."},
        {"ROUTER115", "The pin is incorrect."},
        {"ROUTER116", "The encrypted value of the pin is incorrect."},
        {"ROUTER117", "An error occurred while generating the response."},
        {"ROUTER119", "The currency does not belong to the country."},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].message;
    return "";
}
