#include "emit.h"
bool emit_openapi(struct emit *emit, const char *title)
{
    return emit_fail(emit, "%s", title);
}
