// Decoding of blocks. Every section runs in steps over all lanes; within a step,
// every kind of reading visits the lanes in order.

#include <stdlib.h>
#include <string.h>

#include "block_head.h"
#include "coder_rans.h"

// Symbols and numbers

static inline unsigned take_symbol(rans_decoder *decoder, unsigned lane,
                                   const decoder_table *table) {
  uint64_t state = decoder->state[lane];
  uint32_t slot = (uint32_t)state & (TABLE_TOTAL - 1);
  unsigned i = table->symbol[slot];
  state = (state >> TABLE_SCALE) * table->table.frequency[i] + slot - table->table.start[i];
  decoder->state[lane] = rans_refilled(decoder, state);
  return table->table.first + i;
}

static void take_symbols(rans_decoder *decoder, const decoder_table *table, uint32_t count,
                         uint8_t *symbols) {
  for (uint32_t i = 0; i < count; i++) {
    symbols[i] = (uint8_t)take_symbol(decoder, i & (decoder->lanes - 1), table);
  }
}

// Receives the numbers of one step.
typedef void (*number_sink)(void *context, uint32_t first, const uint64_t *numbers,
                            uint32_t count);

// Numbers as a bucket and up to `pieces` raw pieces.
static void take_numbers(rans_decoder *decoder, const decoder_table *table, unsigned pieces,
                         uint32_t count, number_sink sink, void *context) {
  uint64_t numbers[RANS_MOST_LANES];
  uint8_t bits[RANS_MOST_LANES];
  for (uint32_t first = 0; first < count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      unsigned bucket = take_symbol(decoder, lane, table);
      numbers[lane] = bucket_first(bucket);
      bits[lane] = (uint8_t)bucket_bits(bucket);
    }
    for (unsigned piece = 0; piece < pieces; piece++) {
      unsigned done = piece * RANS_PIECE_BITS;
      for (uint32_t lane = 0; lane < step; lane++) {
        if (bits[lane] <= done) continue;
        unsigned now = smaller(bits[lane] - done, RANS_PIECE_BITS);
        numbers[lane] += (uint64_t)rans_take_bits(decoder, lane, now) << done;
      }
    }
    sink(context, first, numbers, step);
  }
}

// Positions

typedef struct {
  uint32_t *positions;
  uint64_t next;
  uint32_t units;
  int failed;
} gap_sink;

static void accept_gaps(void *context, uint32_t first, const uint64_t *gaps, uint32_t count) {
  gap_sink *sink = context;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t position = sink->next + gaps[i];
    if (position >= sink->units) {
      sink->failed = 1;
      position = 0;
    }
    sink->positions[first + i] = (uint32_t)position;
    sink->next = position + 1;
  }
}

static int take_gaps(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                     uint32_t *positions) {
  gap_sink sink = {positions, 0, run->units, 0};
  take_numbers(decoder, &head->gaps, 1, head->count, accept_gaps, &sink);
  return sink.failed ? CTK_CODER_DAMAGED : CTK_CODER_OK;
}

typedef struct {
  uint32_t probability[RANS_MOST_LANES];
  uint32_t position[RANS_MOST_LANES];
  unsigned waiting;
  uint32_t *positions;
  uint32_t found;
  uint32_t limit;
} decision_sink;

static void take_decisions(rans_decoder *decoder, decision_sink *sink) {
  for (unsigned lane = 0; lane < sink->waiting; lane++) {
    uint64_t state = decoder->state[lane];
    uint32_t slot = (uint32_t)state & ((1u << ODDS_SCALE) - 1);
    uint32_t one = sink->probability[lane];
    uint32_t zero = (1u << ODDS_SCALE) - one;
    uint32_t is_set = slot >= zero;
    uint32_t frequency = is_set ? one : zero;
    state = (state >> ODDS_SCALE) * frequency + slot - (is_set ? zero : 0);
    decoder->state[lane] = rans_refilled(decoder, state);
    // One entry more than the limit is there to be overwritten.
    sink->positions[sink->found < sink->limit ? sink->found : sink->limit] = sink->position[lane];
    sink->found += is_set;
  }
  sink->waiting = 0;
}

