#include "plan_numbers.h"

#include <math.h>

#include "coder_bucket.h"
#include "coder_table.h"

#pragma STDC FP_CONTRACT OFF

void round_numbers(const float *numbers, uint32_t count, double step, int32_t limit,
                   int32_t *result) {
  for (uint32_t i = 0; i < count; i++) {
    double number = rint(numbers[i] / step);
    if (!(number < limit)) number = limit;
    if (number < -limit) number = -limit;
    result[i] = (int32_t)number;
  }
}

void restore_numbers(const int32_t *numbers, uint32_t count, double step, float *result) {
  for (uint32_t i = 0; i < count; i++) result[i] = (float)(numbers[i] * step);
}

void count_buckets(const int32_t *numbers, uint32_t count, uint32_t *counts) {
  for (uint32_t i = 0; i < count; i++) counts[bucket_of(zigzag(numbers[i]))]++;
}

double buckets_cost(const uint32_t *counts, unsigned limit) {
  double bits = 0;
  for (unsigned bucket = 0; bucket < limit; bucket++) {
    bits += (double)counts[bucket] * bucket_bits(bucket);
  }
  return bits + table_cost(counts, limit);
}
