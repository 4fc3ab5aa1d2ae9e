// Rounding the changes of a tensor (formats/context.md sections 9.4 and 11).

#include "coder_rans.h"
#include "encoder_grid.h"

#pragma STDC FP_CONTRACT OFF

// Steps are at least this many times the grid's unit.
#define STEP_FINENESS 6
// A row's step is at most this share of its root mean square change, so that a row whose
// changes are far smaller than those elsewhere keeps their shape.
#define MOST_STEP_OF_ROW 0.5
// Room above the largest number.
#define HEADROOM_BITS 2

typedef struct {
  const ctk_rounding_input *input;
  uint64_t rows;
  double scale;
  double unit;
} rounder;

// A change of one unit, if it can be rounded.
typedef struct {
  uint32_t before;
  uint32_t after;
  double change;
} unit_change;

static inline int change_at(const ctk_rounding_input *input, uint64_t unit,
                            unit_change *change) {
  change->before = float_bits_at(input->base, unit);
  change->after = float_bits_at(input->tuned, unit);
  if (change->before == change->after) return 0;
  if (!is_plain(change->before) || !is_plain(change->after)) return 0;
  change->change = (double)float_of_bits(change->after) - (double)float_of_bits(change->before);
  return fabs(change->change) < LARGEST_CHANGE;
}

static inline uint64_t row_end(const ctk_rounding_input *input, uint64_t row) {
  uint64_t end = (row + 1) * input->width;
  return end < input->units ? end : input->units;
}

// What the changes of a row are like.
typedef struct {
  uint64_t count;
  double square_sum;
  double smallest;
} row_changes;

static row_changes changes_of(const ctk_rounding_input *input, uint64_t row) {
  row_changes changes = {0, 0, INFINITY};
  uint64_t first = row * input->width;
  size_t bytes = 4 * (size_t)(row_end(input, row) - first);
  if (memcmp(input->base + 4 * first, input->tuned + 4 * first, bytes) == 0) return changes;
  unit_change change;
  for (uint64_t unit = first; unit < row_end(input, row); unit++) {
    if (!change_at(input, unit, &change)) continue;
    changes.count++;
    changes.square_sum += change.change * change.change;
    changes.smallest = fmin(changes.smallest, fabs(change.change));
  }
  return changes;
}

static inline double typical_change(const row_changes *changes) {
  return sqrt(changes->square_sum / (double)changes->count);
}

static inline double step_for(const ctk_rounding_input *input, const row_changes *changes) {
  return fmin(input->step, MOST_STEP_OF_ROW * typical_change(changes));
}

// The unit, as an exponent of 2^-149, that a row's changes need to be rounded well.
static int finest_of(const ctk_rounding_input *input, const row_changes *changes) {
  return input->form == CTK_ROUNDING_STEPS
             ? ilogb(step_for(input, changes)) + 149 - STEP_FINENESS
             : ilogb(changes->smallest) + 149 - SHORT_BITS;
}

// The grid on which the numbers of the tensor lie, as far as 53 bits go.
static unsigned choose_grid(const ctk_rounding_input *input, uint64_t rows) {
  bit_range bases = {MOST_GRID, 1}, both = {MOST_GRID, 1};
  int grid = MOST_GRID;
  for (uint64_t row = 0; row < rows; row++) {
    row_changes changes = changes_of(input, row);
    if (changes.count == 0) continue;
    unit_change change;
    for (uint64_t unit = row * input->width; unit < row_end(input, row); unit++) {
      if (!change_at(input, unit, &change)) continue;
      widen(&bases, change.before);
      widen(&both, change.before);
      widen(&both, change.after);
    }
    int finest = finest_of(input, &changes);
    if (finest < grid) grid = finest;
  }
  if (bases.lowest < grid) grid = bases.lowest;
  if (grid < both.highest + HEADROOM_BITS - 53) grid = both.highest + HEADROOM_BITS - 53;
  return (unsigned)(grid < 0 ? 0 : grid > MOST_GRID ? MOST_GRID : grid);
}

