// The providers, each with credentials as a tenant would have them, with secrets and without.
#pragma once
#include "providers/provider.h"
#include "support/fuzz.h"

#define FUZZ_SECRET "fuzz-secret"
#define FUZZ_REFERENCE "op_01abc"
#define FUZZ_AMOUNT 1500

// The provider that the first line names, or another; live for as long as the program.
const struct provider *fuzz_provider(struct fuzz_input *input, struct arena *arena);
struct provider_use fuzz_use(struct arena *arena, const struct provider *provider, bool secrets);
