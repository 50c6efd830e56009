// What the handlers share. A handler is given its worker; worker->state is the struct webhooks.
#pragma once
#include "obol/webhooks/v1/webhooks.pb-c.h"
#include "store.h"
#include "webhooks.h"

struct webhooks *state_of(const struct worker *worker);
const char *given(const char *text); // NULL for "": proto3 says absent so
// A filter: NULL when empty, refused when it is no text.
MUST_USE enum status text_given(struct call *call, const char *param, const char *text,
                                const char **ret);
// NOT_FOUND for what can't be an id of this kind.
MUST_USE enum status id_given(struct call *call, const char *prefix, const char *id,
                              const char *noun);

// NOT_FOUND becomes "No such <noun>."; other statuses pass.
enum status refuse_missing(struct call *call, enum status status, const char *noun);
enum status out_of_memory(struct call *call);
// before and after: endpoints, without secrets, or NULL.
MUST_USE enum status audit(struct worker *worker, struct call *call, const char *action,
                           const struct endpoint *before, const struct endpoint *after);
MUST_USE enum status audit_text(struct worker *worker, struct call *call, const char *action,
                                const char *object_id, const char *after);

// The delivery with its attempts, read now.
MUST_USE enum status delivery_view(struct worker *worker, struct call *call, const char *id,
                                   Obol__Webhooks__V1__Delivery **ret);

enum status rpc_create_endpoint(void *worker, struct call *call);
enum status rpc_import_endpoint(void *worker, struct call *call);
enum status rpc_get_endpoint(void *worker, struct call *call);
enum status rpc_list_endpoints(void *worker, struct call *call);
enum status rpc_update_endpoint(void *worker, struct call *call);
enum status rpc_delete_endpoint(void *worker, struct call *call);
enum status rpc_rotate_secret(void *worker, struct call *call);
enum status rpc_test_endpoint(void *worker, struct call *call);
enum status rpc_replay(void *worker, struct call *call);
enum status rpc_get_delivery(void *worker, struct call *call);
enum status rpc_list_deliveries(void *worker, struct call *call);
enum status rpc_retry_delivery(void *worker, struct call *call);
enum status rpc_get_event(void *worker, struct call *call);
enum status rpc_list_events(void *worker, struct call *call);
