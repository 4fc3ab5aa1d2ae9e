// Values as real numbers (formats/context.md section 9.3).

#include "decoder_cells.h"
#include "decoder_grid.h"

typedef struct {
  const value_context *values;
  number_grid grid;
} real_context;

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
  uint32_t difference = grid_difference(&context->grid, source_bits, context->values->is_target,
                                        target, &is_exact);
  if (!is_exact) decoder->failed = 1;
  return difference;
}

void decode_real(rans_decoder *decoder, const value_context *values, uint32_t *differences) {
  uint32_t count = values->head->count;
  real_context context = {values, number_grid_of(values->head->grid)};
  step_cells cells;
  for (uint32_t first = 0; first < count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, count - first);
    take_cells(decoder, values, first, step, &cells);
    for (uint32_t lane = 0; lane < step; lane++) {
      uint32_t item = first + lane;
      if (cells.bucket[lane] == REAL_ESCAPE) {
        differences[item] = take_escape(decoder, lane, cells.number[lane]);
        continue;
      }
      uint32_t position = position_of(values->lines, item);
      int64_t cell = from_zigzag(cells.number[lane]) + predicted(values, position);
      differences[item] = take_real(decoder, lane, &context,
                                    load_u32(values->source + 4 * (size_t)position), cell);
    }
  }
}
