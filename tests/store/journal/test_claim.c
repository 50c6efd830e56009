#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "journal/journal.h"
#include "support/measures.h"

static struct test_database database;
static struct db *db, *other;
static struct arena *arena;
static struct keyring ring;
static struct journal journal = {"payments", &ring};
static int64_t now_us;

static struct db *open_another(void)
{
    return db_new(&(struct db_config){.ring = test_ring(),
                                      .url = database.url,
                                      .schema = "store",
                                      .application = "other",
                                      .statement_timeout_ms = 20000,
                                      .lock_timeout_ms = 200});
}

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    other = open_another();
    arena = arena_new(ARENA_CAP_REQUEST);
    cr_assert(
        keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring));
    now_us = clock_unix_us();
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    db_free(other);
    test_database_drop(&database);
}

TestSuite(claim, .init = setup, .fini = teardown, .timeout = 60);

static struct claim claim_of(const char *key, const char *object_id, const char *request)
{
    return (struct claim){
        .tenant_id = "tenant_1",
        .key = key,
        .hash = journal_hash(&journal, "/m", (struct bytes){0}, bytes_of_string(request)),
        .object_id = object_id,
        .method = "/m",
        .answer = bytes_of_string(object_id),
        .http_status = 201,
        .now_us = now_us,
    };
}

static enum claim_result claim_one(struct db *in, struct claim *claim)
{
    cr_ok(journal_claim(&journal, in, arena, claim, 1));
    return claim->result;
}

Test(claim, hash_tells_requests_apart)
{
    struct bytes none = {0}, a = bytes_of_string("a"), b = bytes_of_string("b");
    struct sha256 hashes[] = {
        journal_hash(&journal, "/m", none, a), journal_hash(&journal, "/m", none, b),
        journal_hash(&journal, "/n", none, a), journal_hash(&journal, "/m", a, none),
        journal_hash(&journal, "/ma", none, none)};
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = i + 1; j < 5; j++)
            cr_assert_neq(memcmp(&hashes[i], &hashes[j], sizeof hashes[0]), 0, "%zu %zu", i, j);
    }
    struct sha256 again = journal_hash(&journal, "/other", a, b);
    cr_assert_eq(memcmp(&hashes[3], &again, sizeof again), 0, "the fingerprint is all that counts");
}

Test(claim, wins_then_replays_then_refuses_reuse)
{
    struct claim first = claim_of("k", "pay_1", "request");
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    struct claim again = claim_of("k", "pay_2", "request");
    cr_assert_eq(claim_one(db, &again), CLAIM_REPLAY);
    cr_assert_str_eq(again.held_object_id, "pay_1");
    cr_assert_eq(again.held_answer.length, 5);
    cr_assert_eq(memcmp(again.held_answer.at, "pay_1", 5), 0);
    struct claim reused = claim_of("k", "pay_3", "another request");
    cr_assert_eq(claim_one(db, &reused), CLAIM_REUSED);
    struct claim ours = claim_of("k", "pay_1", "request");
    cr_assert_eq(claim_one(db, &ours), CLAIM_OURS);
    struct claim elsewhere = claim_of("k", "pay_4", "request");
    elsewhere.tenant_id = "tenant_2";
    cr_assert_eq(claim_one(db, &elsewhere), CLAIM_WON);
}

Test(claim, runs_until_it_is_completed)
{
    struct claim first = claim_of("k", "pay_1", "request");
    first.answer = (struct bytes){0};
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    struct claim again = claim_of("k", "pay_2", "request");
    cr_assert_eq(claim_one(db, &again), CLAIM_RUNNING);
    cr_assert_str_eq(again.held_object_id, "pay_1");
    struct journal_key key;
    cr_ok(journal_key_get(db, arena, "tenant_1", "k", now_us, &key));
    cr_assert(key.running);
    cr_ok(
        journal_complete(&journal, db, arena, "tenant_1", "k", bytes_of_string("answer"), "pay_1"));
    cr_assert_eq(claim_one(db, &again), CLAIM_REPLAY);
    cr_assert_eq(memcmp(again.held_answer.at, "answer", 6), 0);
    cr_assert_eq(
        journal_complete(&journal, db, arena, "tenant_1", "k", bytes_of_string("x"), "pay_2"),
        STATUS_NOT_FOUND);
    cr_ok(journal_key_get(db, arena, "tenant_1", "k", now_us, &key));
    cr_assert_not(key.running);
    cr_assert_str_eq(key.object_id, "pay_1");
    cr_assert_eq(key.http_status, 201);
    cr_assert_eq(key.created_us, now_us);
    cr_assert_eq(key.expires_us, now_us + IDEMPOTENCY_TTL_S * US_PER_S);
}

