// The providers that are built in: each fills in what it declares and how it speaks. providers/
// registry.c lists them.
#pragma once
#include "providers/provider.h"

void mtn_init(struct provider *provider);
void airtel_init(struct provider *provider);
void zamtel_init(struct provider *provider);
void blumon_init(struct provider *provider);
void paydunya_init(struct provider *provider);
