// Changes of a trained matrix are far from independent: they are sums of few
// products of one number per row and one per column, plus noise. Factors are found
// one after the other by alternating least squares, and kept while each saves more
// than its own numbers cost.

#include <math.h>
#include <string.h>

#include "encoder_plan.h"

#pragma STDC FP_CONTRACT OFF

#define ITERATIONS 4
// Iterations before units are weighted by how well they fit.
#define PLAIN_ITERATIONS 2
// Squared residuals, in those of a typical unit, that count half.
#define TOLERANCE 32
// Octaves from the mean binary logarithm of normal noise to its deviation.
#define NOISE_OCTAVES 0.9
// Units' worth of doubt that draws the numbers of sparse lines towards 0.
#define RIDGE 2
// Units that a fit looks at; more of them are sampled.
#define FITTED_UNITS ((uint32_t)1 << 18)
#define FACTORS_TRIED 16
// Attempts, each from another row, before a next factor is given up.
#define ATTEMPTS 2
#define LARGEST_NUMBER 32767

// The factor in the making and what it works on.
typedef struct {
  const block_lines *lines;
  // What is to be predicted.
  float *rest;
  // What the factor leaves of it.
  float *left;
  // How much each unit counts: those that do not fit are noise.
  float *trust;
  // Every how many units are looked at while fitting.
  uint32_t stride;
  // One number for each line.
  float *row;
  float *column;
  float *weight;
} factor_work;

// log2 of a magnitude, good to a tenth, from a float's bits.
static inline double octaves_of(float value) {
  uint32_t bits = bits_of_float(value) & 0x7fffffffu;
  return (double)bits / (1 << 23) - 127;
}

static double mean_octaves(const float *rest, uint32_t count, uint32_t stride) {
  double sum = 0;
  uint32_t used = 0;
  for (uint32_t i = 0; i < count; i += stride) {
    if (rest[i] == 0) continue;
    sum += octaves_of(rest[i]);
    used++;
  }
  return used == 0 ? -149 : sum / used;
}

// Begins with the row that holds most, or the next after `skipped` of them.
static void start(factor_work *work, unsigned skipped) {
  const block_lines *lines = work->lines;
  memset(work->weight, 0, lines->grid.rows * sizeof(float));
  memset(work->column, 0, lines->grid.width * sizeof(float));
  for (uint32_t i = 0; i < lines->count; i++) {
    work->weight[lines->row[i]] += work->rest[i] * work->rest[i];
    work->trust[i] = 1;
  }
  uint32_t best = 0;
  for (unsigned turn = 0; turn <= skipped; turn++) {
    if (turn > 0) work->weight[best] = 0;
    for (uint32_t row = 0; row < lines->grid.rows; row++) {
      if (work->weight[row] > work->weight[best]) best = row;
    }
  }
  for (uint32_t i = 0; i < lines->count; i++) {
    if (lines->row[i] == best) work->column[lines->column[i]] = work->rest[i];
  }
}

// Least squares for the lines `own`, when the numbers of the lines `other` are given.
static void solve(factor_work *work, const uint32_t *own, uint32_t size, float *numbers,
                  const uint32_t *other, const float *given) {
  memset(numbers, 0, size * sizeof(float));
  memset(work->weight, 0, size * sizeof(float));
  for (uint32_t i = 0; i < work->lines->count; i += work->stride) {
    float factor = given[other[i]], trusted = factor * work->trust[i];
    numbers[own[i]] += work->rest[i] * trusted;
    work->weight[own[i]] += factor * trusted;
  }
  double total = 0;
  for (uint32_t i = 0; i < size; i++) total += work->weight[i];
  float ridge = (float)(RIDGE * total * work->stride / work->lines->count);
  for (uint32_t i = 0; i < size; i++) {
    numbers[i] = work->weight[i] > 0 ? numbers[i] / (work->weight[i] + ridge) : 0;
  }
}

// What is left of every `stride`th unit.
static void subtract(factor_work *work, uint32_t stride) {
  const block_lines *lines = work->lines;
  for (uint32_t i = 0; i < lines->count; i += stride) {
    float product = work->row[lines->row[i]] * work->column[lines->column[i]];
    work->left[i] = work->rest[i] == 0 ? 0 : work->rest[i] - product;
  }
}

static void judge(factor_work *work) {
  double octaves = mean_octaves(work->left, work->lines->count, work->stride);
  float spread = (float)exp2(2 * octaves) * TOLERANCE;
  for (uint32_t i = 0; i < work->lines->count; i += work->stride) {
    work->trust[i] = spread / (spread + work->left[i] * work->left[i]);
  }
}

static double root_mean_square(const float *numbers, uint32_t size, uint32_t active) {
  double sum = 0;
  for (uint32_t i = 0; i < size; i++) sum += (double)numbers[i] * numbers[i];
  return sqrt(sum / active);
}

// The step, in root mean squares, at which a finer one costs what it saves.
static double best_step(uint32_t numbers, uint32_t count, double noise_to_signal) {
  double step = sqrt(12.0 * numbers / count * noise_to_signal);
  return step > 0.8 ? 0.8 : step < 1.0 / 64 ? 1.0 / 64 : step;
}