Test(claim, counts_an_expired_key_as_new)
{
    struct claim first = claim_of("k", "pay_1", "request");
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    struct claim late = claim_of("k", "pay_2", "another request");
    late.now_us = now_us + IDEMPOTENCY_TTL_S * US_PER_S - 1;
    cr_assert_eq(claim_one(db, &late), CLAIM_REUSED);
    late.now_us++;
    struct journal_key key;
    cr_assert_eq(journal_key_get(db, arena, "tenant_1", "k", late.now_us, &key), STATUS_NOT_FOUND);
    cr_assert_eq(claim_one(db, &late), CLAIM_WON);
    cr_ok(journal_key_get(db, arena, "tenant_1", "k", late.now_us, &key));
    cr_assert_str_eq(key.object_id, "pay_2");
    cr_assert_eq(journal_key_get(db, arena, "tenant_1", "none", now_us, &key), STATUS_NOT_FOUND);
}

Test(claim, sorts_a_batch_into_winners_and_losers)
{
    struct claim b = claim_of("b", "pay_b", "request"), d = claim_of("d", "pay_d", "request");
    cr_assert_eq(claim_one(db, &b), CLAIM_WON);
    cr_assert_eq(claim_one(db, &d), CLAIM_WON);
    struct claim batch[] = {claim_of("a", "pay_1", "request"), claim_of("b", "pay_2", "request"),
                            claim_of("c", "pay_3", "request"), claim_of("d", "pay_4", "other"),
                            claim_of("e", "pay_5", "request")};
    cr_ok(journal_claim(&journal, db, arena, batch, 5));
    const enum claim_result expected[] = {CLAIM_WON, CLAIM_REPLAY, CLAIM_WON, CLAIM_REUSED,
                                          CLAIM_WON};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(batch[i].result, expected[i], "%zu", i);
    cr_ok(journal_claim(&journal, db, arena, batch, 0));
}

Test(claim, is_given_back_by_forget)
{
    struct claim a = claim_of("a", "pay_a", "request"), b = claim_of("b", "pay_b", "request");
    cr_assert_eq(claim_one(db, &a), CLAIM_WON);
    cr_assert_eq(claim_one(db, &b), CLAIM_WON);
    struct claim not_ours = b;
    not_ours.object_id = "pay_c";
    const struct claim *items[] = {&a, &not_ours};
    cr_ok(journal_forget(db, arena, items, 2));
    cr_ok(journal_forget(db, arena, NULL, 0));
    cr_assert_str_eq(test_sql(db, arena, "SELECT string_agg(key, ',') FROM idempotency_keys"), "b");
}

Test(claim, finds_itself_after_a_lost_commit)
{
    struct claim batch[] = {claim_of("a", "pay_1", "request"), claim_of("b", "pay_2", "request")};
    cr_ok(db_begin(db));
    cr_ok(journal_claim(&journal, db, arena, batch, 2));
    failpoint_arm("db.commit.lost=fail");
    cr_assert_eq(db_commit(db), STATUS_UNKNOWN);
    cr_ok(db_begin(db));
    cr_ok(journal_claim(&journal, db, arena, batch, 2));
    cr_assert_eq(batch[0].result, CLAIM_OURS);
    cr_assert_eq(batch[1].result, CLAIM_OURS);
    db_rollback(db);
}

