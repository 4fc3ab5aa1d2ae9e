// Positions by the density of each place: how a fit is rounded to numbers that pay.

#include <math.h>
#include <string.h>

#include "density_fit.h"
#include "encoder_plan.h"
#include "plan_numbers.h"

#pragma STDC FP_CONTRACT OFF

// Natural logarithm of the odds between neighbouring levels: an octave. Finer levels tell
// too much of lines with few units.
#define LEVEL_WIDTH 0.69314718
// Levels from even odds to the longest.
#define LEVELS_EACH_WAY 14
#define SWEEPS 3
#define LAST_SWEEPS 4
#define LARGEST_NUMBER 2047

// The step of numbers at which a finer one costs what it saves, for a mean curvature: the
// root of 12 / curvature in theory, and a little less when measured.
static double best_step(double curvature) { return 3 / sqrt(curvature + 1e-9); }

// Products

// Rounds the product in the making to number `k` of the plan. Returns the bits that its
// numbers take.
static double round_product(density_fit *fit, density_plan *plan, unsigned k) {
  double row_step = best_step(fit->row_curvature);
  double shift = rint(log2(LEVEL_WIDTH / (row_step * best_step(fit->column_curvature))));
  shift = shift < 0 ? 0 : shift > MOST_DENSITY_SHIFT ? MOST_DENSITY_SHIFT : shift;
  double column_step = ldexp(LEVEL_WIDTH, -(int)shift) / row_step;
  plan->shape.shift[k] = (unsigned)shift;
  plan->row_step_of[k] = row_step;
  plan->column_step_of[k] = column_step;

  int32_t *rows = plan->row_factors + (size_t)k * fit->rows;
  int32_t *columns = plan->column_factors + (size_t)k * fit->columns;
  round_numbers(fit->row_factor, fit->rows, row_step, LARGEST_NUMBER, rows);
  round_numbers(fit->column_factor, fit->columns, column_step, LARGEST_NUMBER, columns);
  uint32_t row_counts[DENSITY_BUCKETS] = {0}, column_counts[DENSITY_BUCKETS] = {0};
  count_buckets(rows, fit->rows, row_counts);
  count_buckets(columns, fit->columns, column_counts);
  return buckets_cost(row_counts, DENSITY_BUCKETS) +
         buckets_cost(column_counts, DENSITY_BUCKETS);
}

static void restore_product(density_fit *fit, const density_plan *plan, unsigned k) {
  restore_numbers(plan->row_factors + (size_t)k * fit->rows, fit->rows, plan->row_step_of[k],
                  fit->row_factor);
  restore_numbers(plan->column_factors + (size_t)k * fit->columns, fit->columns,
                  plan->column_step_of[k], fit->column_factor);
}

// Every product once more, now that there are others.
static void refine_products(density_fit *fit, density_plan *plan) {
  for (unsigned k = 0; k < plan->shape.factors; k++) {
    restore_product(fit, plan, k);
    density_reopen_product(fit);
    density_sweep(fit, DENSITY_FACTORS);
    round_product(fit, plan, k);
    restore_product(fit, plan, k);
    density_finish_product(fit);
  }
}

// Adds another product when it pays. Returns whether it did.
static int add_product(density_fit *fit, density_plan *plan, double *bits) {
  memcpy(plan->row_offset, fit->row_offset, fit->rows * sizeof(float));
  memcpy(plan->column_offset, fit->column_offset, fit->columns * sizeof(float));
  density_start_product(fit);
  for (unsigned i = 0; i < SWEEPS; i++) density_sweep(fit, DENSITY_FACTORS);
  double cost = round_product(fit, plan, plan->shape.factors);
  restore_product(fit, plan, plan->shape.factors);
  if (!(density_bits(fit) + cost < *bits)) {
    memset(fit->row_factor, 0, fit->rows * sizeof(float));
    memcpy(fit->row_offset, plan->row_offset, fit->rows * sizeof(float));
    memcpy(fit->column_offset, plan->column_offset, fit->columns * sizeof(float));
    return 0;
  }
  density_finish_product(fit);
  plan->shape.factors++;
  if (plan->shape.factors > 1) refine_products(fit, plan);
  *bits = density_bits(fit);
  return 1;
}

// Classes

static unsigned step_in_levels(double curvature) {
  double step = rint(best_step(curvature) / LEVEL_WIDTH);
  return step < 1 ? 1 : step > MOST_DENSITY_STEP ? MOST_DENSITY_STEP : (unsigned)step;
}

