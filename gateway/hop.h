// Who waits for the hop: the calls of a tenant, of one kind (reads or writes), are a line, first in
// first out. Lines with calls stand in a row; who has just left goes to its end, so that everyone's
// turn comes. A line is made by its first call and goes with its last. All in the loop's thread.
#pragma once
#include "gateway.h"

#define LINE_BUCKETS 256

struct line {
    struct line *next; // in the row
    struct line *peer; // in the bucket
    struct hop_call *first, **last;
    size_t waiting_n;
    size_t away_n;   // Bundles under way that carry calls of this line
    int64_t left_ns; // when the newest of them left
    bool writes;
    char tenant_id[];
};

struct lines {
    struct line *first, **last; // the row: those with calls that wait
    struct line *buckets[LINE_BUCKETS];
};

void lines_init(struct lines *lines);
void lines_deinit(struct lines *lines); // the calls are their requests'
// False: no memory.
MUST_USE bool lines_add(struct lines *lines, struct hop_call *item);
// A call whose deadline is not after until_ns, from the head of some line; NULL when there is none.
struct hop_call *lines_take_expired(struct lines *lines, int64_t until_ns);
struct hop_call *line_take(struct line *line); // the first; one must be there
// A Bundle with calls of this line has left: to the end of the row, or out of it when none is left.
void line_left(struct lines *lines, struct line *line, int64_t now_ns);
// It is back. The line may be gone afterwards.
void line_came_home(struct lines *lines, struct line *line);
