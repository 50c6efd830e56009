#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"

Test(failpoint, hit_is_false_when_nothing_is_armed)
{
    unsetenv("OBOL_FAILPOINTS");
    cr_assert_not(failpoint_hit("db.commit"));
}

Test(failpoint, hit_fires_once_by_default)
{
    failpoint_arm("db.commit=fail");
    cr_assert_not(failpoint_hit("db.begin"));
    cr_assert_not(failpoint_hit("db.commit2"));
    cr_assert(failpoint_hit("db.commit"));
    cr_assert_not(failpoint_hit("db.commit"));
}

Test(failpoint, hit_fires_at_the_nth)
{
    failpoint_arm("a=fail:3,b=fail:*");
    cr_assert_not(failpoint_hit("a"));
    cr_assert_not(failpoint_hit("a"));
    cr_assert(failpoint_hit("a"));
    cr_assert_not(failpoint_hit("a"));
    for (int i = 0; i < 10; i++)
        cr_assert(failpoint_hit("b"));
    failpoint_arm("");
    cr_assert_not(failpoint_hit("b"));
}

Test(failpoint, hit_reads_the_environment)
{
    setenv("OBOL_FAILPOINTS", "db.commit=fail:2", 1);
    cr_assert_not(failpoint_hit("db.commit"));
    cr_assert(failpoint_hit("db.commit"));
}

static int run(const char *spec)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        failpoint_arm(spec);
        failpoint_hit("here");
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

Test(failpoint, crash_ends_the_process)
{
    int status = run("here=crash");
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 137);
    status = run("here=crash:2");
    cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(failpoint, arm_refuses_what_it_cannot_read)
{
    static const char *const bad[] = {"here",          "here=",        "here=explode",
                                      "=fail",         "here=fail:",   "here=fail:0",
                                      "here=fail:x",   "here=fail:1*", "here=failed",
                                      "a=fail,,b=fail"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int status = run(bad[i]);
        cr_assert(WIFSIGNALED(status), "%s accepted", bad[i]);
    }
}

static atomic_int fired;

static void *hit_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        if (failpoint_hit("shared"))
            atomic_fetch_add(&fired, 1);
    return NULL;
}

Test(failpoint, hit_fires_once_among_threads)
{
    failpoint_arm("shared=fail:1500");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, hit_often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(fired, 1);
}
