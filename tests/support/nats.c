#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#define START_MAX_MS 20000

static int loopback(int port, struct sockaddr_in *ret)
{
    *ret = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    return fd;
}

int test_free_port(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = loopback(0, &address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void exec_server(const struct test_nats *nats, pid_t parent)
{
    char port[16];
    snprintf(port, sizeof port, "%d", nats->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) // the test died between fork and prctl
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execlp("nats-server", "nats-server", "-js", "-sd", nats->directory, "-a", "127.0.0.1", "-p",
           port, (char *)NULL);
    execl("/usr/sbin/nats-server", "nats-server", "-js", "-sd", nats->directory, "-a", "127.0.0.1",
          "-p", port, (char *)NULL);
    _exit(127);
}

// The server greets with an INFO line once it takes clients.
static bool is_up(void *context)
{
    const struct test_nats *nats = context;
    struct sockaddr_in address;
    int fd = loopback(nats->port, &address);
    char greeting[5] = "";
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1}, sizeof(struct timeval));
    bool up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              recv(fd, greeting, 4, MSG_WAITALL) == 4 && strcmp(greeting, "INFO") == 0;
    close(fd);
    return up;
}

static void start(struct test_nats *nats)
{
    pid_t parent = getpid();
    nats->pid = fork();
    cr_assert_geq(nats->pid, 0);
    if (nats->pid == 0)
        exec_server(nats, parent);
    test_wait(is_up, nats, START_MAX_MS, "nats-server takes clients");
}

struct test_nats test_nats_start(void)
{
    struct test_nats nats = {.port = test_free_port()};
    snprintf(nats.url, sizeof nats.url, "nats://127.0.0.1:%d", nats.port);
    snprintf(nats.directory, sizeof nats.directory, "/tmp/obol-test-nats-XXXXXX");
    cr_assert_not_null(mkdtemp(nats.directory));
    start(&nats);
    return nats;
}

void test_nats_kill(struct test_nats *nats)
{
    if (nats->pid <= 0)
        return;
    kill(nats->pid, SIGKILL);
    while (waitpid(nats->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    nats->pid = 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info, (void)kind;
    return ftw->level == 0 ? 0 : remove(path);
}

static void wipe_store(const struct test_nats *nats)
{
    nftw(nats->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void test_nats_restart(struct test_nats *nats, bool wipe)
{
    test_nats_kill(nats);
    if (wipe)
        wipe_store(nats);
    start(nats);
}

void test_nats_stop(struct test_nats *nats)
{
    test_nats_kill(nats);
    wipe_store(nats);
    rmdir(nats->directory);
}
