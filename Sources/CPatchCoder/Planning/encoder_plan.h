// What the encoder chooses for a block before it writes it.
#ifndef ENCODER_PLAN_H
#define ENCODER_PLAN_H

#include "coder_block.h"
#include "coder_density.h"
#include "coder_rounding.h"

// Memory that is kept from block to block.
typedef struct {
  void *bytes;
  size_t capacity;
} scratch;

// At least `bytes` bytes, whose old content is lost; NULL when there is no memory.
void *scratch_reserve(scratch *memory, size_t bytes);

// Lines: the rows and columns that the coded units lie in.
typedef struct {
  block_grid grid;
  uint32_t count;
  // Of each coded unit.
  uint32_t *row;
  uint32_t *column;
  // Those that hold a coded unit, ascending.
  uint32_t active_rows;
  uint32_t active_columns;
  uint32_t *active_row;
  uint32_t *active_column;
} block_lines;

// Places of one row that lie in the block.
typedef struct {
  uint32_t first;
  uint32_t end;
} column_range;

static inline column_range columns_of(const block_grid *grid, uint32_t units, uint32_t row) {
  column_range range = {row == 0 ? grid->phase : 0, grid->width};
  uint64_t left = (uint64_t)grid->phase + units - (uint64_t)row * grid->width;
  if (left < range.end) range.end = (uint32_t)left;
  return range;
}

int plan_lines(scratch *memory, const ctk_encoder_input *input, block_lines *lines);

// Positions as a grid of row and column classes.
typedef struct {
  double bits;
  // Places that are decided on.
  double decisions;
  uint8_t *row_class;
  uint8_t *column_class;
  uint32_t row_counts[MOST_CLASSES + 1];
  uint32_t column_counts[MOST_CLASSES + 1];
  int level_code[LEVEL_LIMIT];
  unsigned levels;
} grid_plan;

// Fits classes and odds to the positions. Returns 0 when there is no memory.
int plan_grid(scratch *memory, const block_lines *lines, grid_plan *plan);

// The bits of decisions at so many levels, of whose places some are set, and the odds
// that are best for them.
double choose_odds(unsigned levels, const double *places, const double *set, int *level_code);

// Positions by the density of each place.
typedef struct {
  double bits;
  // Places that are decided on.
  double decisions;
  density_shape shape;
  // Of each row and column; 0 where no unit is coded.
  uint8_t *row_class;
  uint8_t *column_class;
  uint32_t row_counts[MOST_CLASSES + 1];
  uint32_t column_counts[MOST_CLASSES + 1];
  // Of the active lines only; numbers of factor k begin at k times as many as there are.
  int32_t *row_factors;
  int32_t *column_factors;
  uint32_t row_factor_counts[DENSITY_BUCKETS];
  uint32_t column_factor_counts[DENSITY_BUCKETS];
  // What a number of factor k stands for.
  double row_step_of[DENSITY_FACTORS_LIMIT];
  double column_step_of[DENSITY_FACTORS_LIMIT];
  // Offsets to go back to.
  float *row_offset;
  float *column_offset;
  // Of each active column, and room for a row's levels.
  int32_t *column_origin;
  int32_t *sums;
  uint8_t *levels;
  int level_code[DENSITY_LEVELS];
} density_plan;

// Fits densities to the positions. Returns 0 when there is no memory.
int plan_density(scratch *memory, const ctk_encoder_input *input, const block_lines *lines,
                 density_plan *plan);

// Chooses levels and their odds for the plan's classes and factors, and adds the bits of
// odds and decisions.
void plan_levels(const ctk_encoder_input *input, const block_lines *lines, density_plan *plan);

// The level of every active column in active row `row`; valid until the next call.
const uint8_t *density_plan_levels(const density_plan *plan, const block_lines *lines,
                                   uint32_t row);

// The changes of a block as a sum of products of row and column factors.
typedef struct {
  unsigned factors;
  // Numbers of factor k begin at k * rows and k * columns.
  int32_t *row_factors;
  int32_t *column_factors;
  // A product of factor k counts 2^exponent[k].
  int exponent[MOST_FACTORS];
  // Mean of the rest's binary logarithms.
  double rest_octaves;
} factor_plan;

// Finds factors; `rest`, one number for each coded unit, is what they are to
// predict and becomes what they leave.
int plan_factors(scratch *memory, const block_lines *lines, float *rest, factor_plan *plan);

// Values coded as real numbers whose last bits are told once.
typedef struct {
  double bits;
  unsigned cell_bits;
  unsigned grid;
  factor_plan factor;
  unsigned factor_shift[MOST_FACTORS];
  uint32_t row_counts[FACTOR_BUCKETS];
  uint32_t column_counts[FACTOR_BUCKETS];
  // For each value the zigzag of its cells' distance, less what is predicted, or of its
  // difference when it is escaped.
  uint64_t *number;
  uint8_t *bucket;
  // Its raw bits, and how many.
  uint32_t *low;
  uint8_t *low_bits;
  // The last bits of one side exclusive or those of the other.
  uint64_t *shared;
  size_t shared_bits;
} real_plan;

typedef struct {
  scratch items;
  scratch factors;
} real_memory;

int plan_real(real_memory *memory, const ctk_encoder_input *input, const block_lines *lines,
              real_plan *plan);

// Values that were rounded.
typedef struct {
  double bits;
  // For each value its number, or the zigzag of its difference when it is escaped.
  uint64_t *number;
  uint8_t *symbol;
  // Its raw bits that tell the base, and how many.
  uint32_t *low;
  uint8_t *low_bits;
  // Codes of the active rows.
  uint32_t step_counts[STEP_CODES];
} rounded_plan;

// Returns 0 when there is no memory.
int plan_rounded(scratch *memory, const ctk_encoder_input *input, const block_lines *lines,
                 rounded_plan *plan);

// Tables that values are coded with, chosen by the scales of row and column.
typedef struct {
  unsigned contexts;
  unsigned offset;
  uint8_t *row_scale;
  uint8_t *column_scale;
  uint32_t row_counts[MOST_SCALES];
  uint32_t column_counts[MOST_SCALES];
  uint32_t counts[MOST_CONTEXTS][TABLE_SYMBOLS];
} context_plan;

// Chooses tables for `symbols`, one for each coded unit, below `limit`.
int plan_contexts(scratch *memory, const block_lines *lines, const uint8_t *symbols,
                  unsigned limit, context_plan *plan);

#endif
