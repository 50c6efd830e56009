#include "base/priority.h"

#include <sys/resource.h>
#include <unistd.h>

#define BACKGROUND_NICE 5

// On Linux the value is a thread's own. Only lowering, so it needs no privilege and can't fail.
void priority_background(void)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), BACKGROUND_NICE);
}
