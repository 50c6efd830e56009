#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE_NOT_RUN 127
#define CODE_SIGNAL 128

static void become(const struct child *child)
{
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || dup2(nowhere, STDIN_FILENO) < 0 ||
        (child->out_fd >= 0 && dup2(child->out_fd, STDOUT_FILENO) < 0) ||
        (child->quiet && dup2(nowhere, STDERR_FILENO) < 0))
        _exit(CODE_NOT_RUN);
    execvpe(child->words[0], (char *const *)(uintptr_t)child->words,
            child->environment ? child->environment : environ);
    _exit(CODE_NOT_RUN);
}

pid_t child_start(const struct child *child)
{
    pid_t pid = fork();
    if (pid == 0)
        become(child);
    return pid;
}

int child_wait(pid_t pid)
{
    int status = 0;
    if (pid < 0)
        return CODE_NOT_RUN;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return CODE_NOT_RUN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_SIGNAL + WTERMSIG(status);
}

char *child_read(struct arena *arena, const struct child *child, size_t max)
{
    int ends[2];
    char *text = arena_alloc(arena, max + 1);
    if (!text || pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    struct child writes = *child;
    writes.out_fd = ends[1];
    pid_t pid = child_start(&writes);
    (void)close(ends[1]);
    size_t length = 0;
    ssize_t n = 0;
    while (pid >= 0 && length < max && (n = read(ends[0], text + length, max - length)) > 0)
        length += (size_t)n;
    (void)close(ends[0]);
    text[length] = '\0';
    return child_wait(pid) == 0 && n >= 0 ? text : NULL;
}
