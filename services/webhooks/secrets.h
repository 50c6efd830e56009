// The secrets of endpoints, opened once for all attempts of a batch, and wiped with it. One thread
// at a time.
#pragma once
#include "crypto/crypto.h"

struct secrets;
struct secrets *secrets_new(void);          // NULL when the machine is out of memory
void secrets_free(struct secrets *secrets); // wipes; NULL is fine
// Valid until secrets_wipe. The endpoint's tenant and id are what the secret was sealed with.
// DATA_LOSS when it can't be opened.
MUST_USE enum status secrets_open(struct secrets *secrets, const struct keyring *ring,
                                  struct bytes sealed, const char *context, const char **ret);
void secrets_wipe(struct secrets *secrets);
