// Writing of a block's coded words, from the last item to the first: in the reverse of
// the order in which they are decoded.

#include "coder_rounding.h"
#include "coder_shared.h"
#include "encoder_block.h"

static inline void put_symbol(rans_encoder *encoder, unsigned lane, const coder_table *table,
                              unsigned symbol) {
  unsigned i = symbol - table->first;
  rans_put(encoder, lane, table->start[i], table->frequency[i], TABLE_SCALE);
}

static void put_symbols(rans_encoder *encoder, const coder_table *table,
                        const uint8_t *symbols, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    put_symbol(encoder, i & (encoder->lanes - 1), table, symbols[i]);
  }
}

// Number `item` of a list.
typedef uint64_t (*number_source)(const void *context, uint32_t item);

static void put_numbers(rans_encoder *encoder, const coder_table *table, unsigned pieces,
                        uint32_t count, number_source source, const void *context) {
  uint64_t rest[RANS_MOST_LANES];
  uint8_t bucket[RANS_MOST_LANES];
  uint32_t steps = (count + encoder->lanes - 1) / encoder->lanes;
  while (steps-- > 0) {
    uint32_t first = steps * encoder->lanes;
    uint32_t step = smaller(encoder->lanes, count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      uint64_t number = source(context, first + lane);
      bucket[lane] = (uint8_t)bucket_of(number);
      rest[lane] = number - bucket_first(bucket[lane]);
    }
    for (unsigned piece = pieces; piece-- > 0;) {
      unsigned done = piece * RANS_PIECE_BITS;
      for (uint32_t lane = step; lane-- > 0;) {
        unsigned bits = bucket_bits(bucket[lane]);
        if (bits <= done) continue;
        unsigned now = smaller(bits - done, RANS_PIECE_BITS);
        rans_put_bits(encoder, lane, (uint32_t)(rest[lane] >> done & (((uint64_t)1 << now) - 1)),
                      now);
      }
    }
    for (uint32_t lane = step; lane-- > 0;) put_symbol(encoder, lane, table, bucket[lane]);
  }
}

typedef struct {
  const int32_t *numbers;
  const uint32_t *active;
} factor_source;

static uint64_t factor_number(const void *context, uint32_t item) {
  const factor_source *source = context;
  return zigzag(source->numbers[source->active[item]]);
}

static void put_factors(rans_encoder *encoder, const coder_table *table,
                        const int32_t *numbers, unsigned factors, uint32_t stride,
                        const uint32_t *active, uint32_t count) {
  for (unsigned k = factors; k-- > 0;) {
    factor_source source = {numbers + (size_t)k * stride, active};
    put_numbers(encoder, table, 1, count, factor_number, &source);
  }
}

// Classes of the active lines.
static void put_classes(rans_encoder *encoder, const coder_table *table, const uint8_t *classes,
                        const uint32_t *active, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    put_symbol(encoder, i & (encoder->lanes - 1), table, classes[active[i]]);
  }
}

static void put_lines(rans_encoder *encoder, const block_plan *plan,
                      const context_plan *context, const factor_plan *factor,
                      const uint8_t *row_steps) {
  const block_lines *lines = &plan->lines;
  put_factors(encoder, &plan->column_factors, factor->column_factors, factor->factors,
              lines->grid.width, lines->active_column, lines->active_columns);
  if (context->contexts > 1) {
    put_classes(encoder, &plan->column_scales, context->column_scale, lines->active_column,
               lines->active_columns);
  }
  put_factors(encoder, &plan->row_factors, factor->row_factors, factor->factors,
              lines->grid.rows, lines->active_row, lines->active_rows);
  if (plan->value_form == VALUES_STEPS) {
    put_classes(encoder, &plan->row_steps, row_steps, lines->active_row, lines->active_rows);
  }
  if (context->contexts > 1) {
    put_classes(encoder, &plan->row_scales, context->row_scale, lines->active_row,
               lines->active_rows);
  }
}

// Values: a symbol each, then raw bits in up to three pieces