Test(claim, is_aborted_when_the_winner_takes_too_long)
{
    struct claim first = claim_of("k", "pay_1", "request"),
                 second = claim_of("k", "pay_2", "request");
    cr_ok(db_begin(db));
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    cr_assert_eq(journal_claim(&journal, other, arena, &second, 1), STATUS_ABORTED);
    cr_ok(db_commit(db));
    cr_assert_eq(claim_one(other, &second), CLAIM_REPLAY);
}

Test(claim, is_won_after_the_first_rolled_back)
{
    struct claim first = claim_of("k", "pay_1", "request"),
                 second = claim_of("k", "pay_2", "request");
    cr_ok(db_begin(db));
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    db_rollback(db);
    cr_assert_eq(claim_one(other, &second), CLAIM_WON);
}

enum { RACERS = 6, ROUNDS = 30 };

struct racer {
    int number;
    int won[ROUNDS];
    char seen[ROUNDS][16];
};

static void race_once(struct db *mine, struct racer *racer, int round)
{
    struct arena *own = arena_new(ARENA_CAP_REQUEST);
    char *key = arena_printf(own, "key_%d", round);
    char *object_id = arena_printf(own, "pay_%d", racer->number);
    struct claim claim = claim_of(key, object_id, "request");
    enum status status;
    do {
        cr_assert_eq(db_begin(mine), STATUS_OK);
        status = journal_claim(&journal, mine, own, &claim, 1);
        status = status == STATUS_OK ? db_commit(mine) : (db_rollback(mine), status);
    } while (status == STATUS_ABORTED);
    cr_assert_eq(status, STATUS_OK);
    racer->won[round] = claim.result == CLAIM_WON;
    const char *seen = claim.result == CLAIM_WON ? object_id : claim.held_object_id;
    strncpy(racer->seen[round], seen, sizeof racer->seen[round] - 1);
    arena_free(own);
}

static void *race(void *context)
{
    struct db *mine = open_another();
    for (int round = 0; round < ROUNDS; round++)
        race_once(mine, context, round);
    db_free(mine);
    return NULL;
}

Test(claim, has_one_winner_among_threads)
{
    static struct racer racers[RACERS];
    pthread_t threads[RACERS];
    for (int i = 0; i < RACERS; i++) {
        racers[i].number = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int round = 0; round < ROUNDS; round++) {
        int won = 0;
        for (int i = 0; i < RACERS; i++) {
            won += racers[i].won[round];
            cr_assert_str_eq(racers[i].seen[round], racers[0].seen[round]);
        }
        cr_assert_eq(won, 1);
    }
}

#define KEYS(outcome) test_metric("obol_idempotency_total{outcome=\"" outcome "\"}")

Test(claim, keys_are_counted_by_what_came_of_them)
{
    struct claim first = claim_of("a", "pay_1", "x"), again = claim_of("a", "pay_2", "x");
    struct claim reused = claim_of("a", "pay_3", "y"), ours = claim_of("a", "pay_1", "x");
    journal_tallies_begin();
    cr_ok(db_begin(db));
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    db_rollback(db);
    cr_assert_eq(KEYS("new"), 0);
    cr_assert_eq(claim_one(db, &first), CLAIM_WON);
    cr_assert_eq(claim_one(db, &again), CLAIM_REPLAY);
    cr_assert_eq(claim_one(db, &ours), CLAIM_OURS);
    cr_ok(db_begin(db));
    cr_assert_eq(claim_one(db, &reused), CLAIM_REUSED);
    db_rollback(db); // as its refusal does
    cr_assert_eq(KEYS("new"), 1);
    cr_assert_eq(KEYS("replayed"), 1);
    cr_assert_eq(KEYS("conflict"), 1);
}

Test(claim, a_key_that_is_given_back_was_none)
{
    struct claim kept = claim_of("a", "pay_1", "x"), refused = claim_of("b", "pay_2", "x");
    const struct claim *back[] = {&refused};
    cr_ok(db_begin(db));
    cr_assert_eq(claim_one(db, &kept), CLAIM_WON);
    cr_assert_eq(claim_one(db, &refused), CLAIM_WON);
    cr_ok(journal_forget(db, arena, back, 1));
    cr_ok(db_commit(db));
    cr_assert_eq(KEYS("new"), 1);
}
