#include "obs/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_SLOTS (2 * METRIC_SERIES_MAX) // never more than half full, so a probe always ends
#define KEY_MAX (METRIC_LABELS_MAX * (METRIC_LABEL_VALUE_MAX + 1))
#define LABEL_NAMES_MAX 128
#define NS_PER_SECOND 1000000000ULL
#define REFRESHES_MAX 8

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metric_unit { UNIT_ONE, UNIT_NS }; // nanoseconds are printed as seconds

// An upper bound as it is printed, and in the metric's unit.
struct bucket {
    const char *text;
    int64_t most;
};
static const struct bucket seconds[] = {
    {"0.0005", 500000},  {"0.001", 1000000},  {"0.0025", 2500000}, {"0.005", 5000000},
    {"0.01", 10000000},  {"0.025", 25000000}, {"0.05", 50000000},  {"0.1", 100000000},
    {"0.25", 250000000}, {"0.5", 500000000},  {"1", 1000000000},   {"2.5", 2500000000},
    {"5", 5000000000},   {"10", 10000000000},
};
static const struct bucket sizes[] = {
    {"1", 1},   {"2", 2},   {"4", 4},     {"8", 8},     {"16", 16},
    {"32", 32}, {"64", 64}, {"128", 128}, {"256", 256}, {"512", 512},
};
#define BUCKETS_MAX (sizeof(seconds) / sizeof(seconds[0]))

struct metric_series {
    uint64_t hash;
    _Atomic int64_t value;                    // of a histogram: the sum
    _Atomic uint64_t counts[BUCKETS_MAX + 1]; // of a histogram: per bucket, the last is +Inf
    atomic_bool unknown;                      // of a gauge: not shown
    size_t key_length;
    char key[]; // label values, each with its NUL
};

struct metric {
    struct metric *next;
    const char *name, *help;
    enum metric_kind kind;
    enum metric_unit unit;
    const struct bucket *buckets; // of a histogram
    size_t buckets_n;
    size_t labels_n;
    const char *labels[METRIC_LABELS_MAX];
    char label_names[LABEL_NAMES_MAX]; // what labels points into
    atomic_size_t series_n;
    _Atomic(struct metric_series *)
        slots[SERIES_SLOTS]; // open addressing; a series is never taken out
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *registry, **registry_end = &registry;
static void (*refreshes[REFRESHES_MAX])(void);
static size_t refreshes_n;

struct key {
    size_t length;
    uint64_t hash;
    char at[KEY_MAX];
};

static void key_make(const struct metric *metric, const char *const *values, struct key *key)
{
    key->length = 0;
    key->hash = 14695981039346656037u; // FNV-1a
    for (size_t i = 0; i < metric->labels_n; i++) {
        const char *value = values[i] ? values[i] : "";
        size_t length = strnlen(value, METRIC_LABEL_VALUE_MAX);
        memcpy(key->at + key->length, value, length);
        key->at[key->length + length] = '\0';
        key->length += length + 1;
    }
    for (size_t i = 0; i < key->length; i++)
        key->hash = (key->hash ^ (unsigned char)key->at[i]) * 1099511628211u;
}

static struct metric_series *series_new(const struct key *key)
{
    struct metric_series *series = calloc(1, sizeof(*series) + key->length);
    if (!series)
        return NULL;
    series->hash = key->hash;
    series->key_length = key->length;
    memcpy(series->key, key->at, key->length);
    return series;
}

static bool series_is(const struct metric_series *series, const struct key *key)
{
    return series->hash == key->hash && series->key_length == key->length &&
           memcmp(series->key, key->at, key->length) == 0;
}

// Finds the series of this key or puts a new one in. NULL when it is new and there are `max`
// already, or there is no memory.
static struct metric_series *series_get(struct metric *metric, const struct key *key, size_t max)
{
    struct metric_series *made = NULL;
    for (size_t slot = key->hash % SERIES_SLOTS;;) {
        struct metric_series *there =
            atomic_load_explicit(&metric->slots[slot], memory_order_acquire);
        if (there && series_is(there, key)) {
            if (made) // another thread was first
                atomic_fetch_sub(&metric->series_n, 1);
            free(made);
            return there;
        }
        if (there) {
            slot = (slot + 1) % SERIES_SLOTS;
            continue;
        }
        if (!made) {
            if (atomic_fetch_add(&metric->series_n, 1) >= max || !(made = series_new(key))) {
                atomic_fetch_sub(&metric->series_n, 1);
                return NULL;
            }
        }
        if (atomic_compare_exchange_strong(&metric->slots[slot], &there, made))
            return made;
    }
}

struct metric_series *metric_series(struct metric *metric, const char *const *values)
{
    static const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other",
                                                         "other", "other", "other"};
    struct key key;
    key_make(metric, values, &key);
    struct metric_series *series = series_get(metric, &key, METRIC_SERIES_MAX);
    if (series || metric->labels_n == 0)
        return series;
    key_make(metric, other, &key);
    return series_get(metric, &key, SERIES_SLOTS / 2 + SERIES_SLOTS / 4);
}

