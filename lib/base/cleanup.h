// __attribute__((cleanup)) for a pointer with a free function that takes NULL:
//   DEFINE_CLEANUP(arena_free, struct arena *)
//   CLEANUP(arena_free) struct arena *arena = arena_new(...);
#pragma once

#define DEFINE_CLEANUP(free_function, type)                                                        \
    static inline void cleanup_##free_function(type *pointer)                                      \
    {                                                                                              \
        if (*pointer)                                                                              \
            free_function(*pointer);                                                               \
    }
#define CLEANUP(free_function) __attribute__((cleanup(cleanup_##free_function)))
