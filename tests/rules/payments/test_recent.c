#include <criterion/criterion.h>
#include <stdio.h>

#include "setup/recent.h"

#define ITEMS 200

struct noted {
    struct recent_item item;
    char key[8];
};

static struct recent recent;
static struct noted noted[ITEMS];

// Few buckets, so that chains are long.
static void begin(void)
{
    cr_assert(recent_init(&recent, 7));
    for (int i = 0; i < ITEMS; i++) {
        snprintf(noted[i].key, sizeof noted[i].key, "k%d", i);
        noted[i].item.key = noted[i].key;
        recent_add(&recent, &noted[i].item);
    }
}

static void end(void)
{
    recent_deinit(&recent);
}

TestSuite(recent, .init = begin, .fini = end);

Test(recent, finds_each_and_nothing_else)
{
    for (int i = 0; i < ITEMS; i++)
        cr_assert_eq(recent_find(&recent, noted[i].key), &noted[i].item);
    cr_assert_null(recent_find(&recent, "k"));
    cr_assert_null(recent_find(&recent, "k200"));
}

Test(recent, knows_the_oldest_unused)
{
    cr_assert_eq(recent.oldest, &noted[0].item);
    recent_find(&recent, "k0");
    cr_assert_eq(recent.newest, &noted[0].item);
    cr_assert_eq(recent.oldest, &noted[1].item);
    recent_find(&recent, "k150");
    recent_find(&recent, "k0");
    cr_assert_eq(recent.newest->older, &noted[150].item);
    cr_assert_eq(recent.oldest, &noted[1].item);
}

Test(recent, forgets_what_is_removed_wherever_it_stands)
{
    static const int removed[] = {0, ITEMS - 1, 50, 51, 1};
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        recent_remove(&recent, &noted[removed[i]].item);
        cr_assert_null(recent_find(&recent, noted[removed[i]].key));
    }
    size_t forward = 0, backward = 0;
    for (const struct recent_item *at = recent.newest; at; at = at->older)
        forward++;
    for (const struct recent_item *at = recent.oldest; at; at = at->newer)
        backward++;
    cr_assert_eq(recent.n, ITEMS - 5);
    cr_assert_eq(forward, recent.n);
    cr_assert_eq(backward, recent.n);
    cr_assert_eq(recent.newest, &noted[ITEMS - 2].item);
    cr_assert_eq(recent.oldest, &noted[2].item);
    while (recent.oldest)
        recent_remove(&recent, recent.oldest);
    cr_assert_null(recent.newest);
    cr_assert_eq(recent.n, 0);
}
