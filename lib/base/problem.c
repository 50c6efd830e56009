#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A cut must not leave half a UTF-8 character: what carries the detail on refuses such text.
static void drop_half_character(char *text)
{
    size_t length = strlen(text), start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t whole = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length - (start - 1) < whole)
        text[start - 1] = '\0';
}

enum status problem_set(struct problem *problem, enum status status, const char *code,
                        const char *param, const char *detail, ...)
{
    // detail may be formatted from the problem's own old text, so the new one is made beside it.
    struct problem made = {.status = status, .code = code};
    snprintf(made.param, sizeof(made.param), "%s", param ? param : "");
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(made.detail, sizeof(made.detail), detail, arguments);
    va_end(arguments);
    drop_half_character(made.param);
    drop_half_character(made.detail);
    *problem = made;
    return status;
}

enum status problem_invalid(struct problem *problem, const char *param, const char *detail)
{
    return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", param, "%s", detail);
}

enum status problem_not_found(struct problem *problem, const char *noun)
{
    return problem_set(problem, STATUS_NOT_FOUND, "not_found", NULL, "No such %s.", noun);
}

enum status problem_unavailable(struct problem *problem)
{
    problem_set(problem, STATUS_UNAVAILABLE, "unavailable", NULL,
                "The service is not available just now. The request was certainly not accepted: "
                "try again shortly.");
    problem->retry_after_s = 1;
    return STATUS_UNAVAILABLE;
}

enum status problem_unknown(struct problem *problem)
{
    return problem_set(
        problem, STATUS_UNKNOWN, "outcome_unknown", NULL,
        "The answer was lost on the way. The request was perhaps accepted: repeat it "
        "with the same idempotency key to find out.");
}

enum status problem_internal(struct problem *problem)
{
    return problem_set(problem, STATUS_INTERNAL, "internal_error", NULL,
                       "Something went wrong on our side. The request id names it in our log.");
}
