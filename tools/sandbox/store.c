#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "json/json.h"

#define LINE_MAX_BYTES 8192

DEFINE_CLEANUP(fclose, FILE *)

struct store {
    int fd;
    struct arena *arena;
    struct buffer line;
};

static char *operation_line(struct arena *arena, const struct operation *operation)
{
    int64_t charge = operation->charge ? (int64_t)operation->charge->number : -1;
    return json_object(arena,
                       (struct json_member[]){JSON_I("operation", (int64_t)operation->number),
                                              JSON_I("kind", operation->kind),
                                              JSON_I("state", operation->state),
                                              JSON_S("reference", operation->reference),
                                              JSON_I("amount", operation->amount),
                                              JSON_S("currency", operation->currency),
                                              JSON_S("error_code", operation->error_code),
                                              JSON_B("succeeds", operation->succeeds),
                                              JSON_B("action", operation->action),
                                              JSON_B("silent", operation->silent),
                                              JSON_I("due_us", operation->due_us),
                                              JSON_I("hidden_until_us", operation->hidden_until_us),
                                              JSON_S("callback_url", operation->callback_url),
                                              JSON_I("charge", charge),
                                              JSON_B("automatic", operation->automatic),
                                              JSON_B("taken", operation->taken),
                                              JSON_I("captured", operation->captured),
                                              JSON_I("refunded", operation->refunded),
                                              {0}});
}

static void add_line(struct store *store, const char *line)
{
    if (!line)
        store->line.full = true;
    buffer_adds(&store->line, line ? line : "");
    buffer_adds(&store->line, "\n");
}

static enum status write_lines(struct store *store)
{
    struct bytes bytes = buffer_bytes(&store->line);
    bool whole = !store->line.full;
    while (whole && bytes.length) {
        ssize_t n = write(store->fd, bytes.at, bytes.length);
        if (n < 0 && errno == EINTR)
            continue;
        whole = n >= 0;
        if (whole)
            bytes = (struct bytes){bytes.at + n, bytes.length - (size_t)n};
    }
    buffer_clear(&store->line);
    store->line.full = false;
    arena_reset(store->arena);
    return whole ? STATUS_OK : STATUS_DATA_LOSS;
}

enum status store_operation(struct store *store, const struct operation *operation)
{
    if (!store)
        return STATUS_OK;
    add_line(store, operation_line(store->arena, operation));
    if (operation->charge)
        add_line(store, operation_line(store->arena, operation->charge));
    return write_lines(store);
}

enum status store_token(struct store *store, const struct token *token)
{
    if (!store)
        return STATUS_OK;
    add_line(store,
             json_object(store->arena, (struct json_member[]){JSON_S("token", token->id),
                                                              JSON_I("outcome", token->outcome),
                                                              JSON_S("brand", token->brand),
                                                              JSON_S("last4", token->last4),
                                                              {0}}));
    return write_lines(store);
}

static int64_t integer(const struct json_value *value, const char *name)
{
    int64_t number = 0;
    return json_get_integer(value, name, &number) ? number : 0;
}

static bool boolean(const struct json_value *value, const char *name)
{
    bool is = false;
    return json_get_bool(value, name, &is) && is;
}

static void text(const struct json_value *value, const char *name, char *to, size_t size)
{
    const char *from = json_get_string(value, name);
    (void)snprintf(to, size, "%s", from ? from : "");
}

static enum status replay_operation(struct ledger *ledger, const struct json_value *value)
{
    struct operation written = {
        .number = (size_t)integer(value, "operation"),
        .kind = (enum operation_kind)(integer(value, "kind") & 3),
        .state = (enum operation_state)integer(value, "state"),
        .amount = integer(value, "amount"),
        .succeeds = boolean(value, "succeeds"),
        .action = boolean(value, "action"),
        .silent = boolean(value, "silent"),
        .due_us = integer(value, "due_us"),
        .hidden_until_us = integer(value, "hidden_until_us"),
        .callback_url = (char *)json_get_string(value, "callback_url"),
        .automatic = boolean(value, "automatic"),
        .taken = boolean(value, "taken"),
        .captured = integer(value, "captured"),
        .refunded = integer(value, "refunded"),
    };
    text(value, "reference", written.reference, sizeof written.reference);
    text(value, "currency", written.currency, sizeof written.currency);
    text(value, "error_code", written.error_code, sizeof written.error_code);
    if ((unsigned)written.state > OPERATION_EXPIRED)
        return STATUS_INVALID_ARGUMENT;
    return ledger_restore(ledger, &written, integer(value, "charge"));
}

static enum status replay_line(struct ledger *ledger, struct arena *arena, struct bytes line)
{
    const struct json_value *value;
    if (json_parse(arena, line, &value) != STATUS_OK)
        return STATUS_INVALID_ARGUMENT;
    if (!json_get_string(value, "token"))
        return replay_operation(ledger, value);
    struct token token = {.outcome = (enum outcome)integer(value, "outcome")};
    text(value, "token", token.id, sizeof token.id);
    text(value, "brand", token.brand, sizeof token.brand);
    text(value, "last4", token.last4, sizeof token.last4);
    return ledger_token_add(ledger, &token);
}

// *ret_length is how far the file is good.
static enum status replay(const char *path, struct ledger *ledger, off_t *ret_length)
{
    *ret_length = 0;
    CLEANUP(fclose) FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? STATUS_OK : STATUS_UNAVAILABLE;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file)) {
        size_t length = strlen(line);
        if (length == 0 || line[length - 1] != '\n')
            break;
        struct bytes view = {(const uint8_t *)line, length - 1};
        if (replay_line(ledger, arena, view) != STATUS_OK) {
            log_error("store_line_unreadable", LOG_S("path", path), LOG_I("offset", *ret_length));
            return STATUS_DATA_LOSS;
        }
        arena_reset(arena);
        *ret_length += (off_t)length;
    }
    return ledger_resume(ledger);
}

enum status store_open(const char *path, struct ledger *ledger, struct store **ret)
{
    *ret = NULL;
    if (!*path)
        return STATUS_OK;
    off_t length;
    enum status status = replay(path, ledger, &length);
    if (status != STATUS_OK)
        return status;
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return STATUS_RESOURCE_EXHAUSTED;
    buffer_init(&store->line, 2 * (size_t)LINE_MAX_BYTES);
    store->arena = arena_new(ARENA_CAP_REQUEST);
    store->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (store->arena && store->fd >= 0 && ftruncate(store->fd, length) == 0) {
        *ret = store;
        return STATUS_OK;
    }
    store_close(store);
    return STATUS_UNAVAILABLE;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->fd >= 0)
        close(store->fd);
    arena_free(store->arena);
    buffer_deinit(&store->line);
    free(store);
}
