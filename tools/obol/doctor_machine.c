// The machine that doctor runs on.
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "doctor.h"

#define DISK_WARN_PERCENT 15
#define DISK_FAIL_PERCENT 5
#define MIB (1 << 20)
#define FILES_MIN 4096

static void check_disk(struct doctor *doctor)
{
    static const char todo[] = "make room: logs, backups, old WAL";
    struct statvfs disk;
    if (statvfs(".", &disk) != 0 || disk.f_blocks == 0) {
        doctor_warn(doctor, "disk", NULL, "the file system can't be looked at");
        return;
    }
    long long percent = (long long)(disk.f_bavail * 100 / disk.f_blocks),
              free_mib = (long long)(disk.f_bavail * disk.f_frsize / MIB);
    if (percent < DISK_FAIL_PERCENT)
        doctor_fail(doctor, "disk", todo, "%lld MiB free, %lld %%", free_mib, percent);
    else if (percent < DISK_WARN_PERCENT)
        doctor_warn(doctor, "disk", todo, "%lld MiB free, %lld %%", free_mib, percent);
    else
        doctor_ok(doctor, "disk", "%lld MiB free, %lld %%", free_mib, percent);
}

static void check_files(struct doctor *doctor)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < FILES_MIN)
        doctor_warn(doctor, "open files",
                    "ulimit -n 65536, LimitNOFILE= or the container's ulimits",
                    "at most %llu a process: the gateway needs one a connection",
                    (unsigned long long)limit.rlim_cur);
    else
        doctor_ok(doctor, "open files", "at most %llu a process",
                  (unsigned long long)limit.rlim_cur);
}

static void check_time(struct doctor *doctor)
{
    struct timex time = {.modes = 0};
    int state = adjtimex(&time);
    if (state == -1)
        doctor_ok(doctor, "time", "whether NTP keeps it can't be seen here");
    else if (state == TIME_ERROR || time.status & STA_UNSYNC)
        doctor_warn(doctor, "time", "let NTP keep it (chrony, systemd-timesyncd)",
                    "the kernel says that nobody keeps this clock right");
    else
        doctor_ok(doctor, "time", "kept by NTP, within %ld ms", time.maxerror / 1000);
}

void doctor_machine(struct doctor *doctor)
{
    check_disk(doctor);
    check_files(doctor);
    check_time(doctor);
}
