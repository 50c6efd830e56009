#include "view.h"

#include <string.h>

#include "rpc/wellknown.h"

#define NEW(arena, prefix, type)                                                                   \
    MESSAGE_NEW(arena, obol__webhooks__v1__##prefix, Obol__Webhooks__V1__##type)

// A NULL that isn't meant, for want of memory, sets *full.
static char *text_of(struct arena *arena, const char *text, bool *full)
{
    char *copy = arena_strdup(arena, text ? text : "");
    *full |= !copy;
    return copy ? copy : (char *)protobuf_c_empty_string;
}

static Google__Protobuf__StringValue *optional_text(struct arena *arena, const char *text,
                                                    bool *full)
{
    if (!text)
        return NULL;
    Google__Protobuf__StringValue *value = wellknown_string(arena, text);
    *full |= !value;
    return value;
}

static Google__Protobuf__Int64Value *optional_int(struct arena *arena, bool present, int64_t number,
                                                  bool *full)
{
    if (!present)
        return NULL;
    Google__Protobuf__Int64Value *value = wellknown_int(arena, number);
    *full |= !value;
    return value;
}

static Google__Protobuf__Timestamp *optional_time(struct arena *arena, int64_t unix_us, bool *full)
{
    if (unix_us == DB_TIME_NULL)
        return NULL;
    Google__Protobuf__Timestamp *value = wellknown_time(arena, unix_us);
    *full |= !value;
    return value;
}

static char **texts_of(struct arena *arena, const char *const *texts, size_t n, bool *full)
{
    char **copies = ARENA_ARRAY(arena, n, char *);
    *full |= !copies;
    for (size_t i = 0; copies && i < n; i++)
        copies[i] = text_of(arena, texts[i], full);
    return copies;
}

Obol__Webhooks__V1__Endpoint *view_endpoint(struct arena *arena, const struct endpoint *endpoint,
                                            const char *secret)
{
    Obol__Webhooks__V1__Endpoint *view = NEW(arena, endpoint, Endpoint);
    if (!view)
        return NULL;
    bool full = false;
    view->id = text_of(arena, endpoint->id, &full);
    view->object = text_of(arena, "webhook_endpoint", &full);
    view->url = text_of(arena, endpoint->url, &full);
    view->events = texts_of(arena, endpoint->events, endpoint->events_n, &full);
    view->n_events = view->events ? endpoint->events_n : 0;
    view->description = optional_text(arena, endpoint->description, &full);
    view->enabled = endpoint->enabled;
    view->disabled_reason = optional_text(arena, endpoint->disabled_reason, &full);
    view->secret = optional_text(arena, secret, &full);
    view->created_at = optional_time(arena, endpoint->created_us, &full);
    return full ? NULL : view;
}

Obol__Webhooks__V1__Delivery *view_delivery(struct arena *arena, const struct delivery *delivery)
{
    Obol__Webhooks__V1__Delivery *view = NEW(arena, delivery, Delivery);
    if (!view)
        return NULL;
    bool full = false;
    view->id = text_of(arena, delivery->id, &full);
    view->object = text_of(arena, "webhook_delivery", &full);
    view->endpoint_id = text_of(arena, delivery->endpoint_id, &full);
    view->event = text_of(arena, delivery->event_type, &full);
    view->event_id = text_of(arena, delivery->event_id, &full);
    view->payment_id = optional_text(arena, delivery->payment_id, &full);
    view->url = text_of(arena, delivery->url, &full);
    view->status = text_of(arena, delivery->status, &full);
    view->attempts = (int32_t)delivery->attempts;
    view->max_attempts = (int32_t)delivery->max_attempts;
    view->response_code =
        optional_int(arena, delivery->response_code != 0, delivery->response_code, &full);
    view->response_body = optional_text(arena, delivery->response_body, &full);
    view->last_error = optional_text(arena, delivery->last_error, &full);
    view->next_retry_at = optional_time(arena, delivery->next_us, &full);
    view->created_at = optional_time(arena, delivery->created_us, &full);
    view->delivered_at = optional_time(arena, delivery->delivered_us, &full);
    return full ? NULL : view;
}

static size_t lines_count(const char *lines)
{
    size_t n = 0;
    for (const char *at = lines; at && (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

// "Name: value" lines.
static void view_headers(struct arena *arena, Obol__Webhooks__V1__Attempt *view, const char *lines,
                         bool *full)
{
    size_t n = lines_count(lines);
    view->request_headers = ARENA_ARRAY(arena, n, Obol__Webhooks__V1__Header *);
    *full |= !view->request_headers;
    for (size_t i = 0; i < n && !*full; i++) {
        const char *end = strchr(lines, '\n');
        const char *colon = memchr(lines, ':', (size_t)(end - lines));
        Obol__Webhooks__V1__Header *header = NEW(arena, header, Header);
        *full |= !header;
        if (header && colon && colon + 2 <= end) {
            header->name = arena_strndup(arena, lines, (size_t)(colon - lines));
            header->value = arena_strndup(arena, colon + 2, (size_t)(end - colon - 2));
            *full |= !header->name || !header->value;
            view->request_headers[view->n_request_headers++] = header;
        }
        lines = end + 1;
    }
}

static Obol__Webhooks__V1__Attempt *
view_attempt(struct arena *arena, const struct logged_attempt *attempt, char *body, bool *full)
{
    Obol__Webhooks__V1__Attempt *view = NEW(arena, attempt, Attempt);
    *full |= !view;
    if (!view)
        return NULL;
    view->number = (int32_t)attempt->number;
    view->started_at = optional_time(arena, attempt->started_us, full);
    view->duration_ms =
        optional_int(arena, attempt->duration_us >= 0, attempt->duration_us / 1000, full);
    view_headers(arena, view, attempt->request_headers, full);
    view->request_body = body;
    view->response_code =
        optional_int(arena, attempt->response_code != 0, attempt->response_code, full);
    view->response_body = optional_text(arena, attempt->response_body, full);
    view->error = optional_text(arena, attempt->error, full);
    return view;
}

bool view_attempts(struct arena *arena, Obol__Webhooks__V1__Delivery *delivery,
                   const struct logged_attempt *attempts, size_t n, struct bytes body)
{
    bool full = false;
    char *text = arena_strndup(arena, body.at ? (const char *)body.at : "", body.length);
    delivery->attempt_log = ARENA_ARRAY(arena, n, Obol__Webhooks__V1__Attempt *);
    if (!text || !delivery->attempt_log)
        return false;
    for (size_t i = 0; i < n && !full; i++)
        delivery->attempt_log[i] = view_attempt(arena, &attempts[i], text, &full);
    delivery->n_attempt_log = full ? 0 : n;
    return !full;
}

Obol__Webhooks__V1__StoredEvent *view_event(struct arena *arena, const struct stored_event *event)
{
    Obol__Webhooks__V1__StoredEvent *view = NEW(arena, stored_event, StoredEvent);
    if (!view)
        return NULL;
    bool full = false;
    view->id = text_of(arena, event->id, &full);
    view->object = text_of(arena, "event", &full);
    view->event = text_of(arena, event->type, &full);
    view->object_id = text_of(arena, event->object_id, &full);
    view->payment_id = optional_text(arena, event->payment_id, &full);
    view->sequence = event->sequence;
    view->body = arena_strndup(arena, (const char *)event->body.at, event->body.length);
    view->created_at = optional_time(arena, event->created_us, &full);
    return full || !view->body ? NULL : view;
}