// A column that holds coded units.
typedef struct {
  uint32_t column;
  uint32_t level;
} active_column;

static int take_grid(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                     uint32_t *positions) {
  block_grid grid = grid_of(run, head->width);
  uint8_t *classes = malloc((size_t)grid.rows + grid.width);
  active_column *columns = malloc(grid.width * sizeof *columns);
  uint32_t *found = malloc(((size_t)head->count + 1) * sizeof *found);
  int status = CTK_CODER_NO_MEMORY;
  if (classes != NULL && columns != NULL && found != NULL) {
    uint8_t *column_classes = classes + grid.rows;
    take_symbols(decoder, &head->row_classes, grid.rows, classes);
    take_symbols(decoder, &head->column_classes, grid.width, column_classes);
    uint32_t active = 0;
    for (uint32_t column = 0; column < grid.width; column++) {
      if (column_classes[column] == 0) continue;
      columns[active++] = (active_column){column, column_classes[column] - 1u};
    }
    decision_sink sink = {.positions = found, .limit = head->count};
    for (uint32_t row = 0; row < grid.rows; row++) {
      if (classes[row] == 0) continue;
      const uint32_t *level = head->level_probability + (classes[row] - 1);
      int64_t origin = (int64_t)row * grid.width - grid.phase;
      for (uint32_t i = 0; i < active; i++) {
        int64_t position = origin + columns[i].column;
        if (position < 0 || position >= run->units) continue;
        sink.position[sink.waiting] = (uint32_t)position;
        sink.probability[sink.waiting++] = level[columns[i].level];
        if (sink.waiting == decoder->lanes) take_decisions(decoder, &sink);
      }
    }
    take_decisions(decoder, &sink);
    status = sink.found == head->count ? CTK_CODER_OK : CTK_CODER_DAMAGED;
    if (status == CTK_CODER_OK) memcpy(positions, found, head->count * sizeof *found);
  }
  free(classes);
  free(columns);
  free(found);
  return status;
}

// Lines: rows and columns that hold coded units

typedef struct {
  block_grid grid;
  const uint32_t *positions;
  uint32_t count;
  // Whether a row or, after all rows, a column holds a coded unit.
  uint8_t *is_active;
  // Room for the active lines of either kind.
  uint32_t *active;
  // Class of each row, then of each column.
  uint8_t *scales;
  // The factors of each row, then of each column.
  int32_t *factors;
} block_lines;

static inline uint32_t position_of(const block_lines *lines, uint32_t item) {
  return lines->positions == NULL ? item : lines->positions[item];
}

static void free_lines(block_lines *lines) {
  free(lines->is_active);
  free(lines->active);
  free(lines->scales);
  free(lines->factors);
}

static int find_lines(const block_head *head, block_lines *lines) {
  size_t rows = lines->grid.rows, columns = lines->grid.width;
  if (head->contexts < 2 && head->factors == 0) return 1;
  lines->is_active = calloc(rows + columns, 1);
  lines->active = malloc((rows > columns ? rows : columns) * sizeof *lines->active);
  lines->scales = calloc(rows + columns, 1);
  lines->factors = calloc((rows + columns) * head->factors + 1, sizeof *lines->factors);
  if (lines->is_active == NULL || lines->active == NULL || lines->scales == NULL ||
      lines->factors == NULL) {
    return 0;
  }
  for (uint32_t i = 0; i < lines->count; i++) {
    uint32_t place = lines->grid.phase + position_of(lines, i);
    uint32_t row = place / lines->grid.width;
    lines->is_active[row] = 1;
    lines->is_active[rows + place - row * lines->grid.width] = 1;
  }
  return 1;
}

// Lists the active lines of `size` from line `first` on.
static uint32_t list_active(block_lines *lines, size_t first, uint32_t size) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (lines->is_active[first + i]) lines->active[count++] = (uint32_t)first + i;
  }
  return count;
}

static void take_scales(rans_decoder *decoder, const decoder_table *table, block_lines *lines,
                        uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    lines->scales[lines->active[i]] =
        (uint8_t)take_symbol(decoder, i & (decoder->lanes - 1), table);
  }
}

