#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "json/json.h"

#define JSON_MAX ((size_t)1 << 20)
#define SKEW_WARN_US (500 * 1000LL)
#define SKEW_FAIL_US (5 * US_PER_S)

static const char *const verdict_names[] = {"ok", "warn", "fail"};

__attribute__((format(printf, 5, 0))) static void add(struct doctor *doctor, enum verdict verdict,
                                                      const char *what, const char *todo,
                                                      const char *format, va_list arguments)
{
    char *text = NULL;
    if (doctor->findings_n == FINDINGS_MAX || vasprintf(&text, format, arguments) < 0)
        return;
    doctor->findings[doctor->findings_n++] =
        (struct finding){verdict, arena_strdup(doctor->cli->arena, what),
                         arena_strdup(doctor->cli->arena, text), todo};
    free(text);
}

void doctor_ok(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(doctor, VERDICT_OK, what, NULL, format, arguments);
    va_end(arguments);
}

void doctor_warn(struct doctor *doctor, const char *what, const char *todo, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(doctor, VERDICT_WARN, what, todo, format, arguments);
    va_end(arguments);
}

void doctor_fail(struct doctor *doctor, const char *what, const char *todo, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(doctor, VERDICT_FAIL, what, todo, format, arguments);
    va_end(arguments);
}

void doctor_clock(struct doctor *doctor, const char *what, int64_t ahead_us, int64_t unsure_us)
{
    static const char todo[] = "let every machine keep its time by NTP (chrony, systemd-timesyncd)";
    int64_t off_us = llabs(ahead_us) > unsure_us ? llabs(ahead_us) - unsure_us : 0;
    double seconds = (double)ahead_us / US_PER_S;
    if (off_us > SKEW_FAIL_US)
        doctor_fail(doctor, what, todo, "its clock is %+.1f s off ours", seconds);
    else if (off_us > SKEW_WARN_US)
        doctor_warn(doctor, what, todo, "its clock is %+.1f s off ours", seconds);
    else
        doctor_ok(doctor, what, "its clock agrees with ours");
}

static size_t count(const struct doctor *doctor, enum verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < doctor->findings_n; i++)
        n += doctor->findings[i].verdict == verdict;
    return n;
}

static int print_findings_json(struct doctor *doctor)
{
    struct arena *arena = doctor->cli->arena;
    CLEANUP(buffer_deinit) struct buffer text;
    buffer_init(&text, JSON_MAX);
    for (size_t i = 0; i < doctor->findings_n; i++) {
        const struct finding *finding = &doctor->findings[i];
        const char *row = json_object(
            arena, (struct json_member[]){JSON_S("verdict", verdict_names[finding->verdict]),
                                          JSON_S("what", finding->what),
                                          JSON_S("text", finding->text),
                                          JSON_S("do", finding->todo),
                                          {0}});
        buffer_addf(&text, "%s%s", i ? "," : "[", row ? row : "null");
    }
    buffer_adds(&text, "]");
    const char *json =
        text.full ? NULL
                  : json_object(arena, (struct json_member[]){
                                           JSON_I("ok", (int64_t)count(doctor, VERDICT_OK)),
                                           JSON_I("warn", (int64_t)count(doctor, VERDICT_WARN)),
                                           JSON_I("fail", (int64_t)count(doctor, VERDICT_FAIL)),
                                           JSON_R("findings", text.at),
                                           {0}});
    if (!json)
        return cli_fail("out of memory");
    puts(json);
    return EXIT_DONE;
}

static void print_findings(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->findings_n; i++) {
        const struct finding *finding = &doctor->findings[i];
        printf("%-4s  %-28s  %s\n", verdict_names[finding->verdict], finding->what, finding->text);
        if (finding->todo)
            printf("%-4s  %-28s  do: %s\n", "", "", finding->todo);
    }
    printf("%zu ok, %zu warnings, %zu failures\n", count(doctor, VERDICT_OK),
           count(doctor, VERDICT_WARN), count(doctor, VERDICT_FAIL));
}

static int doctor_run(struct cli *cli, int argc, char **argv)
{
    bool strict = false;
    struct words words;
    const struct option_row rows[] = {{"strict", "warnings fail too", NULL, &strict}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    struct doctor *doctor = ARENA_NEW(cli->arena, struct doctor);
    if (!doctor)
        return cli_fail("out of memory");
    *doctor = (struct doctor){.cli = cli};
    doctor_configuration(doctor);
    doctor_dangers(doctor);
    doctor_certificates(doctor);
    doctor_machine(doctor);
    doctor_databases(doctor);
    doctor_bus(doctor);
    doctor_services(doctor);
    if (!cli->json)
        print_findings(doctor);
    else if (print_findings_json(doctor) != EXIT_DONE)
        return EXIT_FAILED;
    bool sick = count(doctor, VERDICT_FAIL) || (strict && count(doctor, VERDICT_WARN));
    return sick ? EXIT_FAILED : EXIT_DONE;
}

const struct command doctor_commands[] = {
    {"doctor", "[--strict]", "What is wrong with this installation, and what to do about it.",
     "  obol doctor\n  obol doctor --strict --json\n"
     "\nLooks with the environment that the programs have: run it in theirs. Exits with 1 when\n"
     "something fails, with --strict also for warnings. Changes nothing.\n",
     doctor_run},
    {0},
};
