#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bell.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "base/log.h"
#include "torture/support/torture.h"

static void count(void *at)
{
    ++*(int *)at;
}

// What was given once stays as it was, whatever is refused later; deferred calls run in any case.
static bool fill(struct arena *arena, int *deferred)
{
    struct bytes kept = arena_copy(arena, bytes_of_string("kept"));
    bool whole = kept.at && arena_defer(arena, count, deferred);
    for (size_t i = 0; i < 40; i++) {
        char *text = arena_printf(arena, "%zu of many, %*s", i, (int)(i * 200), "");
        torture_check(!text || strtoul(text, NULL, 10) == i);
        whole = whole && text;
    }
    char *long_one = arena_alloc(arena, 300000);
    torture_check(!long_one || (long_one[0] == 0 && long_one[299999] == 0));
    torture_check(!kept.at || memcmp(kept.at, "kept", 5) == 0);
    return whole && long_one;
}

static bool arenas(void)
{
    int deferred = 0;
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    bool whole = fill(arena, &deferred);
    arena_reset(arena);
    torture_check(!whole || deferred == 1);
    whole = fill(arena, &deferred) && whole;
    torture_disarm();
    char *after = arena_strdup(arena, "well again");
    torture_check(after && strcmp(after, "well again") == 0);
    arena_free(arena);
    torture_check(!whole || deferred == 2);
    return whole;
}

static bool buffers(void)
{
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    torture_arm();
    for (int i = 0; i < 2000; i++)
        buffer_addf(&buffer, "%08d ", i);
    torture_disarm();
    struct bytes bytes = buffer_bytes(&buffer);
    torture_check(bytes.length % 9 == 0 && (buffer.full || bytes.length == 18000));
    for (size_t i = 0; i < bytes.length / 9; i++)
        torture_check(strtoul((const char *)bytes.at + i * 9, NULL, 10) == i);
    bool whole = !buffer.full;
    buffer_clear(&buffer);
    buffer_adds(&buffer, "well again");
    torture_check(!buffer.full && strcmp(buffer.at, "well again") == 0);
    buffer_deinit(&buffer);
    return whole;
}

static bool bells(void)
{
    torture_arm();
    struct bell *bell = bell_new();
    if (!bell)
        return false;
    bell_ring(bell);
    torture_check(bell_wait(bell, 1000));
    torture_check(!bell_wait(bell, 1));
    bell_free(bell);
    return true;
}

struct settings {
    const char *name, *secret;
    int64_t number;
    bool flag;
};
static const struct config_entry entries[] = {
    {"TORTURE_NAME", CONFIG_STRING, offsetof(struct settings, name), NULL, "a name", 0, 0},
    {"TORTURE_SECRET", CONFIG_SECRET, offsetof(struct settings, secret), NULL, "a secret", 0, 0},
    {"TORTURE_NUMBER", CONFIG_INT, offsetof(struct settings, number), "7", "a number", 1, 9},
    {"TORTURE_FLAG", CONFIG_BOOL, offsetof(struct settings, flag), "no", "a flag", 0, 0},
};

static bool configuration(void)
{
    char path[] = "/tmp/obol-torture.XXXXXX";
    struct settings settings = {0};
    int file = mkstemp(path);
    torture_check(file >= 0 && write(file, "hidden\n", 7) == 7);
    close(file);
    setenv("TORTURE_NAME", "obol", 1);
    setenv("TORTURE_SECRET_FILE", path, 1);
    torture_arm();
    enum status status = config_load(entries, sizeof entries / sizeof *entries, &settings);
    torture_disarm();
    unlink(path);
    if (status != STATUS_OK)
        return false;
    torture_check(strcmp(settings.name, "obol") == 0 && strcmp(settings.secret, "hidden") == 0);
    torture_check(settings.number == 7 && !settings.flag);
    return true;
}

static bool names_and_lines(void)
{
    torture_arm();
    log_init("torture");
    struct id first = id_new("pay"), second = id_new("pay");
    log_info("made", LOG_S("id", first.text), LOG_I("at", clock_unix_us()));
    torture_check(strcmp(first.text, second.text) < 0);
    return true;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "arenas", .run = arenas},
        {.name = "buffers", .run = buffers},
        {.name = "bells", .run = bells},
        {.name = "configuration", .run = configuration},
        {.name = "names_and_lines", .run = names_and_lines},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