// The code of the step nearest to one in units of the grid.
static unsigned code_of_step(double step) {
  if (step <= 4) return 0;
  int octave = ilogb(step) - 2;
  long code = 4 * octave + lrint(ldexp(step, -octave)) - 4;
  return code < STEP_CODES ? (unsigned)code : STEP_CODES - 1;
}

static void choose_steps(const rounder *rounder, uint8_t *row_steps) {
  for (uint64_t row = 0; row < rounder->rows; row++) {
    row_changes changes = changes_of(rounder->input, row);
    double step = changes.count == 0 ? 0 : step_for(rounder->input, &changes);
    row_steps[row] = (uint8_t)code_of_step(step * rounder->scale);
  }
}

// The number for which (2 q + 1) steps are nearest to a change.
static inline uint64_t stepped_number(double change, int64_t step) {
  return zigzag((int64_t)floor(change / (2 * (double)step)));
}

static inline uint32_t rounded_bits(const rounder *rounder, const unit_change *change,
                                    int64_t step, ctk_rounding_result *result) {
  int64_t before, target;
  double wanted = change->change * rounder->scale;
  if (!to_grid(change->before, rounder->scale, &before) || !(fabs(wanted) < 0x1p52)) {
    result->exact++;
    return change->after;
  }
  uint64_t number = rounder->input->form == CTK_ROUNDING_STEPS
                        ? stepped_number(wanted, step)
                        : short_number((int64_t)rint(wanted));
  if (rounder->input->form == CTK_ROUNDING_STEPS && bucket_of(number) >= REAL_BUCKETS) {
    result->exact++;
    return change->after;
  }
  target = truncated(before + (rounder->input->form == CTK_ROUNDING_STEPS
                                   ? stepped_change(number, step)
                                   : short_change(number)));
  double value = (double)target * rounder->unit;
  uint32_t bits = bits_of_float((float)value);
  if ((double)(float)value != value || !is_plain(bits)) {
    result->exact++;
    return change->after;
  }
  double error = fabs(value - (double)float_of_bits(change->after));
  result->rounded++;
  result->error_sum += error;
  if (error > result->worst_error) result->worst_error = error;
  return bits;
}

static void round_rows(const rounder *rounder, const uint8_t *row_steps, uint8_t *target,
                       ctk_rounding_result *result) {
  unit_change change;
  for (uint64_t row = 0; row < rounder->rows; row++) {
    int64_t step = row_steps == NULL ? 0 : step_of_code(row_steps[row]);
    for (uint64_t unit = row * rounder->input->width; unit < row_end(rounder->input, row);
         unit++) {
      uint32_t bits;
      if (change_at(rounder->input, unit, &change)) {
        bits = rounded_bits(rounder, &change, step, result);
      } else {
        bits = change.after;
        result->exact += change.before != change.after;
      }
      store_u32(target + 4 * unit, bits);
    }
  }
}

static uint64_t rows_of(const ctk_rounding_input *input) {
  return input->units / input->width + (input->units % input->width != 0);
}

void ctk_measure_changes(const ctk_rounding_input *input, ctk_change_spread *spread) {
  *spread = (ctk_change_spread){0};
  for (uint64_t row = 0; row < rows_of(input); row++) {
    row_changes changes = changes_of(input, row);
    if (changes.count == 0) continue;
    spread->count += changes.count;
    spread->octave_sum += (double)changes.count * log2(typical_change(&changes));
  }
}

int ctk_round_changes(const ctk_rounding_input *input, uint8_t *target, uint8_t *row_steps,
                      ctk_rounding_result *result) {
  *result = (ctk_rounding_result){0};
  rounder rounder = {.input = input, .rows = rows_of(input)};
  result->grid = choose_grid(input, rounder.rows);
  rounder.scale = ldexp(1, 149 - (int)result->grid);
  rounder.unit = ldexp(1, (int)result->grid - 149);
  if (input->form == CTK_ROUNDING_STEPS) choose_steps(&rounder, row_steps);
  round_rows(&rounder, input->form == CTK_ROUNDING_STEPS ? row_steps : NULL, target, result);
  return CTK_CODER_OK;
}
