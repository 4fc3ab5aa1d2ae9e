// Encoding of blocks: the cheapest forms are chosen, then everything is written from
// the last item to the first, in the reverse of the order in which it is decoded.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coder_rans.h"
#include "encoder_plan.h"

// A grid of classes takes time for every place, so it has to save something.
#define GRID_ADVANTAGE 0.98
// Coded bits for each lane, so that the lanes' own 64 bits hardly count.
#define DECISIONS_PER_LANE 16384
#define BITS_PER_LANE (32 * 2048)

struct ctk_encoder {
  coder_buffer output;
  scratch words;
  scratch lines;
  scratch numbers;
  scratch grid;
  scratch contexts;
  real_memory real;
  grid_plan grid_plan;
  real_plan real_plan;
  context_plan context_plan;
};

void *scratch_reserve(scratch *memory, size_t bytes) {
  if (bytes > memory->capacity) {
    free(memory->bytes);
    memory->capacity = bytes + bytes / 4;
    memory->bytes = malloc(memory->capacity);
    if (memory->bytes == NULL) memory->capacity = 0;
  }
  return memory->bytes;
}

ctk_encoder *ctk_encoder_create(void) { return calloc(1, sizeof(ctk_encoder)); }

void ctk_encoder_destroy(ctk_encoder *encoder) {
  if (encoder == NULL) return;
  free(encoder->output.bytes);
  free(encoder->words.bytes);
  free(encoder->lines.bytes);
  free(encoder->numbers.bytes);
  free(encoder->grid.bytes);
  free(encoder->contexts.bytes);
  free(encoder->real.items.bytes);
  free(encoder->real.factors.bytes);
  free(encoder);
}

// Plans

typedef struct {
  block_lines lines;
  unsigned index_form;
  unsigned value_form;
  unsigned lanes_log;
  double index_bits;
  double value_bits;
  uint32_t gap_counts[GAP_BUCKETS];
  // Of ordered and top values: the zigzag of each difference, and its symbol.
  uint64_t *number;
  uint8_t *symbol;
  coder_table gaps, row_classes, column_classes;
  coder_table row_factors, column_factors;
  coder_table row_scales, column_scales;
  coder_table values[MOST_CONTEXTS];
} block_plan;

static uint32_t gap_at(const ctk_encoder_input *input, uint32_t item) {
  return item == 0 ? input->positions[0]
                   : input->positions[item] - input->positions[item - 1] - 1;
}

static int plan_positions(ctk_encoder *encoder, const ctk_encoder_input *input,
                          block_plan *plan) {
  plan->index_form = INDEX_ALL;
  plan->index_bits = 0;
  if (input->positions == NULL || input->count == input->run.units) return 1;
  memset(plan->gap_counts, 0, sizeof plan->gap_counts);
  double bits = 0;
  for (uint32_t i = 0; i < input->count; i++) {
    unsigned bucket = bucket_of(gap_at(input, i));
    plan->gap_counts[bucket]++;
    bits += bucket_bits(bucket);
  }
  plan->index_form = INDEX_GAPS;
  plan->index_bits = bits + table_cost(plan->gap_counts, GAP_BUCKETS);
  if (plan->lines.grid.rows < 2 || plan->lines.grid.width < 2) return 1;
  if (!plan_grid(&encoder->grid, &plan->lines, &encoder->grid_plan)) return 0;
  if (encoder->grid_plan.bits < GRID_ADVANTAGE * plan->index_bits) {
    plan->index_form = INDEX_GRID;
    plan->index_bits = encoder->grid_plan.bits;
  }
  return 1;
}

// Ordered or top values, whichever are smaller.
static int plan_plain_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                             block_plan *plan) {
  unsigned bytes = input->run.unit_bytes, low_bits = 8 * bytes - 8;
  plan->number = scratch_reserve(&encoder->numbers, (size_t)input->count * 9);
  if (plan->number == NULL) return 0;
  plan->symbol = (uint8_t *)(plan->number + input->count);
  uint32_t ordered[TABLE_SYMBOLS] = {0}, top[TABLE_SYMBOLS] = {0};
  double bits = 0;
  for (uint32_t i = 0; i < input->count; i++) {
    uint64_t number = zigzag_word(load_word(input->differences, i, bytes), bytes);
    unsigned bucket = bucket_of(number);
    plan->number[i] = number;
    plan->symbol[i] = (uint8_t)bucket;
    ordered[bucket]++;
    top[number >> low_bits]++;
    bits += bucket_bits(bucket);
  }
  plan->value_form = VALUES_ORDERED;
  plan->value_bits = bits + table_cost(ordered, TABLE_SYMBOLS);
  double top_bits = (double)low_bits * input->count + table_cost(top, TABLE_SYMBOLS);
  if (top_bits < plan->value_bits || input->is_stored) {
    plan->value_form = VALUES_TOP;
    plan->value_bits = top_bits;
    for (uint32_t i = 0; i < input->count; i++) {
      plan->symbol[i] = (uint8_t)(plan->number[i] >> low_bits);
    }
  }
  return 1;
}

