#include "base/failpoint.h"

#ifdef OBOL_FAILPOINTS
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAILPOINTS_MAX 16
#define FAILPOINT_NAME_MAX 63
#define FAILPOINT_EVERY (-1)
#define EXIT_AS_KILLED 137

struct failpoint {
    char name[FAILPOINT_NAME_MAX + 1];
    bool crash;
    long left; // hits until it fires; 0: spent
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static struct failpoint points[FAILPOINTS_MAX];
static size_t points_n;
static atomic_bool armed; // so that a place on a hot path costs one load

// "name=crash", "name=fail:3", "name=fail:*"
static bool failpoint_parse(const char *text, struct failpoint *ret)
{
    char action[6] = "", count[8] = "";
    int end = 0;
    *ret = (struct failpoint){.left = 1};
    int got = sscanf(text, "%63[^=]=%5[a-z]%n:%7[0-9*]%n", ret->name, action, &end, count, &end);
    if (got < 2 || text[end])
        return false;
    ret->crash = strcmp(action, "crash") == 0;
    if (!ret->crash && strcmp(action, "fail") != 0)
        return false;
    if (got == 3 && strcmp(count, "*") == 0) {
        ret->left = FAILPOINT_EVERY;
        return true;
    }
    if (got == 3)
        ret->left = strchr(count, '*') ? 0 : strtol(count, NULL, 10);
    return ret->left > 0;
}

// What can't be read begins at the result; NULL: all was.
static const char *failpoint_parse_all(const char *spec, struct failpoint *ret, size_t *ret_n)
{
    *ret_n = 0;
    for (const char *at = spec; *at;) {
        size_t length = strcspn(at, ",");
        char one[128] = "";
        if (length < sizeof(one))
            memcpy(one, at, length);
        if (*ret_n == FAILPOINTS_MAX || !failpoint_parse(one, &ret[*ret_n]))
            return at;
        (*ret_n)++;
        at += length + (at[length] == ',');
    }
    return NULL;
}

bool failpoint_spec_valid(const char *spec)
{
    struct failpoint read[FAILPOINTS_MAX];
    size_t n;
    return !failpoint_parse_all(spec, read, &n);
}

static void failpoint_read(const char *spec)
{
    const char *bad = failpoint_parse_all(spec, points, &points_n);
    // A test whose failpoint was misspelt would pass without having tested anything.
    if (bad) {
        fprintf(stderr, "OBOL_FAILPOINTS: can't read \"%.*s\"\n", (int)strcspn(bad, ","), bad);
        abort();
    }
    atomic_store(&armed, points_n > 0);
}

static void failpoint_read_environment(void)
{
    const char *spec = getenv("OBOL_FAILPOINTS");
    failpoint_read(spec ? spec : "");
}

void failpoint_arm(const char *spec)
{
    pthread_once(&environment_once, failpoint_read_environment);
    pthread_mutex_lock(&lock);
    failpoint_read(spec);
    pthread_mutex_unlock(&lock);
}

// Counts the hit; true when the point fires.
static bool failpoint_fires(struct failpoint *point)
{
    if (point->left == FAILPOINT_EVERY)
        return true;
    return point->left > 0 && --point->left == 0;
}

bool failpoint_hit(const char *name)
{
    pthread_once(&environment_once, failpoint_read_environment);
    if (!atomic_load(&armed))
        return false;
    bool fails = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < points_n; i++) {
        if (strcmp(points[i].name, name) != 0 || !failpoint_fires(&points[i]))
            continue;
        if (points[i].crash)
            _exit(EXIT_AS_KILLED);
        fails = true;
    }
    pthread_mutex_unlock(&lock);
    return fails;
}
#endif
