#include "samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "json/json.h"

#define CAPACITY_FIRST 65536

static bool samples_grow(struct samples *samples)
{
    size_t capacity = samples->capacity ? samples->capacity * 2 : CAPACITY_FIRST;
    int64_t *ns = reallocarray(samples->ns, capacity, sizeof *ns);
    if (!ns)
        return false;
    samples->ns = ns;
    samples->capacity = capacity;
    return true;
}

void samples_add(struct samples *samples, int64_t ns)
{
    if (samples->n == samples->capacity && !samples_grow(samples)) {
        samples->lost = true;
        return;
    }
    samples->ns[samples->n++] = ns;
    samples->sorted = false;
}

void samples_deinit(struct samples *samples)
{
    free(samples->ns);
    *samples = (struct samples){0};
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

const char *samples_ms(struct samples *samples, struct arena *arena, double share)
{
    if (samples->n == 0 || samples->lost)
        return "null";
    if (!samples->sorted)
        qsort(samples->ns, samples->n, sizeof *samples->ns, by_size);
    samples->sorted = true;
    size_t rank = (size_t)ceil(share * (double)samples->n);
    return bench_number(arena, (double)samples->ns[rank ? rank - 1 : 0] / (double)NS_PER_MS);
}

const char *samples_json(struct samples *samples, struct arena *arena)
{
    return json_object(arena,
                       (struct json_member[]){JSON_R("p50_ms", samples_ms(samples, arena, 0.5)),
                                              JSON_R("p90_ms", samples_ms(samples, arena, 0.9)),
                                              JSON_R("p99_ms", samples_ms(samples, arena, 0.99)),
                                              JSON_R("max_ms", samples_ms(samples, arena, 1)),
                                              {0}});
}
