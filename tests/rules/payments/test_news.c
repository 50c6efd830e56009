#include "processor/news.h"
#include "support/support.h"

Test(news, ring_only_where_the_operation_is_in_hand)
{
    struct news *news = news_new(2);
    cr_assert_not(news_ring(news, "simulator", "op_1"));
    news_open(news, 1, "simulator", "op_1");
    cr_assert_not(news_take(news, 1));
    cr_assert_not(news_ring(news, "simulator", "op_2"));
    cr_assert_not(news_ring(news, "other", "op_1"));
    cr_assert(news_ring(news, "simulator", "op_1"));
    cr_assert(news_ring(news, "simulator", "op_1"));
    cr_assert(news_take(news, 1));
    cr_assert_not(news_take(news, 1), "told once");
    cr_assert_not(news_take(news, 0));
    news_free(news);
}

Test(news, are_not_lost_between_the_last_look_and_the_end)
{
    struct news *news = news_new(1);
    news_open(news, 0, "simulator", "op_1");
    cr_assert(news_ring(news, "simulator", "op_1"));
    cr_assert(news_close(news, 0));
    cr_assert_not(news_ring(news, "simulator", "op_1"), "the database has to know");
    news_open(news, 0, "simulator", "op_2");
    cr_assert_not(news_take(news, 0), "of another operation");
    news_free(news);
}
