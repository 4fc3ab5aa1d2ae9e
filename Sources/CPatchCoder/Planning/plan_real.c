// Changes of floats as real numbers, whatever the exponents of both sides.

#include <math.h>
#include <string.h>

#include "coder_shared.h"
#include "encoder_grid.h"
#include "plan_numbers.h"

#pragma STDC FP_CONTRACT OFF

// Bits of a cell below the spread of what is coded.
#define CELL_OCTAVES 6.0

// Fills in the changes; those between others than plain numbers count as 0.
static bit_range collect(const ctk_encoder_input *input, float *changes) {
  bit_range range = {254, 1};
  for (uint32_t i = 0; i < input->count; i++) {
    float_pair pair = pair_at(input, i);
    changes[i] = 0;
    if (!is_plain(pair.before) || !is_plain(pair.after)) continue;
    double change = (double)float_of_bits(pair.after) - (double)float_of_bits(pair.before);
    if (fabs(change) < LARGEST_CHANGE) changes[i] = (float)change;
    widen(&range, pair.before);
    widen(&range, pair.after);
  }
  return range;
}

// The grid that numbers lie on, and the cells their changes are coded in.
static void choose_cells(bit_range range, real_plan *plan) {
  int cell = (int)lrint(plan->factor.rest_octaves - CELL_OCTAVES) + 149;
  int grid = range.lowest;
  if (grid < cell - MOST_CELL_BITS) grid = cell - MOST_CELL_BITS;
  if (grid < range.highest - 53) grid = range.highest - 53;
  grid = grid < 0 ? 0 : grid > MOST_GRID ? MOST_GRID : grid;
  plan->grid = (unsigned)grid;
  plan->cell_bits = cell < grid ? 0 : smaller((unsigned)(cell - grid), MOST_CELL_BITS);
  for (unsigned k = 0; k < plan->factor.factors; k++) {
    int shift = FACTOR_POINT + grid + (int)plan->cell_bits - 149 - plan->factor.exponent[k];
    plan->factor_shift[k] = (unsigned)(shift < 0                   ? 0
                                       : shift > MOST_FACTOR_SHIFT ? MOST_FACTOR_SHIFT
                                                                   : shift);
  }
}

static void escape(const ctk_encoder_input *input, real_plan *plan, uint32_t item) {
  plan->bucket[item] = REAL_ESCAPE;
  plan->number[item] = zigzag_word(((const uint32_t *)input->differences)[item], 4);
  plan->low_bits[item] = 0;
}

static int64_t prediction_of(const block_lines *lines, const real_plan *plan, uint32_t item) {
  int64_t prediction = 0;
  for (unsigned k = 0; k < plan->factor.factors; k++) {
    prediction += factor_product(
        plan->factor.row_factors[(size_t)k * lines->grid.rows + lines->row[item]],
        plan->factor.column_factors[(size_t)k * lines->grid.width + lines->column[item]],
        plan->factor_shift[k]);
  }
  return prediction;
}

// Adds bits to one side's last bits, which end at bit `end`.
static void add_last_bits(real_plan *plan, uint32_t low, unsigned first, unsigned shared,
                          size_t *end) {
  flip_bits(plan->shared, *end, (low & low_mask(shared)) >> first);
  *end += shared - first;
}

static void code_items(const ctk_encoder_input *input, const block_lines *lines,
                       real_plan *plan) {
  double scale = ldexp(1, 149 - (int)plan->grid);
  unsigned cell_bits = plan->cell_bits;
  size_t before_end = 0, after_end = 0;
  memset(plan->shared, 0, shared_words(input->count) * sizeof *plan->shared);
  for (uint32_t i = 0; i < input->count; i++) {
    float_pair pair = pair_at(input, i);
    int64_t before, after;
    if (!to_grid(pair.before, scale, &before) || !to_grid(pair.after, scale, &after)) {
      escape(input, plan, i);
      continue;
    }
    int64_t before_cell = before >> cell_bits, after_cell = after >> cell_bits;
    uint64_t number = zigzag(after_cell - before_cell - prediction_of(lines, plan, i));
    unsigned bucket = bucket_of(number);
    if (bucket >= REAL_BUCKETS) {
      escape(input, plan, i);
      continue;
    }
    unsigned before_lowest = lowest_of_cell(before_cell, cell_bits);
    unsigned after_lowest = lowest_of_cell(after_cell, cell_bits);
    unsigned shared = before_lowest > after_lowest ? before_lowest : after_lowest;
    uint32_t before_low = (uint32_t)before & low_mask(cell_bits);
    uint32_t after_low = (uint32_t)after & low_mask(cell_bits);
    plan->bucket[i] = (uint8_t)bucket;
    plan->number[i] = number;
    plan->low_bits[i] = (uint8_t)(cell_bits - shared);
    plan->low[i] = (before_low ^ after_low) >> shared;
    add_last_bits(plan, before_low, before_lowest, shared, &before_end);
    add_last_bits(plan, after_low, after_lowest, shared, &after_end);
  }
  plan->shared_bits = before_end > after_end ? before_end : after_end;
}

static void count_numbers(const int32_t *numbers, unsigned factors, uint32_t stride,
                          const uint32_t *active, uint32_t count, uint32_t *counts) {
  memset(counts, 0, FACTOR_BUCKETS * sizeof *counts);
  for (unsigned k = 0; k < factors; k++) {
    for (uint32_t i = 0; i < count; i++) {
      counts[bucket_of(zigzag(numbers[(size_t)k * stride + active[i]]))]++;
    }
  }
}

static double bits_of_plan(const ctk_encoder_input *input, const real_plan *plan) {
  uint32_t counts[REAL_BUCKETS + 1] = {0};
  double bits = 8.0 * (3 + plan->factor.factors) + (double)plan->shared_bits;
  for (uint32_t i = 0; i < input->count; i++) {
    unsigned bucket = plan->bucket[i];
    counts[bucket]++;
    bits += bucket == REAL_ESCAPE ? 32 : bucket_bits(bucket) + plan->low_bits[i];
  }
  bits += table_cost(counts, REAL_BUCKETS + 1);
  if (plan->factor.factors == 0) return bits;
  return bits + buckets_cost(plan->row_counts, FACTOR_BUCKETS) +
         buckets_cost(plan->column_counts, FACTOR_BUCKETS);
}

int plan_real(real_memory *memory, const ctk_encoder_input *input, const block_lines *lines,
              real_plan *plan) {
  size_t count = input->count;
  size_t words = shared_words(input->count);
  plan->number = scratch_reserve(&memory->items, words * 8 + count * (8 + 4 + 4 + 2));
  if (plan->number == NULL) return 0;
  plan->shared = plan->number + count;
  plan->low = (uint32_t *)(plan->shared + words);
  float *changes = (float *)(plan->low + count);
  plan->bucket = (uint8_t *)(changes + count);
  plan->low_bits = plan->bucket + count;

  bit_range range = collect(input, changes);
  if (!plan_factors(&memory->factors, lines, changes, &plan->factor)) return 0;
  choose_cells(range, plan);
  code_items(input, lines, plan);
  count_numbers(plan->factor.row_factors, plan->factor.factors, lines->grid.rows,
                lines->active_row, lines->active_rows, plan->row_counts);
  count_numbers(plan->factor.column_factors, plan->factor.factors, lines->grid.width,
                lines->active_column, lines->active_columns, plan->column_counts);
  plan->bits = bits_of_plan(input, plan);
  return 1;
}
