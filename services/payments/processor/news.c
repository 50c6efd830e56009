#include "processor/news.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

struct place {
    bool open, rung;
    const char *provider;
    char reference[ID_TEXT_MAX + 1];
};

struct news {
    pthread_mutex_t lock;
    size_t n;
    struct place places[]; // guarded by lock
};

struct news *news_new(size_t places)
{
    struct news *news = calloc(1, sizeof *news + places * sizeof *news->places);
    if (!news)
        return NULL;
    pthread_mutex_init(&news->lock, NULL);
    news->n = places;
    return news;
}

void news_free(struct news *news)
{
    if (!news)
        return;
    pthread_mutex_destroy(&news->lock);
    free(news);
}

void news_open(struct news *news, size_t place, const char *provider, const char *reference)
{
    struct place *at = &news->places[place];
    size_t length = strnlen(reference, ID_TEXT_MAX);
    pthread_mutex_lock(&news->lock);
    memcpy(at->reference, reference, length);
    at->reference[length] = '\0';
    at->provider = provider;
    at->open = true;
    at->rung = false;
    pthread_mutex_unlock(&news->lock);
}

static bool take(struct news *news, size_t place, bool open)
{
    pthread_mutex_lock(&news->lock);
    bool rung = news->places[place].rung;
    news->places[place].rung = false;
    news->places[place].open = open;
    pthread_mutex_unlock(&news->lock);
    return rung;
}

bool news_take(struct news *news, size_t place)
{
    return take(news, place, true);
}

bool news_close(struct news *news, size_t place)
{
    return take(news, place, false);
}

bool news_ring(struct news *news, const char *provider, const char *reference)
{
    bool found = false;
    pthread_mutex_lock(&news->lock);
    for (size_t i = 0; i < news->n && !found; i++) {
        struct place *at = &news->places[i];
        found = at->open && strcmp(at->provider, provider) == 0 &&
                strcmp(at->reference, reference) == 0;
        at->rung = at->rung || found;
    }
    pthread_mutex_unlock(&news->lock);
    return found;
}
