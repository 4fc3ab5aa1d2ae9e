// Lists of numbers, one for each line: how they are rounded, and what they take.
#ifndef PLAN_NUMBERS_H
#define PLAN_NUMBERS_H

#include <stdint.h>

// The nearest multiples of a step, none beyond `limit` of them.
void round_numbers(const float *numbers, uint32_t count, double step, int32_t limit,
                   int32_t *result);

// What multiples of a step stand for.
void restore_numbers(const int32_t *numbers, uint32_t count, double step, float *result);

// Adds the numbers to the counts of their buckets.
void count_buckets(const int32_t *numbers, uint32_t count, uint32_t *counts);

// Bits of numbers with these buckets, all below `limit`, and of their table.
double buckets_cost(const uint32_t *counts, unsigned limit);

#endif
