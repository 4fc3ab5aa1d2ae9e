// Values as real numbers (formats/context.md section 9.3).

#include "decoder_grid.h"
#include "decoder_lanes.h"

typedef struct {
  const value_context *values;
  number_grid grid;
} real_context;

// What is predicted for a unit, in cells.
static inline int64_t predicted(const value_context *values, uint32_t position) {
  unsigned factors = values->head->factors;
  if (factors == 0) return 0;
  const decoder_lines *lines = values->lines;
  uint32_t place = lines->grid.phase + position;
  uint32_t row = place / lines->grid.width;
  size_t column = (size_t)lines->grid.rows + place - row * lines->grid.width;
  const int32_t *u = lines->factors + (size_t)row * factors;
  const int32_t *v = lines->factors + column * factors;
  int64_t sum = 0;
  for (unsigned k = 0; k < factors; k++) {
    sum += factor_product(u[k], v[k], values->head->factor_shift[k]);
  }
  return sum;
}

// The side at hand as an integer, negated when it is the target, so that the other
// side is always reached by adding.
static inline int64_t source_number(const real_context *context, uint32_t bits) {
  int64_t number = grid_number(&context->grid, bits);
  return context->values->is_target ? -number : number;
}

// One unit, from the cell of its change and its lane's raw bits.
static uint32_t take_real(rans_decoder *decoder, unsigned lane, const real_context *context,
                          uint32_t source_bits, int64_t cell) {
  unsigned cell_bits = context->values->head->cell_bits;
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
  if (context->values->is_target) target = (int64_t)(0 - (uint64_t)target);
  uint32_t result = ordered_f32(float_of_number(&context->grid, target, &is_exact));
  if (!is_exact) decoder->failed = 1;
  uint32_t origin = ordered_f32(source_bits);
  return context->values->is_target ? origin - result : result - origin;
}

void decode_real(rans_decoder *decoder, const value_context *values, uint32_t *differences) {
  const block_head *head = values->head;
  const decoder_lines *lines = values->lines;
  real_context context = {values, number_grid_of(head->grid)};
  unsigned bucket[RANS_MOST_LANES];
  uint64_t number[RANS_MOST_LANES];
  for (uint32_t first = 0; first < head->count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, head->count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      bucket[lane] = take_symbol(decoder, lane, table_for(head, lines, first + lane));
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
      uint32_t position = position_of(lines, item);
      int64_t cell = from_zigzag(number[lane]) + predicted(values, position);
      differences[item] = take_real(decoder, lane, &context,
                                    load_u32(values->source + 4 * (size_t)position), cell);
    }
  }
}
