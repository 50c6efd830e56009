// Why a request is refused, said once, where it is known. A rule fills it; the RPC layer carries it
// as google.rpc.Status with ErrorInfo and BadRequest; the gateway shows it as RFC 9457
// problem+json.
//
// status decides the HTTP status (gateway/problem.c has the table): INVALID_ARGUMENT with the code
// "invalid_request" is 400, with any other code 422; OUT_OF_RANGE 422; FAILED_PRECONDITION and
// ABORTED 409; NOT_FOUND 404; PERMISSION_DENIED 403; UNAUTHENTICATED 401; RESOURCE_EXHAUSTED 429;
// UNAVAILABLE 503; UNKNOWN and DEADLINE_EXCEEDED 504; everything else 500.
#pragma once
#include "base/status.h"

#define PROBLEM_DETAIL_MAX 256
#define PROBLEM_PARAM_MAX 128

struct problem {
    enum status status;
    const char *code;              // snake_case, static storage: "refund_exceeds_captured"
    char param[PROBLEM_PARAM_MAX]; // path of the field at fault ("card.number"), or ""
    char detail[PROBLEM_DETAIL_MAX];
    int retry_after_s; // 0: no advice
};

// Fills *problem and returns status, so a rule can say `return problem_set(...)`. param may be
// NULL. detail is for a merchant's eyes: no SQL, no addresses, no other tenant's data. Cut at its
// maximum.
__attribute__((format(printf, 5, 6))) enum status problem_set(struct problem *problem,
                                                              enum status status, const char *code,
                                                              const char *param, const char *detail,
                                                              ...);

// The refusals that every room needs.
enum status problem_invalid(struct problem *problem, const char *param, const char *detail); // 400
enum status problem_not_found(struct problem *problem, const char *noun); // "No such payment."
enum status problem_unavailable(struct problem *problem); // 503: certainly not accepted
enum status problem_unknown(struct problem *problem);     // 504: repeat with the same key
enum status problem_internal(struct problem *problem);    // 500: the log has the reason
