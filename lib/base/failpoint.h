// Places where a test makes the program stop or fail, to show that it survives there. Compiled to
// nothing in release builds (OBOL_FAILPOINTS off).
//
// OBOL_FAILPOINTS="charge.before_send=crash,db.commit=fail:2": `crash` ends the process at once, as
// kill -9 would; `fail` makes the place report failure; `:n` only the nth time (default the first,
// and then it is spent); `:*` every time. Thread-safe.
#pragma once
#include <stdbool.h>

#ifdef OBOL_FAILPOINTS
bool failpoint_hit(const char *name); // true: fail here
bool failpoint_spec_valid(const char *spec);
void failpoint_arm(const char *spec); // replaces what the environment said; "" disarms. For tests
#else
static inline bool failpoint_hit(const char *name)
{
    (void)name;
    return false;
}
#endif