static void metric_name_labels(struct metric *metric, const char *labels)
{
    assert(strlen(labels) < sizeof(metric->label_names));
    memcpy(metric->label_names, labels, strlen(labels) + 1);
    for (char *at = metric->label_names; at;) {
        assert(metric->labels_n < METRIC_LABELS_MAX);
        metric->labels[metric->labels_n++] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = '\0';
    }
}

static struct metric *metric_find(const char *name)
{
    for (struct metric *metric = registry; metric; metric = metric->next)
        if (strcmp(metric->name, name) == 0)
            return metric;
    return NULL;
}

// What a metric is; the rest of it is made when it is registered.
struct shape {
    enum metric_kind kind;
    enum metric_unit unit;
    const struct bucket *buckets;
    size_t buckets_n;
};

static struct metric *metric_new(const struct shape *shape, const char *name, const char *help,
                                 const char *labels)
{
    struct metric *metric = calloc(1, sizeof(*metric));
    if (!metric)
        abort(); // at start-up; there is nothing to go on with
    metric->name = name;
    metric->help = help;
    metric->kind = shape->kind;
    metric->unit = shape->unit;
    metric->buckets = shape->buckets;
    metric->buckets_n = shape->buckets_n;
    if (labels)
        metric_name_labels(metric, labels);
    else
        metric_series(metric, NULL); // shown as 0 before the first update
    return metric;
}

static struct metric *metric_register(struct shape shape, const char *name, const char *help,
                                      const char *labels)
{
    pthread_mutex_lock(&registry_lock);
    struct metric *metric = metric_find(name);
    if (!metric) {
        metric = metric_new(&shape, name, help, labels);
        *registry_end = metric;
        registry_end = &metric->next;
    }
    assert(metric->kind == shape.kind && metric->unit == shape.unit);
    pthread_mutex_unlock(&registry_lock);
    return metric;
}

struct metric *metric_counter(const char *name, const char *help, const char *labels)
{
    return metric_register((struct shape){METRIC_COUNTER, UNIT_ONE, NULL, 0}, name, help, labels);
}

struct metric *metric_counter_ns(const char *name, const char *help, const char *labels)
{
    return metric_register((struct shape){METRIC_COUNTER, UNIT_NS, NULL, 0}, name, help, labels);
}

struct metric *metric_gauge(const char *name, const char *help, const char *labels)
{
    return metric_register((struct shape){METRIC_GAUGE, UNIT_ONE, NULL, 0}, name, help, labels);
}

struct metric *metric_gauge_ns(const char *name, const char *help, const char *labels)
{
    return metric_register((struct shape){METRIC_GAUGE, UNIT_NS, NULL, 0}, name, help, labels);
}

struct metric *metric_histogram_ns(const char *name, const char *help, const char *labels)
{
    return metric_register((struct shape){METRIC_HISTOGRAM, UNIT_NS, seconds, BUCKETS_MAX}, name,
                           help, labels);
}

struct metric *metric_histogram_sizes(const char *name, const char *help, const char *labels)
{
    size_t n = sizeof(sizes) / sizeof(sizes[0]);
    return metric_register((struct shape){METRIC_HISTOGRAM, UNIT_ONE, sizes, n}, name, help,
                           labels);
}

void metric_series_add(struct metric_series *series, int64_t amount)
{
    if (series)
        atomic_fetch_add_explicit(&series->value, amount, memory_order_relaxed);
}

void metric_add(struct metric *metric, int64_t amount, const char *const *values)
{
    assert(metric->kind == METRIC_GAUGE || (metric->kind == METRIC_COUNTER && amount >= 0));
    metric_series_add(metric_series(metric, values), amount);
}

void metric_set(struct metric *metric, int64_t value, const char *const *values)
{
    assert(metric->kind != METRIC_HISTOGRAM);
    struct metric_series *series = metric_series(metric, values);
    if (!series)
        return;
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
    atomic_store_explicit(&series->unknown, false, memory_order_release);
}

void metric_forget(struct metric *metric, const char *const *values)
{
    assert(metric->kind == METRIC_GAUGE);
    struct metric_series *series = metric_series(metric, values);
    if (series)
        atomic_store_explicit(&series->unknown, true, memory_order_relaxed);
}

