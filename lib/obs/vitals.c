#include "obs/vitals.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "obs/metrics.h"

#define STAT_BYTES_MAX 1024
#define STAT_AFTER_NAME 3 // proc(5): the number of the field behind the program's name
#define STAT_START 22
#define STAT_RSS 24

static struct {
    struct metric *cpu, *resident, *open_fds, *max_fds, *started, *lines, *disk_free, *disk_size;
} vitals;

// The text of /proc/self/stat behind the program's name, which may hold anything.
static const char *stat_read(char text[STAT_BYTES_MAX])
{
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return NULL;
    text[fread(text, 1, STAT_BYTES_MAX - 1, file)] = '\0';
    (void)fclose(file);
    const char *end = strrchr(text, ')');
    return end ? end + 1 : NULL;
}

static long long stat_field(const char *text, int number)
{
    for (int at = STAT_AFTER_NAME; text && at <= number; at++) {
        text += strspn(text, " ");
        if (at == number)
            return strtoll(text, NULL, 10);
        text += strcspn(text, " ");
    }
    return -1;
}

static int64_t cpu_ns(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0)
        return 0;
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

// The one that is open to count them is not counted.
static int64_t descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int64_t n = -1;
    while (directory && readdir(directory))
        n++;
    if (directory)
        (void)closedir(directory);
    return n > 2 ? n - 2 : 0; // . and ..
}

static void set(struct metric *metric, int64_t value)
{
    if (value >= 0)
        metric_set(metric, value, NULL);
    else
        metric_forget(metric, NULL);
}

// The working directory's, as /health shows it.
static void disk(void)
{
    struct statvfs disk;
    bool known = statvfs(".", &disk) == 0;
    set(vitals.disk_free, known ? (int64_t)(disk.f_bavail * disk.f_frsize) : -1);
    set(vitals.disk_size, known ? (int64_t)(disk.f_blocks * disk.f_frsize) : -1);
}

static void refresh(void)
{
    char text[STAT_BYTES_MAX];
    const char *stat = stat_read(text);
    struct rlimit limit;
    long long pages = stat_field(stat, STAT_RSS);
    metric_set(vitals.cpu, cpu_ns(), NULL);
    set(vitals.resident, pages >= 0 ? pages * sysconf(_SC_PAGESIZE) : -1);
    set(vitals.open_fds, descriptors());
    set(vitals.max_fds, getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : -1);
    disk();
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++)
        metric_set(vitals.lines, (int64_t)log_lines(level), METRIC_LABELS(log_level_name(level)));
}

// Ticks since the machine began, and what the machine's clocks say now.
static int64_t started_ns(void)
{
    char text[STAT_BYTES_MAX];
    struct timespec since_boot;
    long long ticks = stat_field(stat_read(text), STAT_START);
    long per_s = sysconf(_SC_CLK_TCK);
    if (ticks < 0 || per_s <= 0 || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0)
        return clock_unix_us() * 1000;
    int64_t age_ns = since_boot.tv_sec * NS_PER_S + since_boot.tv_nsec - ticks * (NS_PER_S / per_s);
    return clock_unix_us() * 1000 - age_ns;
}

void vitals_begin(const char *version)
{
    metric_set(metric_gauge("obol_build_info", "The program's version.", "version"), 1,
               METRIC_LABELS(version));
    vitals.cpu = metric_counter_ns("process_cpu_seconds_total",
                                   "CPU time of the process, user and system, in seconds.", NULL);
    vitals.resident =
        metric_gauge("process_resident_memory_bytes", "Resident memory of the process.", NULL);
    vitals.open_fds = metric_gauge("process_open_fds", "Open file descriptors.", NULL);
    vitals.max_fds = metric_gauge("process_max_fds", "Most open file descriptors allowed.", NULL);
    vitals.started = metric_gauge_ns("process_start_time_seconds",
                                     "When the process began, seconds since 1970.", NULL);
    vitals.disk_free =
        metric_gauge("obol_disk_free_bytes",
                     "Free on the disk of the working directory, for who is not root.", NULL);
    vitals.disk_size =
        metric_gauge("obol_disk_size_bytes", "Size of the disk of the working directory.", NULL);
    vitals.lines = metric_counter("obol_log_lines_total", "Lines logged, by level.", "level");
    metric_set(vitals.started, started_ns(), NULL);
    metrics_before_print(refresh);
}