typedef struct {
  const block_plan *plan;
  const context_plan *context;
  // Forms with two raw pieces, of which the second is of these bits.
  const uint32_t *low;
  const uint8_t *low_bits;
  unsigned escape;
  unsigned unit_bits;
} value_source;

static void put_value_symbol(rans_encoder *encoder, unsigned lane, const value_source *source,
                             uint32_t item) {
  const context_plan *context = source->context;
  const block_lines *lines = &source->plan->lines;
  unsigned table = 0;
  if (context->contexts > 1) {
    table = context_of(context->row_scale[lines->row[item]],
                       context->column_scale[lines->column[item]], context->offset,
                       context->contexts);
  }
  put_symbol(encoder, lane, &source->plan->values[table], source->plan->symbol[item]);
}

// Raw bits of a symbol's own number.
static inline unsigned number_bits(const block_plan *plan, unsigned symbol) {
  return plan->value_form == VALUES_SHORT ? SHORT_LOW_BITS : bucket_bits(symbol);
}

// Piece `piece` of the raw bits of a value that is coded against the base.
static void put_sourced_piece(rans_encoder *encoder, unsigned lane, const value_source *source,
                              uint32_t item, unsigned piece) {
  unsigned symbol = source->plan->symbol[item];
  uint64_t number = source->plan->number[item];
  if (symbol == source->escape) {
    rans_put_bits(encoder, lane, (uint32_t)(number >> (16 * piece)) & 0xffff, 16);
  } else if (piece == 1) {
    rans_put_bits(encoder, lane, source->low[item], source->low_bits[item]);
  } else {
    unsigned bits = number_bits(source->plan, symbol);
    if (bits > 0) rans_put_bits(encoder, lane, (uint32_t)(number & (((uint64_t)1 << bits) - 1)), bits);
  }
}

static void put_plain_piece(rans_encoder *encoder, unsigned lane, const value_source *source,
                            uint32_t item, unsigned piece) {
  const block_plan *plan = source->plan;
  unsigned symbol = plan->symbol[item];
  int is_top = plan->value_form == VALUES_TOP;
  unsigned bits = is_top ? source->unit_bits - 8 : bucket_bits(symbol);
  unsigned done = piece * RANS_PIECE_BITS;
  if (bits <= done) return;
  unsigned now = smaller(bits - done, RANS_PIECE_BITS);
  uint64_t rest = plan->number[item] - (is_top ? 0 : bucket_first(symbol));
  rans_put_bits(encoder, lane, (uint32_t)(rest >> done & (((uint64_t)1 << now) - 1)), now);
}

static void put_values(rans_encoder *encoder, const value_source *source) {
  uint32_t count = source->plan->lines.count;
  int is_sourced = source->low_bits != NULL;
  unsigned pieces = is_sourced
                        ? 2
                        : (source->unit_bits + RANS_PIECE_BITS - 4) / RANS_PIECE_BITS;
  for (uint32_t steps = (count + encoder->lanes - 1) / encoder->lanes; steps-- > 0;) {
    uint32_t first = steps * encoder->lanes;
    uint32_t step = smaller(encoder->lanes, count - first);
    for (unsigned piece = pieces; piece-- > 0;) {
      for (uint32_t lane = step; lane-- > 0;) {
        if (is_sourced) {
          put_sourced_piece(encoder, lane, source, first + lane, piece);
        } else {
          put_plain_piece(encoder, lane, source, first + lane, piece);
        }
      }
    }
    for (uint32_t lane = step; lane-- > 0;) {
      put_value_symbol(encoder, lane, source, first + lane);
    }
  }
}

// Positions

static uint64_t gap_number(const void *context, uint32_t item) { return gap_at(context, item); }

// Places that are decided on, of a row of the grid.
typedef struct {
  uint32_t first;
  uint32_t end;
} column_range;

static column_range columns_of(const block_grid *grid, uint32_t units, uint32_t row) {
  column_range range = {row == 0 ? grid->phase : 0, grid->width};
  uint64_t left = (uint64_t)grid->phase + units - (uint64_t)row * grid->width;
  if (left < range.end) range.end = (uint32_t)left;
  return range;
}

