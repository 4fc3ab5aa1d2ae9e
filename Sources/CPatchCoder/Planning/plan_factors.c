// Changes of a trained matrix are far from independent: they are sums of few
// products of one number per row and one per column, plus noise. Factors are found
// one after the other by alternating least squares, and kept while each saves more
// than its own numbers cost.

#include <math.h>
#include <string.h>

#include "encoder_plan.h"
#include "factor_fit.h"
#include "plan_numbers.h"

#pragma STDC FP_CONTRACT OFF

#define SWEEPS 3
// Times that all factors are fitted once more.
#define REFINEMENTS 2
// Octaves from the mean binary logarithm of normal noise to its deviation.
#define NOISE_OCTAVES 0.9
#define FACTORS_TRIED 16
// Attempts, each from another row, before a next factor is given up.
#define ATTEMPTS 2
#define LARGEST_NUMBER 32767

static double root_mean_square(const float *numbers, uint32_t size, uint32_t active) {
  double sum = 0;
  for (uint32_t i = 0; i < size; i++) sum += (double)numbers[i] * numbers[i];
  return sqrt(sum / active);
}

// The step, in root mean squares, at which a finer one costs what it saves: with a factor
// of 12 in theory, and of 16 when measured.
static double best_step(uint32_t numbers, uint32_t count, double noise_to_signal) {
  double step = sqrt(16.0 * numbers / count * noise_to_signal);
  return step > 0.8 ? 0.8 : step < 1.0 / 64 ? 1.0 / 64 : step;
}

// Rounds the numbers of lines of one kind. Returns the bits that those of active lines take.
static double round_lines(float *numbers, uint32_t size, uint32_t active, double step,
                          int32_t *result) {
  uint32_t counts[FACTOR_BUCKETS] = {0};
  round_numbers(numbers, size, step, LARGEST_NUMBER, result);
  restore_numbers(result, size, step, numbers);
  count_buckets(result, size, counts);
  // Lines that are not active have the number 0.
  counts[0] -= size - active;
  return buckets_cost(counts, FACTOR_BUCKETS);
}

// Rounds the factor in the making to number `k` of the plan. Returns the bits that its
// numbers take, or infinity when there is nothing in it.
static double round_factor(factor_fit *fit, factor_plan *plan, unsigned k) {
  const block_lines *lines = fit->lines;
  uint32_t rows = lines->grid.rows, columns = lines->grid.width;
  factor_effect effect = factor_measure(fit);
  double noise = lines->count * exp2(2 * (effect.octaves + NOISE_OCTAVES));
  double row_size = root_mean_square(fit->row, rows, lines->active_rows);
  double column_size = root_mean_square(fit->column, columns, lines->active_columns);
  if (!(effect.signal > 0 && noise > 0 && row_size > 0 && column_size > 0)) return INFINITY;
  double ratio = noise / effect.signal;
  double row_step = row_size * best_step(lines->active_rows, lines->count, ratio);
  double column_step = column_size * best_step(lines->active_columns, lines->count, ratio);
  int exponent = (int)rint(log2(row_step * column_step));
  column_step = ldexp(1, exponent) / row_step;

  plan->exponent[k] = exponent;
  return round_lines(fit->row, rows, lines->active_rows, row_step,
                     plan->row_factors + (size_t)k * rows) +
         round_lines(fit->column, columns, lines->active_columns, column_step,
                     plan->column_factors + (size_t)k * columns);
}

// Adds the next factor when it pays. Returns whether it did.
static int add_factor(factor_fit *fit, factor_plan *plan, unsigned skipped) {
  factor_start(fit, skipped);
  for (unsigned i = 0; i < SWEEPS; i++) factor_sweep(fit);
  double cost = round_factor(fit, plan, plan->factors);
  double octaves = factor_measure(fit).octaves;
  if (!(fit->lines->count * (plan->rest_octaves - octaves) > cost)) return 0;
  factor_add(fit, -1);
  plan->rest_octaves = octaves;
  plan->factors++;
  return 1;
}

// Every factor once more, now that there are others.
static void refine_factors(factor_fit *fit, factor_plan *plan) {
  uint32_t rows = fit->lines->grid.rows, columns = fit->lines->grid.width;
  for (unsigned k = 0; k < plan->factors; k++) {
    restore_numbers(plan->row_factors + (size_t)k * rows, rows, 1, fit->row);
    restore_numbers(plan->column_factors + (size_t)k * columns, columns,
                    ldexp(1, plan->exponent[k]), fit->column);
    factor_add(fit, 1);
    factor_sweep(fit);
    round_factor(fit, plan, k);
    factor_add(fit, -1);
  }
}

int plan_factors(scratch *memory, const block_lines *lines, float *rest, factor_plan *plan) {
  uint32_t rows = lines->grid.rows, columns = lines->grid.width;
  size_t bytes = factor_fit_bytes(lines);
  unsigned most = most_factors(&lines->grid, FACTORS_TRIED);
  size_t numbers = most * ((size_t)rows + columns);
  uint8_t *room = scratch_reserve(memory, bytes + numbers * sizeof(int32_t));
  if (room == NULL) return 0;
  factor_fit fit;
  factor_begin(&fit, lines, rest, room);
  plan->row_factors = (int32_t *)(room + bytes);
  plan->column_factors = plan->row_factors + (size_t)most * rows;
  plan->factors = 0;
  // No product yet: what the rest is.
  memset(fit.row, 0, rows * sizeof *fit.row);
  memset(fit.column, 0, columns * sizeof *fit.column);
  plan->rest_octaves = factor_measure(&fit).octaves;
  if (rows < 2 || columns < 2) return 1;
  unsigned failed = 0;
  while (plan->factors < most && failed < ATTEMPTS) {
    failed = add_factor(&fit, plan, failed) ? 0 : failed + 1;
  }
  if (plan->factors < 2) return 1;
  for (unsigned i = 0; i < REFINEMENTS; i++) refine_factors(&fit, plan);
  memset(fit.row, 0, rows * sizeof *fit.row);
  plan->rest_octaves = factor_measure(&fit).octaves;
  return 1;
}
