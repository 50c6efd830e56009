#include "mimics/internal.h"

static const struct mimic_description *const registry[] = {
    &mimic_mtn, &mimic_airtel, &mimic_zamtel, &mimic_blumon, &mimic_paydunya,
};

const struct mimic_description *const *mimic_registry(size_t *ret_n)
{
    *ret_n = sizeof registry / sizeof *registry;
    return registry;
}
