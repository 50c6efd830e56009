// What tells who a payer is: e-mail address, telephone number, name, VPA and mobile-money number. A
// row keeps them in one sealed column (context "personal:<tenant>/<payment>"), and nowhere else;
// rows of earlier versions have them in columns of their own until housekeeping seals them.
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"
#include "payment.h"

struct personal {
    const char *vpa, *msisdn, *email, *phone, *name; // NULL: none
};
// at NULL: there is nothing to seal, or, where *ret_full is set, the arena is full.
struct bytes personal_seal(const struct keyring *ring, struct arena *arena,
                           const struct payment *payment, bool *ret_full);
// Fills what the sealed column (at NULL: none) holds, over what ret has already. False, with a line
// in the log: it can't be opened.
bool personal_open(const struct keyring *ring, struct arena *arena, const struct payment *of,
                   struct bytes sealed, struct personal *ret);
