#include "factor_fit.h"

#include <math.h>
#include <string.h>

#include "factor_row.h"

#pragma STDC FP_CONTRACT OFF

// Units' worth of doubt that draws the numbers of sparse lines towards 0.
#define RIDGE 2
// Units that a fit looks at, about; of more, some are taken.
#define FITTED_UNITS ((uint32_t)1 << 18)

static row_units units_of(const factor_units *units, uint32_t row) {
  uint32_t first = row == 0 ? 0 : units->row_end[row - 1];
  return (row_units){units->row_end[row] - first, units->rest + first, units->column + first};
}

// Fitting

// Units' worth of a line's numbers, were all its partners like the average.
static float ridge_of(double squares, const factor_fit *fit) {
  return (float)(RIDGE * squares / fit->all.count);
}

static void solve_rows(factor_fit *fit) {
  double squares = 0;
  for (uint32_t j = 0; j < fit->lines->grid.width; j++) {
    squares += (double)fit->column[j] * fit->column[j] * fit->column_units[j];
  }
  float ridge = ridge_of(squares, fit);
  memset(fit->sums, 0, fit->lines->grid.width * sizeof *fit->sums);
  memset(fit->weights, 0, fit->lines->grid.width * sizeof *fit->weights);
  for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
    row_units units = units_of(&fit->sample, i);
    factor_sums sums = {.first = {0}};
    factor_sum_row(&units, fit->column, &sums);
    float weight = total_of(sums.second);
    float number = weight > 0 ? total_of(sums.first) / (weight + ridge) : 0;
    fit->row[fit->lines->active_row[i]] = number;
    factor_add_to_columns(&units, number, fit->sums, fit->weights);
  }
}

static void solve_columns(factor_fit *fit) {
  double squares = 0;
  for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
    float number = fit->row[fit->lines->active_row[i]];
    squares += (double)number * number * units_of(&fit->all, i).count;
  }
  float ridge = ridge_of(squares, fit);
  for (uint32_t j = 0; j < fit->lines->grid.width; j++) {
    fit->column[j] = fit->weights[j] > 0 ? fit->sums[j] / (fit->weights[j] + ridge) : 0;
  }
}

void factor_sweep(factor_fit *fit) {
  solve_rows(fit);
  solve_columns(fit);
}

void factor_start(factor_fit *fit, unsigned skipped) {
  memset(fit->row, 0, fit->lines->grid.rows * sizeof *fit->row);
  memset(fit->column, 0, fit->lines->grid.width * sizeof *fit->column);
  // Until the first sweep `row` holds the squares of each active row.
  for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
    row_units units = units_of(&fit->all, i);
    factor_sums sums = {.first = {0}};
    for (uint32_t k = 0; k < units.count; k++) {
      sums.first[k % STRANDS] += units.rest[k] * units.rest[k];
    }
    fit->row[i] = total_of(sums.first);
  }
  uint32_t best = 0;
  for (unsigned turn = 0; turn <= skipped; turn++) {
    if (turn > 0) fit->row[best] = 0;
    for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
      if (fit->row[i] > fit->row[best]) best = i;
    }
  }
  row_units units = units_of(&fit->all, best);
  for (uint32_t k = 0; k < units.count; k++) fit->column[units.column[k]] = units.rest[k];
  memset(fit->row, 0, fit->lines->grid.rows * sizeof *fit->row);
}

factor_effect factor_measure(const factor_fit *fit) {
  double signal = 0;
  uint64_t octaves = 0, used = 0;
  for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
    row_units units = units_of(&fit->all, i);
    factor_sums sums = {.first = {0}};
    factor_measure_row(&units, fit->column, fit->row[fit->lines->active_row[i]], &sums);
    signal += total_of(sums.first);
    for (unsigned strand = 0; strand < STRANDS; strand++) {
      octaves += sums.octaves[strand];
      used += sums.used[strand];
    }
  }
  double mean = used == 0 ? -149 : (double)octaves / ((double)used * (1 << 23)) - 127;
  return (factor_effect){mean, signal};
}

static void add_to(factor_fit *fit, const factor_units *some, float sign) {
  for (uint32_t i = 0; i < fit->lines->active_rows; i++) {
    row_units units = units_of(some, i);
    factor_add_to_row(&units, fit->column, sign * fit->row[fit->lines->active_row[i]]);
  }
}

void factor_add(factor_fit *fit, float sign) {
  add_to(fit, &fit->all, sign);
  if (fit->sample.count < fit->all.count) add_to(fit, &fit->sample, sign);
}

// Beginning

static uint32_t common_divisor(uint32_t a, uint32_t b) {
  return b == 0 ? a : common_divisor(b, a % b);
}

// Every how many units one is looked at: all columns are met even when every unit is
// coded.
static uint32_t stride_of(const block_lines *lines) {
  uint32_t stride = lines->count / FITTED_UNITS + 1;
  while (common_divisor(stride, lines->grid.width) != 1) stride++;
  return stride;
}

static uint32_t sampled_units(const block_lines *lines) {
  return (lines->count + stride_of(lines) - 1) / stride_of(lines);
}

size_t factor_fit_bytes(const block_lines *lines) {
  size_t words = lines->grid.rows + 4 * (size_t)lines->grid.width +
                 2 * (size_t)lines->active_rows + 2 * (size_t)sampled_units(lines);
  return words * sizeof(float);
}

static void find_rows(const block_lines *lines, factor_units *all) {
  uint32_t row = 0;
  for (uint32_t i = 0; i < lines->count; i++) {
    if (lines->row[i] != lines->active_row[row]) all->row_end[row++] = i;
  }
  all->row_end[row] = lines->count;
}

static void take_sample(factor_fit *fit, uint32_t *column) {
  uint32_t stride = stride_of(fit->lines), i = 0, count = 0;
  for (uint32_t row = 0; row < fit->lines->active_rows; row++) {
    for (; i < fit->all.row_end[row]; i += stride) {
      column[count] = fit->all.column[i];
      fit->sample.rest[count++] = fit->all.rest[i];
    }
    fit->sample.row_end[row] = count;
  }
  fit->sample.count = count;
}

void factor_begin(factor_fit *fit, const block_lines *lines, float *rest, void *memory) {
  uint32_t sampled = sampled_units(lines);
  fit->lines = lines;
  fit->row = memory;
  fit->column = fit->row + lines->grid.rows;
  fit->sums = fit->column + lines->grid.width;
  fit->weights = fit->sums + lines->grid.width;
  fit->column_units = (uint32_t *)(fit->weights + lines->grid.width);
  uint32_t *row_end = fit->column_units + lines->grid.width;
  fit->all = (factor_units){lines->count, rest, lines->column, row_end};
  find_rows(lines, &fit->all);
  memset(fit->column_units, 0, lines->grid.width * sizeof *fit->column_units);
  for (uint32_t i = 0; i < lines->count; i++) fit->column_units[lines->column[i]]++;
  fit->sample = fit->all;
  if (sampled == lines->count) return;
  uint32_t *column = row_end + 2 * (size_t)lines->active_rows;
  fit->sample = (factor_units){sampled, (float *)(column + sampled), column,
                               row_end + lines->active_rows};
  take_sample(fit, column);
}
