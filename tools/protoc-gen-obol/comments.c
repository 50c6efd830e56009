#include "comments.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct place place_in(struct place place, int32_t field, size_t index)
{
    if (place.length + 2 > PLACE_MAX)
        return place;
    place.path[place.length++] = field;
    place.path[place.length++] = (int32_t)index;
    return place;
}

static char *one_line(const char *text)
{
    char *line = malloc(strlen(text) + 1);
    size_t length = 0;

    if (!line)
        return NULL;
    for (; *text; text++) {
        bool blank = isspace((unsigned char)*text) != 0;
        if (!blank)
            line[length++] = *text;
        else if (length > 0 && line[length - 1] != ' ')
            line[length++] = ' ';
    }
    while (length > 0 && line[length - 1] == ' ')
        length--;
    line[length] = '\0';
    return line;
}

char *place_comment(const struct place *place)
{
    const Google__Protobuf__SourceCodeInfo *info = place->file->source_code_info;

    for (size_t i = 0; info && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
        const char *text = location->leading_comments;
        if (location->n_path != place->length ||
            memcmp(location->path, place->path, place->length * sizeof(*place->path)) != 0)
            continue;
        if (!text)
            text = location->trailing_comments;
        return text ? one_line(text) : NULL;
    }
    return NULL;
}