typedef struct {
  block_lines *lines;
  unsigned factors;
  unsigned factor;
} factor_sink;

static void accept_factors(void *context, uint32_t first, const uint64_t *numbers,
                           uint32_t count) {
  factor_sink *sink = context;
  for (uint32_t i = 0; i < count; i++) {
    size_t line = sink->lines->active[first + i];
    sink->lines->factors[line * sink->factors + sink->factor] = (int32_t)from_zigzag(numbers[i]);
  }
}

static void take_factors(rans_decoder *decoder, const decoder_table *table, unsigned factors,
                         block_lines *lines, uint32_t count) {
  factor_sink sink = {lines, factors, 0};
  for (; sink.factor < factors; sink.factor++) {
    take_numbers(decoder, table, 1, count, accept_factors, &sink);
  }
}

static void take_lines(rans_decoder *decoder, const block_head *head, block_lines *lines) {
  size_t first[2] = {0, lines->grid.rows};
  uint32_t size[2] = {lines->grid.rows, lines->grid.width};
  const decoder_table *scales[2] = {&head->row_scales, &head->column_scales};
  const decoder_table *factors[2] = {&head->row_factors, &head->column_factors};
  for (unsigned kind = 0; kind < 2; kind++) {
    if (head->contexts < 2 && head->factors == 0) return;
    uint32_t count = list_active(lines, first[kind], size[kind]);
    if (head->contexts > 1) take_scales(decoder, scales[kind], lines, count);
    take_factors(decoder, factors[kind], head->factors, lines, count);
  }
}

static inline const decoder_table *table_for(const block_head *head, const block_lines *lines,
                                             uint32_t item) {
  if (head->contexts < 2) return &head->values[0];
  uint32_t place = lines->grid.phase + position_of(lines, item);
  uint32_t row = place / lines->grid.width;
  unsigned context =
      context_of(lines->scales[row],
                 lines->scales[lines->grid.rows + place - row * lines->grid.width],
                 head->context_offset, head->contexts);
  return &head->values[context];
}

// Values that need nothing but themselves

static void take_ordered(rans_decoder *decoder, const block_head *head,
                         const block_lines *lines, unsigned bytes, void *differences) {
  uint64_t numbers[RANS_MOST_LANES];
  uint8_t bits[RANS_MOST_LANES];
  for (uint32_t first = 0; first < head->count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, head->count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      unsigned bucket = take_symbol(decoder, lane, table_for(head, lines, first + lane));
      numbers[lane] = bucket_first(bucket);
      bits[lane] = (uint8_t)bucket_bits(bucket);
    }
    for (unsigned done = 0; done + 3 < 8 * bytes; done += RANS_PIECE_BITS) {
      for (uint32_t lane = 0; lane < step; lane++) {
        if (bits[lane] <= done) continue;
        unsigned now = smaller(bits[lane] - done, RANS_PIECE_BITS);
        numbers[lane] += (uint64_t)rans_take_bits(decoder, lane, now) << done;
      }
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      store_word(differences, first + lane, bytes, word_of_zigzag(numbers[lane]));
    }
  }
}

static void take_top(rans_decoder *decoder, const block_head *head, const block_lines *lines,
                     unsigned bytes, void *differences) {
  unsigned low_bits = 8 * bytes - 8;
  uint64_t numbers[RANS_MOST_LANES];
  for (uint32_t first = 0; first < head->count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, head->count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      const decoder_table *table = table_for(head, lines, first + lane);
      numbers[lane] = (uint64_t)take_symbol(decoder, lane, table) << low_bits;
    }
    for (unsigned done = 0; done < low_bits; done += RANS_PIECE_BITS) {
      unsigned now = smaller(low_bits - done, RANS_PIECE_BITS);
      for (uint32_t lane = 0; lane < step; lane++) {
        numbers[lane] |= (uint64_t)rans_take_bits(decoder, lane, now) << done;
      }
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      store_word(differences, first + lane, bytes, word_of_zigzag(numbers[lane]));
    }
  }
}

// Values as real numbers

typedef struct {
  const block_head *head;
  const block_lines *lines;
  const uint8_t *source;
  int is_target;
  double scale;
  double unit;
} real_context;

