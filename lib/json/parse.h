// jansson, kept within this room's limits.
#pragma once
#include <jansson.h> // before json.h, which takes the name json_object from it

#include "base/cleanup.h"
#include "json/json.h"

DEFINE_CLEANUP(json_decref, json_t *)

// A tree of at most JSON_DEPTH_MAX levels, of any root type; the caller's to json_decref.
MUST_USE enum status json_load_strict(struct bytes text, json_t **ret, struct problem *problem);
