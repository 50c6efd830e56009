// The one result type of the house. The numbers are gRPC's canonical status codes
// (grpc/doc/statuscodes.md), so a status crosses the wire as it is.
#pragma once

enum status {
    STATUS_OK = 0,
    STATUS_CANCELLED = 1,
    STATUS_UNKNOWN = 2, // whether it happened is not known (a COMMIT whose answer was lost)
    STATUS_INVALID_ARGUMENT = 3,
    STATUS_DEADLINE_EXCEEDED = 4,
    STATUS_NOT_FOUND = 5,
    STATUS_ALREADY_EXISTS = 6,
    STATUS_PERMISSION_DENIED = 7,
    STATUS_RESOURCE_EXHAUSTED = 8,
    STATUS_FAILED_PRECONDITION = 9,
    STATUS_ABORTED = 10, // lost a race: read again and try again
    STATUS_OUT_OF_RANGE = 11,
    STATUS_UNIMPLEMENTED = 12,
    STATUS_INTERNAL = 13,
    STATUS_UNAVAILABLE = 14, // certainly not done
    STATUS_DATA_LOSS = 15,
    STATUS_UNAUTHENTICATED = 16,
};

#define MUST_USE __attribute__((warn_unused_result))

// "NOT_FOUND"; "UNKNOWN" for a number outside the table. Static storage.
const char *status_name(enum status status);