static int plan_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                       block_plan *plan) {
  plan->value_form = VALUES_NONE;
  plan->value_bits = 0;
  if (input->differences == NULL) return 1;
  if (!plan_plain_values(encoder, input, plan)) return 0;
  if (input->run.is_f32 && input->source != NULL && !input->is_stored) {
    if (!plan_real(&encoder->real, input, &plan->lines, &encoder->real_plan)) return 0;
    if (encoder->real_plan.bits < plan->value_bits) {
      plan->value_form = VALUES_REAL;
      plan->value_bits = encoder->real_plan.bits;
      plan->symbol = encoder->real_plan.bucket;
    }
  }
  context_plan *context = &encoder->context_plan;
  if (input->is_stored) {
    context->contexts = 1;
    for (unsigned symbol = 0; symbol < TABLE_SYMBOLS; symbol++) context->counts[0][symbol] = 1;
    return 1;
  }
  return plan_contexts(&encoder->contexts, &plan->lines, plan->symbol, TABLE_SYMBOLS, context);
}

static unsigned lanes_log_for(double bits, double decisions) {
  unsigned log = 0;
  while (log < MOST_LANES_LOG && bits >= (double)BITS_PER_LANE * (2 << log)) log++;
  // Decisions are many and cheap: twice the lanes keep their lists shorter.
  return log < MOST_LANES_LOG && decisions > (double)DECISIONS_PER_LANE * (1 << log) ? log + 1
                                                                                      : log;
}

// Headers

static void write_real(coder_buffer *output, const real_plan *real, block_plan *plan) {
  buffer_byte(output, (uint8_t)real->cell_bits);
  buffer_byte(output, (uint8_t)real->grid);
  buffer_byte(output, (uint8_t)real->factor.factors);
  for (unsigned k = 0; k < real->factor.factors; k++) {
    buffer_byte(output, (uint8_t)real->factor_shift[k]);
  }
  if (real->factor.factors > 0) {
    table_write(output, real->row_counts, FACTOR_BUCKETS, &plan->row_factors);
    table_write(output, real->column_counts, FACTOR_BUCKETS, &plan->column_factors);
  }
}

static void write_tables(coder_buffer *output, const context_plan *context,
                         block_plan *plan) {
  buffer_byte(output, (uint8_t)context->contexts);
  if (context->contexts > 1) {
    buffer_byte(output, (uint8_t)context->offset);
    table_write(output, context->row_counts, MOST_SCALES, &plan->row_scales);
    table_write(output, context->column_counts, MOST_SCALES, &plan->column_scales);
  }
  for (unsigned i = 0; i < context->contexts; i++) {
    table_write(output, context->counts[i], TABLE_SYMBOLS, &plan->values[i]);
  }
}

static void write_head(ctk_encoder *encoder, const ctk_encoder_input *input,
                       block_plan *plan) {
  coder_buffer *output = &encoder->output;
  output->count = 0;
  output->failed = 0;
  buffer_byte(output, (uint8_t)(plan->index_form | plan->value_form << 3));
  buffer_byte(output, (uint8_t)plan->lanes_log);
  buffer_varint(output, input->width);
  if (plan->index_form != INDEX_ALL) buffer_varint(output, input->count);
  if (plan->index_form == INDEX_GAPS) {
    table_write(output, plan->gap_counts, GAP_BUCKETS, &plan->gaps);
  } else if (plan->index_form == INDEX_GRID) {
    const grid_plan *grid = &encoder->grid_plan;
    table_write(output, grid->row_counts, MOST_CLASSES + 1, &plan->row_classes);
    table_write(output, grid->column_counts, MOST_CLASSES + 1, &plan->column_classes);
    odds_write(output, grid->level_code, grid->levels);
  }
  if (plan->value_form == VALUES_REAL) write_real(output, &encoder->real_plan, plan);
  if (plan->value_form != VALUES_NONE) write_tables(output, &encoder->context_plan, plan);
}

// Coded words, backwards

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

static void put_scales(rans_encoder *encoder, const coder_table *table, const uint8_t *scales,
                       const uint32_t *active, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    put_symbol(encoder, i & (encoder->lanes - 1), table, scales[active[i]]);
  }
}

static void put_lines(rans_encoder *encoder, const block_plan *plan,
                      const context_plan *context, const factor_plan *factor) {
  const block_lines *lines = &plan->lines;
  put_factors(encoder, &plan->column_factors, factor->column_factors, factor->factors,
              lines->grid.width, lines->active_column, lines->active_columns);
  if (context->contexts > 1) {
    put_scales(encoder, &plan->column_scales, context->column_scale, lines->active_column,
               lines->active_columns);
  }
  put_factors(encoder, &plan->row_factors, factor->row_factors, factor->factors,
              lines->grid.rows, lines->active_row, lines->active_rows);
  if (context->contexts > 1) {
    put_scales(encoder, &plan->row_scales, context->row_scale, lines->active_row,
               lines->active_rows);
  }
}

