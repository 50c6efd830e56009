#include <criterion/criterion.h>
#include <string.h>

#include "hop.h"

static const struct method reading = {.path = "/t/Read"};
static const struct method writing = {.path = "/t/Write", .writes = true};
static struct lines lines;

static void setup(void)
{
    lines = (struct lines){0};
    lines_init(&lines);
}

static void teardown(void)
{
    lines_deinit(&lines);
}

TestSuite(lines, .init = setup, .fini = teardown);

static void add(struct hop_call *call, const char *tenant_id, const struct method *method)
{
    *call = (struct hop_call){.call = {.method = method, .context = {.tenant_id = tenant_id}}};
    cr_assert(lines_add(&lines, call));
}

// Takes all of the first line away, as a bundle does.
static struct line *leave(size_t n)
{
    struct line *line = lines.first;
    for (size_t i = 0; i < n; i++)
        line_take(line);
    line_left(&lines, line, 0);
    return line;
}

Test(lines, keep_a_tenants_calls_in_order)
{
    struct hop_call calls[3];
    for (int i = 0; i < 3; i++)
        add(&calls[i], "a", &writing);
    cr_assert_eq(lines.first->waiting_n, 3);
    cr_assert_null(lines.first->next);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(line_take(lines.first), &calls[i]);
}

Test(lines, are_one_for_each_tenant_and_kind)
{
    struct hop_call calls[4];
    add(&calls[0], "a", &writing);
    add(&calls[1], "a", &reading);
    add(&calls[2], "b", &writing);
    add(&calls[3], NULL, &reading);
    size_t n = 0;
    for (struct line *line = lines.first; line; line = line->next)
        n += line->waiting_n == 1;
    cr_assert_eq(n, 4);
}

Test(lines, take_turns)
{
    struct hop_call calls[4];
    add(&calls[0], "a", &writing);
    add(&calls[1], "a", &writing);
    add(&calls[2], "b", &writing);
    struct line *a = leave(1);
    cr_assert_str_eq(lines.first->tenant_id, "b");
    cr_assert_eq(lines.first->next, a);
    struct line *b = leave(1);
    cr_assert_eq(lines.first, a);
    cr_assert_eq(b->away_n, 1);
    line_came_home(&lines, b);
    add(&calls[3], "b", &writing);
    cr_assert_str_eq(lines.first->next->tenant_id, "b");
    cr_assert_eq(lines.first->next->away_n, 0);
}

Test(lines, stay_while_a_bundle_is_away)
{
    struct hop_call calls[2];
    add(&calls[0], "a", &writing);
    struct line *a = leave(1);
    cr_assert_null(lines.first);
    add(&calls[1], "a", &writing);
    cr_assert_eq(lines.first, a);
    cr_assert_eq(a->away_n, 1);
    line_came_home(&lines, a);
    cr_assert_eq(lines.first, a);
}

Test(lines, give_up_what_is_late)
{
    struct hop_call calls[3];
    add(&calls[0], "a", &writing);
    calls[0].call.context.deadline_ns = 100;
    add(&calls[1], "b", &writing);
    calls[1].call.context.deadline_ns = 50;
    add(&calls[2], "b", &writing);
    calls[2].call.context.deadline_ns = 200;
    cr_assert_null(lines_take_expired(&lines, 49));
    cr_assert_eq(lines_take_expired(&lines, 50), &calls[1]);
    cr_assert_eq(lines_take_expired(&lines, 100), &calls[0]);
    cr_assert_null(lines_take_expired(&lines, 199));
    cr_assert_eq(lines_take_expired(&lines, 200), &calls[2]);
    cr_assert_null(lines.first);
    struct hop_call again;
    add(&again, "c", &writing);
    cr_assert_eq(lines.first->first, &again);
}