static void quantize(float *numbers, uint32_t size, double step, int32_t *result) {
  for (uint32_t i = 0; i < size; i++) {
    double number = rint(numbers[i] / step);
    if (!(number < LARGEST_NUMBER)) number = LARGEST_NUMBER;
    if (number < -LARGEST_NUMBER) number = -LARGEST_NUMBER;
    result[i] = (int32_t)number;
    numbers[i] = (float)(number * step);
  }
}

static double number_bits(const int32_t *numbers, uint32_t size, uint32_t active) {
  uint32_t counts[FACTOR_BUCKETS] = {0};
  double bits = 0;
  uint32_t used = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (numbers[i] == 0) continue;
    unsigned bucket = bucket_of(zigzag(numbers[i]));
    counts[bucket]++;
    bits += bucket_bits(bucket);
    used++;
  }
  counts[0] = active - used;
  return bits + table_cost(counts, FACTOR_BUCKETS);
}

static void fit(factor_work *work, unsigned skipped) {
  const block_lines *lines = work->lines;
  start(work, skipped);
  for (unsigned i = 0; i < ITERATIONS; i++) {
    if (i >= PLAIN_ITERATIONS) {
      subtract(work, work->stride);
      judge(work);
    }
    solve(work, lines->row, lines->grid.rows, work->row, lines->column, work->column);
    solve(work, lines->column, lines->grid.width, work->column, lines->row, work->row);
  }
}

// Adds the next factor when it pays. Returns whether it did.
static int add_factor(factor_work *work, factor_plan *plan, unsigned skipped) {
  const block_lines *lines = work->lines;
  uint32_t rows = lines->grid.rows, columns = lines->grid.width;
  fit(work, skipped);
  subtract(work, 1);
  double signal = 0;
  for (uint32_t i = 0; i < lines->count; i++) {
    double product = (double)work->rest[i] - work->left[i];
    signal += product * product;
  }
  double octaves = mean_octaves(work->left, lines->count, 1) + NOISE_OCTAVES;
  double noise = lines->count * exp2(2 * octaves);
  double row_size = root_mean_square(work->row, rows, lines->active_rows);
  double column_size = root_mean_square(work->column, columns, lines->active_columns);
  if (!(signal > 0 && noise > 0 && row_size > 0 && column_size > 0)) return 0;
  double row_step = row_size * best_step(lines->active_rows, lines->count, noise / signal);
  double column_step =
      column_size * best_step(lines->active_columns, lines->count, noise / signal);
  int exponent = (int)floor(log2(row_step * column_step));
  column_step = ldexp(1, exponent) / row_step;

  unsigned k = plan->factors;
  int32_t *row_numbers = plan->row_factors + (size_t)k * rows;
  int32_t *column_numbers = plan->column_factors + (size_t)k * columns;
  quantize(work->row, rows, row_step, row_numbers);
  quantize(work->column, columns, column_step, column_numbers);
  subtract(work, 1);
  octaves = mean_octaves(work->left, lines->count, 1);
  double cost = number_bits(row_numbers, rows, lines->active_rows) +
                number_bits(column_numbers, columns, lines->active_columns);
  if (!(lines->count * (plan->rest_octaves - octaves) > cost)) return 0;
  memcpy(work->rest, work->left, lines->count * sizeof(float));
  plan->exponent[k] = exponent;
  plan->rest_octaves = octaves;
  plan->factors++;
  return 1;
}

static uint32_t common_divisor(uint32_t a, uint32_t b) {
  return b == 0 ? a : common_divisor(b, a % b);
}

// A stride that meets all columns even when every unit is coded.
static uint32_t stride_of(const block_lines *lines) {
  uint32_t stride = lines->count / FITTED_UNITS + 1;
  while (common_divisor(stride, lines->grid.width) != 1) stride++;
  return stride;
}

int plan_factors(scratch *memory, const block_lines *lines, float *rest, factor_plan *plan) {
  plan->factors = 0;
  plan->rest_octaves = mean_octaves(rest, lines->count, 1);
  if (lines->grid.rows < 2 || lines->grid.width < 2) return 1;
  size_t size = (size_t)lines->grid.rows + lines->grid.width;
  size_t words = size * (FACTORS_TRIED + 2) + 2 * (size_t)lines->count;
  float *floats = scratch_reserve(memory, words * sizeof(float));
  if (floats == NULL) return 0;
  factor_work work = {.lines = lines, .rest = rest, .left = floats, .stride = stride_of(lines)};
  work.trust = work.left + lines->count;
  work.row = work.trust + lines->count;
  work.column = work.row + lines->grid.rows;
  work.weight = work.row + size;
  plan->row_factors = (int32_t *)(work.weight + size);
  plan->column_factors = plan->row_factors + (size_t)FACTORS_TRIED * lines->grid.rows;
  unsigned failed = 0;
  while (plan->factors < FACTORS_TRIED && failed < ATTEMPTS) {
    failed = add_factor(&work, plan, failed) ? 0 : failed + 1;
  }
  return 1;
}
