#include "measure.h"

#include <pthread.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "processor/breaker.h"

#define NS_PER_US 1000LL

const struct service_gauge payments_gauges[] = {
    {"obol_payments_unknown", "Payments whose outcome isn't known, counted to 10,001.", false},
    {"obol_payments_unknown_oldest_age_seconds", "How long the oldest of them has been so.", true},
    {"obol_payments_needs_review", "Payments that wait for a person, counted to 10,001.", false},
    {"obol_refunds_needs_review", "Refunds that wait for a person, counted to 10,001.", false},
    {"obol_operations_due", "Operations that should be sent or asked about, counted to 10,001.",
     false},
    {"obol_operations_due_oldest_age_seconds", "For how long the oldest of them has been due.",
     true},
};
const size_t payments_gauges_n = sizeof payments_gauges / sizeof *payments_gauges;

static const char *outcome_shown(enum payment_status status)
{
    switch (status) {
    case PAYMENT_AUTHORIZED:
    case PAYMENT_SUCCEEDED:
    case PAYMENT_FAILED:
    case PAYMENT_CANCELED:
    case PAYMENT_EXPIRED:
    case PAYMENT_UNKNOWN:
    case PAYMENT_NEEDS_REVIEW:
        return payment_status_name(status);
    case PAYMENT_PENDING:
    case PAYMENT_PROCESSING:
    case PAYMENT_REQUIRES_ACTION:
    case PAYMENT_CAPTURING:
    case PAYMENT_CANCELING:
        break;
    }
    return NULL; // on its way
}

static struct {
    pthread_once_t once;
    struct metric *payments, *amounts, *retries, *requests, *durations, *decided, *decision_times;
} measures = {.once = PTHREAD_ONCE_INIT};

static void measures_make(void)
{
    measures.payments = metric_counter(
        "obol_payments_total", "Payments by the state that they have come to; created: accepted.",
        "provider,method,outcome");
    measures.amounts = metric_counter(
        "obol_payment_amount_minor_units_total",
        "Amounts that were asked for, taken, declined and given back.", "currency,outcome");
    measures.decided = metric_counter(
        "obol_payments_decided_total",
        "Payments that came to be authorized, succeeded, failed or expired at once, not by way of "
        "unknown or a person.",
        "provider");
    measures.decision_times = metric_counter_ns(
        "obol_payment_decision_seconds_total",
        "How long those took together, from their creation, in seconds.", "provider");
    measures.retries = metric_counter(
        "obol_operation_retries_total",
        "Requests that did nothing at a provider and are sent once more.", "provider,act");
    measures.requests =
        metric_counter("obol_provider_requests_total",
                       "Requests to providers by what they asked for and what came of it.",
                       "provider,act,outcome");
    measures.durations = metric_histogram_ns("obol_provider_request_duration_seconds",
                                             "How long providers take to answer.", "provider,act");
}

// For whoever began it and waits. What was unknown or with a person in between has numbers of its
// own, and would hide in an average what all others took.
static bool was_waited_for(const struct payment *payment, enum payment_status before)
{
    bool waiting = before == PAYMENT_PENDING || before == PAYMENT_PROCESSING ||
                   before == PAYMENT_REQUIRES_ACTION;
    return waiting &&
           (payment->status == PAYMENT_AUTHORIZED || payment->status == PAYMENT_SUCCEEDED ||
            payment->status == PAYMENT_FAILED || payment->status == PAYMENT_EXPIRED);
}

static void took(struct db *db, const struct payment *payment)
{
    int64_t took_us = clock_unix_us() - payment->created_us;
    db_tally(db, metric_series(measures.decided, METRIC_LABELS(payment->provider)), 1);
    db_tally(db, metric_series(measures.decision_times, METRIC_LABELS(payment->provider)),
             took_us > 0 ? took_us * NS_PER_US : 0);
}

static struct metric_series *payments_series(const char *provider, const char *method,
                                             const char *outcome)
{
    pthread_once(&measures.once, measures_make);
    return metric_series(measures.payments, METRIC_LABELS(provider, method, outcome));
}

static void count(struct db *db, const struct payment *payment, const char *outcome)
{
    db_tally(db, payments_series(payment->provider, payment->method, outcome), 1);
}

static void amount(struct db *db, const struct payment *payment, const char *outcome,
                   int64_t minor_units)
{
    pthread_once(&measures.once, measures_make);
    db_tally(db, metric_series(measures.amounts, METRIC_LABELS(payment->currency, outcome)),
             minor_units);
}

void tally_created(struct db *db, const struct payment *payment)
{
    count(db, payment, "created");
    amount(db, payment, "created", payment->amount);
    if (payment->status == PAYMENT_NEEDS_REVIEW)
        count(db, payment, "needs_review");
}

// An act that was refused leads back to where it began, which is nothing new.
static bool leads_back(enum payment_status before)
{
    return before == PAYMENT_CAPTURING || before == PAYMENT_CANCELING;
}

void tally_changed(struct db *db, const struct payment *payment, enum payment_status before,
                   const struct payment_act *act)
{
    const char *outcome = outcome_shown(payment->status);
    if (act->kind == ACT_REFUNDED)
        amount(db, payment, "refunded", act->amount);
    if (payment->status == before || !outcome ||
        (payment->status == PAYMENT_AUTHORIZED && leads_back(before)))
        return;
    count(db, payment, outcome);
    if (was_waited_for(payment, before))
        took(db, payment);
    if (payment->status == PAYMENT_SUCCEEDED)
        amount(db, payment, outcome, payment->amount_captured);
    if (payment->status == PAYMENT_FAILED)
        amount(db, payment, outcome, payment->amount);
}

static struct metric_series *retries_series(const char *provider, enum operation_kind kind)
{
    pthread_once(&measures.once, measures_make);
    return metric_series(measures.retries, METRIC_LABELS(provider, operation_kind_name(kind)));
}

void tally_retry(struct db *db, const struct operation *operation)
{
    db_tally(db, retries_series(operation->provider, operation->kind), 1);
}

void measure_request(const char *provider, const char *act, enum outcome_kind outcome,
                     int64_t duration_us)
{
    pthread_once(&measures.once, measures_make);
    metric_add(measures.requests, 1, METRIC_LABELS(provider, act, outcome_name(outcome)));
    metric_observe(measures.durations, duration_us * 1000, METRIC_LABELS(provider, act));
}

static void payments_begin(const char *provider, const char *method)
{
    (void)payments_series(provider, method, "created");
    (void)metric_series(measures.decided, METRIC_LABELS(provider));
    (void)metric_series(measures.decision_times, METRIC_LABELS(provider));
    for (int status = PAYMENT_PENDING; status <= PAYMENT_STATUS_MAX; status++) {
        const char *outcome = outcome_shown((enum payment_status)status);
        if (outcome)
            (void)payments_series(provider, method, outcome);
    }
}

void measure_begin(struct breakers *breakers, const struct providers *providers)
{
    const struct provider *provider;
    for (size_t i = 0; (provider = providers_at(providers, i)); i++) {
        breakers_show(breakers, provider->name);
        for (int kind = OPERATION_CHARGE; kind < OPERATION_KINDS; kind++)
            (void)retries_series(provider->name, (enum operation_kind)kind);
        for (const struct provider_support *takes = provider->supports; takes->method; takes++)
            payments_begin(provider->name, takes->method);
    }
}