void metric_observe(struct metric *metric, int64_t value, const char *const *values)
{
    assert(metric->kind == METRIC_HISTOGRAM);
    struct metric_series *series = metric_series(metric, values);
    if (!series)
        return;
    if (value < 0)
        value = 0;
    size_t bucket = 0;
    while (bucket < metric->buckets_n && value > metric->buckets[bucket].most)
        bucket++;
    atomic_fetch_add_explicit(&series->value, value, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->counts[bucket], 1, memory_order_relaxed);
}

void metrics_before_print(void (*refresh)(void))
{
    pthread_mutex_lock(&registry_lock);
    for (size_t i = 0; i < refreshes_n; i++)
        if (refreshes[i] == refresh)
            refresh = NULL;
    assert(refreshes_n < REFRESHES_MAX);
    if (refresh)
        refreshes[refreshes_n++] = refresh;
    pthread_mutex_unlock(&registry_lock);
}

static void print_escaped(struct buffer *out, const char *text, bool quotes)
{
    for (; *text; text++) {
        if (*text == '\\')
            buffer_adds(out, "\\\\");
        else if (*text == '\n')
            buffer_adds(out, "\\n");
        else if (*text == '"' && quotes)
            buffer_adds(out, "\\\"");
        else
            buffer_add(out, text, 1);
    }
}

// name_suffix{label="value",...,le="le"}
static void print_name(struct buffer *out, const struct metric *metric,
                       const struct metric_series *series, const char *suffix, const char *le)
{
    buffer_addf(out, "%s%s", metric->name, suffix);
    const char *before = "{", *value = series->key;
    for (size_t i = 0; i < metric->labels_n; i++, before = ",") {
        buffer_addf(out, "%s%s=\"", before, metric->labels[i]);
        print_escaped(out, value, true);
        buffer_adds(out, "\"");
        value += strlen(value) + 1;
    }
    if (le)
        buffer_addf(out, "%sle=\"%s\"", before, le);
    buffer_adds(out, le || metric->labels_n ? "} " : " ");
}

static void print_value(struct buffer *out, const struct metric *metric, int64_t value)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    buffer_adds(out, value < 0 ? "-" : "");
    if (metric->unit == UNIT_NS)
        buffer_addf(out, "%llu.%09llu\n", (unsigned long long)(size / NS_PER_SECOND),
                    (unsigned long long)(size % NS_PER_SECOND));
    else
        buffer_addf(out, "%llu\n", (unsigned long long)size);
}

static void print_histogram(struct buffer *out, const struct metric *metric,
                            struct metric_series *series)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= metric->buckets_n; i++) {
        total += atomic_load_explicit(&series->counts[i], memory_order_relaxed);
        print_name(out, metric, series, "_bucket",
                   i < metric->buckets_n ? metric->buckets[i].text : "+Inf");
        buffer_addf(out, "%llu\n", (unsigned long long)total);
    }
    print_name(out, metric, series, "_sum", NULL);
    print_value(out, metric, atomic_load_explicit(&series->value, memory_order_relaxed));
    print_name(out, metric, series, "_count", NULL);
    buffer_addf(out, "%llu\n", (unsigned long long)total);
}

static void print_metric(struct buffer *out, struct metric *metric)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buffer_addf(out, "# HELP %s ", metric->name);
    print_escaped(out, metric->help, false);
    buffer_addf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
    for (size_t i = 0; i < SERIES_SLOTS; i++) {
        struct metric_series *series =
            atomic_load_explicit(&metric->slots[i], memory_order_acquire);
        if (!series || atomic_load_explicit(&series->unknown, memory_order_acquire))
            continue;
        if (metric->kind == METRIC_HISTOGRAM) {
            print_histogram(out, metric, series);
            continue;
        }
        print_name(out, metric, series, "", NULL);
        print_value(out, metric, atomic_load_explicit(&series->value, memory_order_relaxed));
    }
}

void metrics_print(struct buffer *out)
{
    // Without the lock: what is refreshed may register.
    for (size_t i = 0; i < REFRESHES_MAX; i++) {
        pthread_mutex_lock(&registry_lock);
        void (*refresh)(void) = refreshes[i];
        pthread_mutex_unlock(&registry_lock);
        if (refresh)
            refresh();
    }
    pthread_mutex_lock(&registry_lock);
    for (struct metric *metric = registry; metric; metric = metric->next)
        print_metric(out, metric);
    pthread_mutex_unlock(&registry_lock);
}