// Values: a symbol each, then raw bits in up to three pieces

typedef struct {
  const block_plan *plan;
  const context_plan *context;
  const real_plan *real;
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

// Piece `piece` of the raw bits of a value.
static void put_value_piece(rans_encoder *encoder, unsigned lane, const value_source *source,
                            uint32_t item, unsigned piece) {
  const block_plan *plan = source->plan;
  unsigned symbol = plan->symbol[item];
  if (plan->value_form == VALUES_REAL) {
    const real_plan *real = source->real;
    uint64_t number = real->number[item];
    if (symbol == REAL_ESCAPE) {
      rans_put_bits(encoder, lane, (uint32_t)(number >> (16 * piece)) & 0xffff, 16);
    } else if (piece == 1) {
      rans_put_bits(encoder, lane, real->low[item], real->low_bits[item]);
    } else if (bucket_bits(symbol) > 0) {
      rans_put_bits(encoder, lane, (uint32_t)(number - bucket_first(symbol)),
                    bucket_bits(symbol));
    }
    return;
  }
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
  unsigned pieces = source->plan->value_form == VALUES_REAL
                        ? 2
                        : (source->unit_bits + RANS_PIECE_BITS - 4) / RANS_PIECE_BITS;
  for (uint32_t steps = (count + encoder->lanes - 1) / encoder->lanes; steps-- > 0;) {
    uint32_t first = steps * encoder->lanes;
    uint32_t step = smaller(encoder->lanes, count - first);
    for (unsigned piece = pieces; piece-- > 0;) {
      for (uint32_t lane = step; lane-- > 0;) {
        put_value_piece(encoder, lane, source, first + lane, piece);
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

// More words than any choice can need.
static size_t most_words(const ctk_encoder_input *input, const block_grid *grid) {
  size_t lines = (size_t)grid->rows + grid->width;
  return (size_t)input->run.units + (size_t)input->count * 6 + lines * (2 * MOST_FACTORS + 1) +
         RANS_MOST_LANES;
}

static void put_all(ctk_encoder *encoder, const ctk_encoder_input *input,
                    const block_plan *plan, rans_encoder *rans) {
  static const factor_plan no_factors = {.factors = 0};
  if (plan->value_form != VALUES_NONE) {
    value_source source = {plan, &encoder->context_plan, &encoder->real_plan,
                           8 * input->run.unit_bytes};
    int is_real = plan->value_form == VALUES_REAL;
    put_values(rans, &source);
    put_lines(rans, plan, &encoder->context_plan,
              is_real ? &encoder->real_plan.factor : &no_factors);
  }
  if (plan->index_form == INDEX_GAPS) {
    put_numbers(rans, &plan->gaps, 1, input->count, gap_number, input);
  } else if (plan->index_form == INDEX_GRID) {
    put_grid(rans, plan, &encoder->grid_plan, input);
  }
}

int ctk_encoder_encode(ctk_encoder *encoder, const ctk_encoder_input *input,
                       const uint8_t **bytes, size_t *count) {
  block_plan *plan = malloc(sizeof *plan);
  if (plan == NULL) return CTK_CODER_NO_MEMORY;
  int status = CTK_CODER_NO_MEMORY;
  block_grid grid = grid_of(&input->run, input->width);
  size_t capacity = most_words(input, &grid);
  uint32_t *words = scratch_reserve(&encoder->words, capacity * sizeof *words);
  if (words != NULL && plan_lines(&encoder->lines, input, &plan->lines) && plan_positions(encoder, input, plan) &&
      plan_values(encoder, input, plan)) {
    plan->lanes_log = lanes_log_for(
        plan->index_bits + plan->value_bits,
        plan->index_form == INDEX_GRID ? encoder->grid_plan.decisions : 0);
    write_head(encoder, input, plan);
    rans_encoder rans;
    rans_start(&rans, 1u << plan->lanes_log, words + capacity);
    put_all(encoder, input, plan, &rans);
    size_t word_count = (size_t)(words + capacity - rans.next);
    coder_buffer *output = &encoder->output;
    if (buffer_reserve(output, 8 * (size_t)rans.lanes + 4 * word_count)) {
      uint8_t *next = output->bytes + output->count;
      for (unsigned lane = 0; lane < rans.lanes; lane++, next += 8) {
        store_u32(next, (uint32_t)rans.state[lane]);
        store_u32(next + 4, (uint32_t)(rans.state[lane] >> 32));
      }
      for (size_t i = 0; i < word_count; i++, next += 4) store_u32(next, rans.next[i]);
      output->count = (size_t)(next - output->bytes);
      *bytes = output->bytes;
      *count = output->count;
      status = CTK_CODER_OK;
    }
  }
  free(plan);
  return status;
}
