#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "torture/support/torture.h"

#define KEYS "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static bool sealing(void)
{
    struct keyring ring;
    struct bytes opened = {0};
    torture_check(keyring_parse(KEYS, &ring));
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    struct bytes sealed = keyring_seal(&ring, arena, bytes_of_string("secret"), "tenant:object");
    enum status status = sealed.at ? keyring_open(&ring, arena, sealed, "tenant:object", &opened)
                                   : STATUS_RESOURCE_EXHAUSTED;
    torture_check(status == STATUS_OK || status == STATUS_RESOURCE_EXHAUSTED);
    torture_check(status != STATUS_OK ||
                  (opened.length == 6 && memcmp(opened.at, "secret", 6) == 0));
    torture_check(keyring_open(&ring, arena, sealed, "tenant:other", &opened) != STATUS_OK);
    arena_free(arena);
    return status == STATUS_OK;
}

static bool texts(void)
{
    struct bytes back = {0};
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    char *hex = crypto_hex(arena, bytes_of_string("obol"));
    char *base64 = crypto_base64(arena, bytes_of_string("obol"));
    torture_check(!hex || strcmp(hex, "6f626f6c") == 0);
    torture_check(!base64 || strcmp(base64, "b2JvbA==") == 0);
    bool well = hex && base64 && crypto_hex_decode(arena, hex, &back);
    torture_check(!well || (back.length == 4 && memcmp(back.at, "obol", 4) == 0));
    arena_free(arena);
    return well;
}

static bool providers(void)
{
    static const uint8_t key[AES_KEY_BYTES], iv[AES_BLOCK_BYTES];
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    struct crypto_rsa *rsa = crypto_rsa_new(1024);
    struct bytes sealed = crypto_aes_cbc_encrypt(arena, key, iv, bytes_of_string("pin"));
    struct bytes opened = sealed.at ? crypto_aes_cbc_decrypt(arena, key, iv, sealed) : sealed;
    struct bytes wrapped =
        crypto_rsa_encrypt(arena, crypto_rsa_public(rsa), bytes_of_string("pin"));
    struct bytes unwrapped = wrapped.at ? crypto_rsa_decrypt(rsa, arena, wrapped) : wrapped;
    torture_check(!opened.at || (opened.length == 3 && memcmp(opened.at, "pin", 3) == 0));
    torture_check(!unwrapped.at || (unwrapped.length == 3 && memcmp(unwrapped.at, "pin", 3) == 0));
    bool well = opened.at && unwrapped.at;
    crypto_rsa_free(rsa);
    arena_free(arena);
    return well;
}

// Threads of other libraries end when they like, also once exit has begun: what OpenSSL keeps for
// each has to go with it even then. Registered before OpenSSL could be, this runs after it would.
static struct {
    pthread_t thread;
    pid_t process;
    sem_t used, over;
} latecomer;

static void *latecomer_main(void *nothing)
{
    uint8_t random[8];
    crypto_random(random, sizeof random);
    sem_post(&latecomer.used);
    sem_wait(&latecomer.over);
    return nothing;
}

static void latecomer_end(void)
{
    if (getpid() != latecomer.process)
        return;
    sem_post(&latecomer.over);
    pthread_join(latecomer.thread, NULL);
}

static void latecomer_begin(void)
{
    latecomer.process = getpid();
    sem_init(&latecomer.used, 0, 0);
    sem_init(&latecomer.over, 0, 0);
    atexit(latecomer_end);
    if (pthread_create(&latecomer.thread, NULL, latecomer_main, NULL) != 0)
        abort();
    sem_wait(&latecomer.used);
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "sealing", .run = sealing},
        {.name = "texts", .run = texts},
        {.name = "providers", .run = providers},
    };
    int code = torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
    latecomer_begin(); // the scenarios' processes are over: this is OpenSSL's first use in this one
    return code;
}
