#ifndef CTK_ALLOCATION_COUNTER_H
#define CTK_ALLOCATION_COUNTER_H

#include <stdbool.h>

/// Whether calls are counted here: with glibc, and without a sanitizer.
bool ctk_allocations_are_counted(void);

/// Calls of malloc and its kin so far, by any thread and any library of the program.
long ctk_allocation_count(void);

#endif