// What is predicted for a unit, in cells.
static inline int64_t predicted(const real_context *context, uint32_t position) {
  unsigned factors = context->head->factors;
  if (factors == 0) return 0;
  const block_lines *lines = context->lines;
  uint32_t place = lines->grid.phase + position;
  uint32_t row = place / lines->grid.width;
  size_t column = (size_t)lines->grid.rows + place - row * lines->grid.width;
  const int32_t *u = lines->factors + (size_t)row * factors;
  const int32_t *v = lines->factors + column * factors;
  int64_t sum = 0;
  for (unsigned k = 0; k < factors; k++) {
    sum += factor_product(u[k], v[k], context->head->factor_shift[k]);
  }
  return sum;
}

// The side at hand as an integer, negated when it is the target, so that the other
// side is always reached by adding.
static inline int64_t source_number(const real_context *context, uint32_t bits) {
  double number = (double)float_of_bits(bits) * context->scale;
  if (!(number > -0x1p53 && number < 0x1p53)) return 0;
  int64_t integer = (int64_t)number;
  return context->is_target ? -integer : integer;
}

// The float of a number of the grid; clears *is_exact when there is none.
static inline uint32_t result_bits(const real_context *context, int64_t number,
                                   int *is_exact) {
  if (context->is_target) number = (int64_t)(0 - (uint64_t)number);
  double value = (double)number * context->unit;
  float result = (float)value;
  if ((double)result != value || !(value > -0x1p53 * context->unit) ||
      !(value < 0x1p53 * context->unit)) {
    *is_exact = 0;
  }
  return bits_of_float(result);
}

// One unit, from the cell of its change and its lane's raw bits.
static uint32_t take_real(rans_decoder *decoder, unsigned lane, const real_context *context,
                          uint32_t source_bits, int64_t cell) {
  unsigned cell_bits = context->head->cell_bits;
  int64_t source = source_number(context, source_bits);
  unsigned known = smaller(cell_bits, lowest_bit((int64_t)(0 - (uint64_t)source), cell_bits));
  uint64_t state = decoder->state[lane];
  unsigned count = cell_bits - known;
  uint32_t piece = (uint32_t)state & (((uint32_t)1 << count) - 1);
  state >>= count;
  uint64_t change = ((uint64_t)cell << cell_bits) +
                    ((uint64_t)reversed_bits(piece, count) << known);
  int64_t target = (int64_t)((uint64_t)source + change);
  unsigned wanted = smaller(known, lowest_bit(target, cell_bits));
  count = known - wanted;
  piece = (uint32_t)state & (((uint32_t)1 << count) - 1);
  state >>= count;
  decoder->state[lane] = rans_refilled(decoder, state);
  target = (int64_t)((uint64_t)target + ((uint64_t)reversed_bits(piece, count) << wanted));
  int is_exact = 1;
  uint32_t result = ordered_f32(result_bits(context, target, &is_exact));
  if (!is_exact) decoder->failed = 1;
  uint32_t origin = ordered_f32(source_bits);
  return context->is_target ? origin - result : result - origin;
}

static void take_reals(rans_decoder *decoder, const real_context *context,
                       uint32_t *differences) {
  const block_head *head = context->head;
  unsigned bucket[RANS_MOST_LANES];
  uint64_t number[RANS_MOST_LANES];
  for (uint32_t first = 0; first < head->count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, head->count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      bucket[lane] =
          take_symbol(decoder, lane, table_for(head, context->lines, first + lane));
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      if (bucket[lane] == REAL_ESCAPE) {
        number[lane] = rans_take_bits(decoder, lane, 16);
        continue;
      }
      unsigned bits = bucket_bits(bucket[lane]);
      number[lane] = bucket_first(bucket[lane]);
      if (bits > 0) number[lane] += rans_take_bits(decoder, lane, bits);
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      uint32_t item = first + lane;
      if (bucket[lane] == REAL_ESCAPE) {
        number[lane] |= rans_take_bits(decoder, lane, 16) << 16;
        differences[item] = (uint32_t)word_of_zigzag(number[lane]);
        continue;
      }
      uint32_t position = position_of(context->lines, item);
      int64_t cell = from_zigzag(number[lane]) + predicted(context, position);
      differences[item] =
          take_real(decoder, lane, context, load_u32(context->source + 4 * (size_t)position), cell);
    }
  }
}

