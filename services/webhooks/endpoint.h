// What a webhook endpoint may be: its URL, the events it asks for, its secret's form. Rules only,
// no I/O.
#pragma once
#include "base/arena.h"
#include "base/problem.h"

#define ENDPOINTS_MAX 20 // of one tenant
#define ENDPOINT_PATTERNS_MAX 50
#define ENDPOINT_DESCRIPTION_MAX 500 // characters
#define ENDPOINT_SECRET_MAX 255      // bytes, of an imported one
#define ENDPOINT_OVERLAP_DEFAULT_S 86400
#define ENDPOINT_OVERLAP_MAX_S 604800

// A pattern is an event's full name, "<object>.*" or "*".
bool event_pattern_known(const char *pattern);
bool event_pattern_matches(const char *pattern, const char *type);
bool event_patterns_match(const char *const *patterns, size_t n, const char *type);

// Refusals name the field: "url", "events[2]", "description". description may be NULL.
MUST_USE enum status endpoint_check_url(const char *url, bool allow_private,
                                        struct problem *problem);
MUST_USE enum status endpoint_check_events(const char *const *patterns, size_t n,
                                           struct problem *problem);
MUST_USE enum status endpoint_check_description(const char *description, struct problem *problem);
// Of an imported endpoint: printable ASCII without spaces.
MUST_USE enum status endpoint_check_secret(const char *secret, struct problem *problem);

// "whsec_" and the base64 of 24 random bytes (Standard Webhooks). NULL when the arena is full.
char *endpoint_secret_new(struct arena *arena);
