#include "setup/credential_fields.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address_range.h"
#include "http/guard.h"
#include "validate.h"

struct field_param {
    char text[PROBLEM_PARAM_MAX];
};

static struct field_param param_of(const char *name)
{
    struct field_param param;
    (void)snprintf(param.text, sizeof param.text, "fields.%s", name);
    return param;
}

// The provider's own, then those that all have; NULL behind the last.
static const struct credential_field *field_at(const struct provider *provider, size_t i)
{
    size_t own = 0;
    while (provider->fields[own].name)
        own++;
    const struct credential_field *field =
        i < own ? &provider->fields[i] : &credential_common_fields[i - own];
    return field->name ? field : NULL;
}

static const struct credential_field *field_find(const struct provider *provider, const char *name)
{
    const struct credential_field *field;
    for (size_t i = 0; (field = field_at(provider, i)); i++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

static const char *names_listed(struct arena *arena, const struct provider *provider)
{
    const struct credential_field *field;
    const char *text = "";
    for (size_t i = 0; text && (field = field_at(provider, i)); i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", field->name);
    return text ? text : "";
}

// base_url, and whatever else an adapter calls.
static bool is_url(const char *name)
{
    size_t length = strlen(name), suffix = strlen("_url");
    return length > suffix && strcmp(name + length - suffix, "_url") == 0;
}

static bool is_required(const struct field_rules *rules, const struct credential_field *field)
{
    const struct provider *provider = rules->provider;
    if (strcmp(field->name, "base_url") == 0)
        return !(rules->live ? provider->live_url : provider->sandbox_url);
    return field->required;
}

static enum status check_text(const char *value, const char *param, struct problem *problem)
{
    enum status status = validate_text(value, CREDENTIAL_VALUE_MAX, param, problem);
    if (status == STATUS_OK && strpbrk(value, "\t\n"))
        return problem_invalid(problem, param, "No control characters are allowed.");
    return status;
}

static enum status check_url(const struct field_rules *rules, const char *value, const char *param,
                             struct problem *problem)
{
    struct problem shape = {0};
    // Operators choose it, not merchants, and some providers are reached over private networks.
    if (guard_url(value, true, &shape) != STATUS_OK)
        return problem_invalid(problem, param, shape.detail);
    if (strchr(value, '?'))
        return problem_invalid(problem, param, "The URL may not carry a query.");
    if (strncasecmp(value, "https://", 8) == 0 || (rules->allow_http && !rules->live))
        return STATUS_OK;
    return problem_invalid(problem, param, "The URL must begin with https://.");
}

static enum status check_addresses(const char *value, const char *param, struct problem *problem)
{
    size_t n = 0;
    for (const char *at = value + strspn(value, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        struct address_range range;
        if (!address_range_parse(at, length, &range))
            return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", param,
                               "Neither an address nor a network: %.*s.",
                               (int)(length < 64 ? length : 64), at);
        at += length;
        n++;
    }
    return n > 0 ? STATUS_OK : problem_invalid(problem, param, "There is no address in it.");
}

static enum status check_value(const struct field_rules *rules, const struct field_change *change,
                               struct problem *problem)
{
    struct field_param param = param_of(change->name);
    enum status status = check_text(change->value, param.text, problem);
    if (status != STATUS_OK)
        return status;
    if (rules->live && strcmp(change->name, "ledger_url") == 0)
        return problem_invalid(problem, param.text, "Only a sandbox has a book to read.");
    if (is_url(change->name))
        return check_url(rules, change->value, param.text, problem);
    if (strcmp(change->name, "callback_addresses") == 0)
        return check_addresses(change->value, param.text, problem);
    return STATUS_OK;
}

static enum status check_changes(struct arena *arena, const struct field_rules *rules,
                                 const struct field_change *changes, size_t n,
                                 struct problem *problem)
{
    for (size_t i = 0; i < n; i++) {
        struct field_param param = param_of(changes[i].name);
        if (!field_find(rules->provider, changes[i].name))
            return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", param.text,
                               "%s has no such field; it has %s.", rules->provider->title,
                               names_listed(arena, rules->provider));
        if (!changes[i].value[0])
            continue;
        enum status status = check_value(rules, &changes[i], problem);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

// NULL when it isn't set, afterwards.
static const char *value_of(const char *name, const struct json_value *before,
                            const struct field_change *changes, size_t n)
{
    const char *value = before ? json_get_string(before, name) : NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(changes[i].name, name) == 0)
            value = changes[i].value;
    return value && value[0] ? value : NULL;
}

// Paths are put behind it.
static const char *without_slashes(struct arena *arena, const char *url)
{
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    return arena_strndup(arena, url, length);
}

static enum status missing(struct arena *arena, const struct field_rules *rules, const char *name,
                           struct problem *problem)
{
    struct field_param param = param_of(name);
    return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", param.text,
                       "%s needs it; the fields are %s.", rules->provider->title,
                       names_listed(arena, rules->provider));
}

enum status credential_fields_change(struct arena *arena, const struct field_rules *rules,
                                     const struct json_value *before,
                                     const struct field_change *changes, size_t n,
                                     struct field_values *ret, struct problem *problem)
{
    const struct credential_field *field;
    size_t known = 0;
    enum status status = check_changes(arena, rules, changes, n, problem);
    if (status != STATUS_OK)
        return status;
    while (field_at(rules->provider, known))
        known++;
    struct json_member *members = ARENA_ARRAY(arena, known + 1, struct json_member);
    *ret = (struct field_values){.names = ARENA_ARRAY(arena, known, const char *)};
    if (!members || !ret->names)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; (field = field_at(rules->provider, i)); i++) {
        const char *value = value_of(field->name, before, changes, n);
        if (!value && is_required(rules, field))
            return missing(arena, rules, field->name, problem);
        if (!value)
            continue;
        if (is_url(field->name) && !(value = without_slashes(arena, value)))
            return STATUS_RESOURCE_EXHAUSTED;
        members[ret->n] = (struct json_member)JSON_S(field->name, value);
        ret->names[ret->n++] = field->name;
    }
    ret->json = json_object(arena, members);
    return ret->json ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}