// Classes from 1 on above the lowest offset, which is returned in levels.
static int32_t classify(const float *offset, uint32_t count, unsigned step,
                        const uint32_t *active, uint8_t *classes, uint32_t *counts) {
  double width = LEVEL_WIDTH * step, lowest = offset[0];
  for (uint32_t i = 1; i < count; i++) lowest = offset[i] < lowest ? offset[i] : lowest;
  for (uint32_t i = 0; i < count; i++) {
    double class = (offset[i] - lowest) / width + 1.5;
    classes[active[i]] = class > MOST_CLASSES ? MOST_CLASSES : (uint8_t)class;
    counts[classes[active[i]]]++;
  }
  return (int32_t)lrint(lowest / LEVEL_WIDTH) - (int32_t)step;
}

static void classify_lines(density_fit *fit, const block_lines *lines, density_plan *plan) {
  memset(plan->row_class, 0, lines->grid.rows);
  memset(plan->column_class, 0, lines->grid.width);
  memset(plan->row_counts, 0, sizeof plan->row_counts);
  memset(plan->column_counts, 0, sizeof plan->column_counts);
  plan->row_counts[0] = lines->grid.rows - fit->rows;
  plan->column_counts[0] = lines->grid.width - fit->columns;
  plan->shape.row_step = step_in_levels(fit->row_curvature);
  plan->shape.column_step = step_in_levels(fit->column_curvature);
  int32_t even = classify(fit->row_offset, fit->rows, plan->shape.row_step, lines->active_row,
                          plan->row_class, plan->row_counts);
  even += classify(fit->column_offset, fit->columns, plan->shape.column_step,
                   lines->active_column, plan->column_class, plan->column_counts);
  plan->shape.lowest = -even - LEVELS_EACH_WAY;
  plan->shape.levels = 2 * LEVELS_EACH_WAY + 1;
}

// Lists

static double lists_cost(const density_fit *fit, density_plan *plan) {
  double bits = table_cost(plan->row_counts, MOST_CLASSES + 1) +
                table_cost(plan->column_counts, MOST_CLASSES + 1) + 8 * 5;
  memset(plan->row_factor_counts, 0, sizeof plan->row_factor_counts);
  memset(plan->column_factor_counts, 0, sizeof plan->column_factor_counts);
  unsigned factors = plan->shape.factors;
  if (factors == 0) return bits;
  count_buckets(plan->row_factors, factors * fit->rows, plan->row_factor_counts);
  count_buckets(plan->column_factors, factors * fit->columns, plan->column_factor_counts);
  return bits + 8 * factors + buckets_cost(plan->row_factor_counts, DENSITY_BUCKETS) +
         buckets_cost(plan->column_factor_counts, DENSITY_BUCKETS);
}

// Memory

static unsigned most_products(const block_lines *lines) {
  return most_factors(&lines->grid, DENSITY_FACTORS_LIMIT);
}

static size_t plan_bytes(const block_lines *lines) {
  size_t rows = lines->active_rows, columns = lines->active_columns;
  size_t words = (rows + columns) * (most_products(lines) + 1) + 2 * columns;
  return words * sizeof(int32_t) + columns + lines->grid.rows + lines->grid.width;
}

static void lay_out(density_plan *plan, const block_lines *lines, void *memory) {
  size_t rows = lines->active_rows, columns = lines->active_columns;
  plan->row_factors = memory;
  plan->column_factors = plan->row_factors + most_products(lines) * rows;
  plan->row_offset = (float *)(plan->column_factors + most_products(lines) * columns);
  plan->column_offset = plan->row_offset + rows;
  plan->column_origin = (int32_t *)(plan->column_offset + columns);
  plan->sums = plan->column_origin + columns;
  plan->levels = (uint8_t *)(plan->sums + columns);
  plan->row_class = plan->levels + columns;
  plan->column_class = plan->row_class + lines->grid.rows;
}

int plan_density(scratch *memory, const ctk_encoder_input *input, const block_lines *lines,
                 density_plan *plan) {
  size_t fit_bytes = (density_fit_bytes(lines) + 3) & ~(size_t)3;
  uint8_t *bytes = scratch_reserve(memory, fit_bytes + plan_bytes(lines));
  if (bytes == NULL) return 0;
  density_fit fit;
  density_begin(&fit, lines, bytes);
  lay_out(plan, lines, bytes + fit_bytes);
  plan->shape.factors = 0;
  double bits = density_bits(&fit);
  while (plan->shape.factors < most_products(lines) && add_product(&fit, plan, &bits)) {}
  for (unsigned i = 0; i < LAST_SWEEPS; i++) density_sweep(&fit, DENSITY_OFFSETS);
  classify_lines(&fit, lines, plan);
  plan->bits = lists_cost(&fit, plan);
  plan_levels(input, lines, plan);
  return 1;
}