static double power_of_two(int exponent) {
  double value = 1;
  for (; exponent > 0; exponent--) value *= 2;
  for (; exponent < 0; exponent++) value /= 2;
  return value;
}

static int take_values(rans_decoder *decoder, const block_head *head,
                       const ctk_coder_run *run, const uint8_t *source, int is_target,
                       const uint32_t *positions, void *differences) {
  block_lines lines = {
      .grid = grid_of(run, head->width),
      .positions = head->index_form == INDEX_ALL ? NULL : positions,
      .count = head->count,
  };
  int status = CTK_CODER_NO_MEMORY;
  if (find_lines(head, &lines)) {
    status = CTK_CODER_OK;
    take_lines(decoder, head, &lines);
    if (head->value_form == VALUES_ORDERED) {
      take_ordered(decoder, head, &lines, run->unit_bytes, differences);
    } else if (head->value_form == VALUES_TOP) {
      take_top(decoder, head, &lines, run->unit_bytes, differences);
    } else {
      real_context context = {.head = head,
                              .lines = &lines,
                              .source = source,
                              .is_target = is_target,
                              .scale = power_of_two(149 - (int)head->grid),
                              .unit = power_of_two((int)head->grid - 149)};
      take_reals(decoder, &context, differences);
    }
  }
  free_lines(&lines);
  return status;
}

// Blocks

static int start_decoder(rans_decoder *decoder, const block_head *head, const uint8_t *end) {
  decoder->lanes = head->lanes;
  decoder->next = head->states + 8 * (size_t)head->lanes;
  decoder->end = end;
  decoder->failed = 0;
  for (unsigned lane = 0; lane < head->lanes; lane++) {
    decoder->state[lane] = load_u64(head->states + 8 * (size_t)lane);
    if (decoder->state[lane] < RANS_FLOOR || decoder->state[lane] >> 63 != 0) return 0;
  }
  return 1;
}

static int decode(const block_head *head, const uint8_t *end, const ctk_coder_run *run,
                  const uint8_t *source, int is_target, uint32_t *positions,
                  void *differences, size_t *index_words) {
  rans_decoder decoder;
  if (!start_decoder(&decoder, head, end)) return CTK_CODER_DAMAGED;
  const uint8_t *words = decoder.next;
  int status = CTK_CODER_OK;
  if (head->index_form == INDEX_GAPS) status = take_gaps(&decoder, head, run, positions);
  if (head->index_form == INDEX_GRID) status = take_grid(&decoder, head, run, positions);
  if (index_words != NULL) *index_words = (size_t)(decoder.next - words) / 4;
  if (status != CTK_CODER_OK || decoder.failed) {
    return status == CTK_CODER_OK ? CTK_CODER_DAMAGED : status;
  }
  if (differences == NULL) {
    if (head->value_form == VALUES_NONE && !rans_is_finished(&decoder)) return CTK_CODER_DAMAGED;
    return CTK_CODER_OK;
  }
  if (head->value_form == VALUES_NONE) return CTK_CODER_DAMAGED;
  if (head->value_form == VALUES_REAL && source == NULL) return CTK_CODER_NEEDS_SOURCE;
  status = take_values(&decoder, head, run, source, is_target, positions, differences);
  if (status != CTK_CODER_OK) return status;
  return rans_is_finished(&decoder) ? CTK_CODER_OK : CTK_CODER_DAMAGED;
}

int ctk_block_decode(const uint8_t *bytes, size_t byte_count, const ctk_coder_run *run,
                     const uint8_t *source, int is_target, uint32_t *positions,
                     void *differences, size_t *index_words) {
  block_head *head = malloc(sizeof *head);
  if (head == NULL) return CTK_CODER_NO_MEMORY;
  int status = block_head_read(bytes, byte_count, run, head);
  if (status == CTK_CODER_OK) {
    status = decode(head, bytes + byte_count, run, source, is_target, positions, differences,
                    index_words);
  }
  free(head);
  return status;
}
