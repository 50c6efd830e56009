#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "obs/metrics.h"
#include "obs/vitals.h"

static double shown(const char *name)
{
    struct buffer out;
    char line[100];
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(out.at, line);
    cr_assert_not_null(at, "no %s in\n%s", name, out.at);
    double value = strtod(at + strlen(line), NULL);
    buffer_deinit(&out);
    return value;
}

Test(vitals, tell_what_the_process_uses)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    vitals_begin("9.9.9");
    cr_assert_eq(shown("obol_build_info{version=\"9.9.9\"}"), 1);
    cr_assert_gt(shown("process_resident_memory_bytes"), 1 << 20);
    cr_assert_eq(shown("process_max_fds"), (double)limit.rlim_cur);
    double before = shown("process_open_fds");
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(shown("process_open_fds"), before + 1);
    close(fd);
    cr_assert_eq(shown("process_open_fds"), before);
}

Test(vitals, tell_of_the_disk)
{
    vitals_begin("1");
    double size = shown("obol_disk_size_bytes"), space = shown("obol_disk_free_bytes");
    cr_assert(size > 1 << 20 && space > 0 && space < size, "%f of %f", space, size);
}

Test(vitals, tell_of_time_in_seconds)
{
    vitals_begin("1");
    double now = (double)clock_unix_us() / 1e6, began = shown("process_start_time_seconds");
    cr_assert(began <= now + 1 && began > now - 600, "%f of %f", began, now);
    double used = shown("process_cpu_seconds_total");
    for (clock_t until = clock() + CLOCKS_PER_SEC / 20; clock() < until;)
        ;
    double more = shown("process_cpu_seconds_total") - used;
    cr_assert(more >= 0.045 && more < 5, "%f", more);
}

Test(vitals, count_lines_by_level)
{
    setenv("LOG_LEVEL", "warn", 1);
    log_init("test");
    vitals_begin("1");
    log_warn("once");
    log_warn("twice");
    log_error("worse");
    log_info("not written");
    cr_assert_eq(shown("obol_log_lines_total{level=\"warn\"}"), 2);
    cr_assert_eq(shown("obol_log_lines_total{level=\"error\"}"), 1);
    cr_assert_eq(shown("obol_log_lines_total{level=\"info\"}"), 0);
}
