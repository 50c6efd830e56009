// Prometheus metrics (text exposition format 0.0.4): a registry of counters, gauges and histograms.
// Updates are atomic and never block; registering and printing take a lock. Label sets are bounded:
// past METRIC_SERIES_MAX series a metric counts under the label value "other". Label values are cut
// at METRIC_LABEL_VALUE_MAX bytes. Thread-safe; metrics live until exit.
//
// Labels come from tables of ours (methods of the contracts, adapters, states): never a path as it
// was asked for, an id or a URL. docs/metrics.md lists what there is, and a test holds it to that.
#pragma once
#include <stdint.h>

#include "base/buffer.h"

#define METRIC_SERIES_MAX 1024
#define METRIC_LABELS_MAX 6
#define METRIC_LABEL_VALUE_MAX 128

struct metric;
struct metric_series; // one label set of a metric; lives until exit

// Name and help are static storage; labels is a comma-separated list of label names ("method,code")
// or NULL. Registering the same name twice gives the same metric. What ends in _ns takes
// nanoseconds and shows seconds; sizes are counted in buckets of 1, 2, 4 … 512.
struct metric *metric_counter(const char *name, const char *help, const char *labels);
struct metric *metric_counter_ns(const char *name, const char *help, const char *labels);
struct metric *metric_gauge(const char *name, const char *help, const char *labels);
struct metric *metric_gauge_ns(const char *name, const char *help, const char *labels);
struct metric *metric_histogram_ns(const char *name, const char *help, const char *labels);
struct metric *metric_histogram_sizes(const char *name, const char *help, const char *labels);

// values: as many strings as the metric has labels, NULL when it has none.
// A counter grows only (amount >= 0); a gauge takes both signs. A counter is set only to what
// somebody else counts (the kernel's CPU time).
void metric_add(struct metric *metric, int64_t amount, const char *const *values);
void metric_set(struct metric *metric, int64_t value, const char *const *values);
// A gauge that nobody knows at present: its series is not shown until it is set again, for an old
// number would be a lie.
void metric_forget(struct metric *metric, const char *const *values);
void metric_observe(struct metric *metric, int64_t value, const char *const *values);
#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__})

// For who counts often: the look-up once. NULL (no memory) may be counted in too.
struct metric_series *metric_series(struct metric *metric, const char *const *values);
void metric_series_add(struct metric_series *series, int64_t amount);

// Called before each print, in its thread: for what is read when somebody wants to know. A few; the
// same once.
void metrics_before_print(void (*refresh)(void));
void metrics_print(struct buffer *out);