static void put_grid(rans_encoder *encoder, const block_plan *plan, const grid_plan *grid,
                     const ctk_encoder_input *input) {
  uint32_t probability[LEVEL_LIMIT];
  for (unsigned level = 0; level < grid->levels; level++) {
    probability[level] = odds_probability(grid->level_code[level]);
  }
  uint32_t decisions = 0;
  for (uint32_t row = 0; row < plan->lines.grid.rows; row++) {
    if (grid->row_class[row] == 0) continue;
    column_range range = columns_of(&plan->lines.grid, input->run.units, row);
    for (uint32_t column = range.first; column < range.end; column++) {
      decisions += grid->column_class[column] != 0;
    }
  }
  uint32_t item = input->count;
  for (uint32_t row = plan->lines.grid.rows; row-- > 0;) {
    if (grid->row_class[row] == 0) continue;
    column_range range = columns_of(&plan->lines.grid, input->run.units, row);
    uint64_t origin = (uint64_t)row * plan->lines.grid.width - plan->lines.grid.phase;
    const uint32_t *row_probability = probability + grid->row_class[row] - 1;
    for (uint32_t column = range.end; column-- > range.first;) {
      unsigned class = grid->column_class[column];
      if (class == 0) continue;
      uint32_t one = row_probability[class - 1], zero = (1u << ODDS_SCALE) - one;
      unsigned lane = --decisions & (encoder->lanes - 1);
      if (item > 0 && input->positions[item - 1] == (uint32_t)(origin + column)) {
        item--;
        rans_put(encoder, lane, zero, one, ODDS_SCALE);
      } else {
        rans_put(encoder, lane, 0, zero, ODDS_SCALE);
      }
    }
  }
  put_symbols(encoder, &plan->column_classes, grid->column_class, plan->lines.grid.width);
  put_symbols(encoder, &plan->row_classes, grid->row_class, plan->lines.grid.rows);
}

// Last bits, which follow the values.
static void put_shared(rans_encoder *encoder, const real_plan *real) {
  for (uint32_t i = shared_pieces(real->shared_bits); i-- > 0;) {
    unsigned count = shared_piece_bits(real->shared_bits, i);
    rans_put_bits(encoder, i & (encoder->lanes - 1),
                  bits_at(real->shared, (size_t)i * RANS_PIECE_BITS, count), count);
  }
}

static value_source values_of(const ctk_encoder *encoder, const ctk_encoder_input *input,
                              const block_plan *plan) {
  value_source source = {.plan = plan,
                         .context = &encoder->context_plan,
                         .unit_bits = 8 * input->run.unit_bytes};
  if (plan->value_form == VALUES_SHARED) {
    source.low = encoder->real_plan.low;
    source.low_bits = encoder->real_plan.low_bits;
    source.escape = REAL_ESCAPE;
  } else if (plan->value_form == VALUES_STEPS || plan->value_form == VALUES_SHORT) {
    source.low = encoder->rounded_plan.low;
    source.low_bits = encoder->rounded_plan.low_bits;
    source.escape = plan->value_form == VALUES_SHORT ? SHORT_ESCAPE : REAL_ESCAPE;
  }
  return source;
}

void encode_words(const ctk_encoder *encoder, const ctk_encoder_input *input,
                  const block_plan *plan, rans_encoder *rans) {
  static const factor_plan no_factors = {.factors = 0};
  if (plan->value_form != VALUES_NONE) {
    value_source source = values_of(encoder, input, plan);
    if (plan->value_form == VALUES_SHARED) put_shared(rans, &encoder->real_plan);
    put_values(rans, &source);
    put_lines(rans, plan, &encoder->context_plan,
              plan->value_form == VALUES_SHARED ? &encoder->real_plan.factor : &no_factors,
              input->rounding.row_steps);
  }
  if (plan->index_form == INDEX_GAPS) {
    put_numbers(rans, &plan->gaps, 1, input->count, gap_number, input);
  } else if (plan->index_form == INDEX_GRID) {
    put_grid(rans, plan, &encoder->grid_plan, input);
  }
}
