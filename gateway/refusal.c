#include <string.h>

#include "gateway.h"
#include "json/json.h"

int refusal_http_status(const struct problem *problem)
{
    switch (problem->status) {
    case STATUS_INVALID_ARGUMENT:
        if (strcmp(problem->code, "unsupported_media_type") == 0)
            return 415;
        return strcmp(problem->code, "invalid_request") == 0 ? 400 : 422;
    case STATUS_UNIMPLEMENTED: // by a service: it is older than this edge
        return strcmp(problem->code, "method_not_allowed") == 0 ? 405 : 503;
    case STATUS_OUT_OF_RANGE:
        return 422;
    case STATUS_UNAUTHENTICATED:
        return 401;
    case STATUS_PERMISSION_DENIED:
        return 403;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_FAILED_PRECONDITION:
    case STATUS_ABORTED:
    case STATUS_ALREADY_EXISTS:
        return 409;
    case STATUS_RESOURCE_EXHAUSTED:
        return 429;
    case STATUS_UNAVAILABLE:
        return 503;
    case STATUS_UNKNOWN:
    case STATUS_DEADLINE_EXCEEDED:
        return 504;
    default:
        return 500;
    }
}

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},       {401, "Unauthorized"},           {403, "Forbidden"},
        {404, "Not Found"},         {405, "Method Not Allowed"},     {409, "Conflict"},
        {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {422, "Unprocessable Content"},
        {429, "Too Many Requests"}, {503, "Service Unavailable"},    {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Internal Server Error";
}

const char *refusal_json(struct arena *arena, const struct problem *problem, int status,
                         const char *request_id)
{
    const char *code = problem->code ? problem->code : "internal_error";
    return json_object(
        arena, (struct json_member[]){
                   JSON_S("type", arena_printf(arena, "urn:obol:problem:%s", code)),
                   JSON_S("title", title_of(status)),
                   JSON_I("status", status),
                   JSON_S("detail", status == 500 ? "Something went wrong here; it has been logged."
                                                  : problem->detail),
                   JSON_S("code", code),
                   JSON_S("param", problem->param[0] ? problem->param : NULL),
                   JSON_S("request_id", request_id),
                   {0},
               });
}
