// Prometheus metrics (text exposition format 0.0.4): a registry of counters, gauges and histograms.
// Updates are atomic and never block; registering and printing take a lock. Label sets are bounded:
// past METRIC_SERIES_MAX series a metric counts under the label value "other". Label values are cut
// at METRIC_LABEL_VALUE_MAX bytes. Thread-safe; metrics live until exit.
#pragma once
#include <stdint.h>

#include "base/buffer.h"

#define METRIC_SERIES_MAX 256
#define METRIC_LABELS_MAX 6
#define METRIC_LABEL_VALUE_MAX 128

struct metric;

// Name and help are static storage; labels is a comma-separated list of label names ("method,code")
// or NULL. Registering the same name twice gives the same metric. Histograms count seconds.
struct metric *metric_counter(const char *name, const char *help, const char *labels);
struct metric *metric_gauge(const char *name, const char *help, const char *labels);
struct metric *metric_histogram(const char *name, const char *help, const char *labels);

// values: as many strings as the metric has labels, NULL when it has none.
// A counter grows only (amount >= 0); a gauge takes both signs.
void metric_add(struct metric *metric, int64_t amount, const char *const *values);
void metric_set(struct metric *metric, int64_t value, const char *const *values);
void metric_observe_ns(struct metric *metric, int64_t ns, const char *const *values);
#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__})

void metrics_print(struct buffer *out);
