// Values that were rounded (formats/context.md section 9.4).

#include "coder_rounding.h"
#include "decoder_cells.h"
#include "decoder_grid.h"
#include "decoder_lanes.h"

typedef struct {
  const value_context *values;
  number_grid grid;
} rounded_context;

// One unit, from its change and its lane's raw bits.
static uint32_t take_rounded(rans_decoder *decoder, unsigned lane,
                             const rounded_context *context, uint32_t source_bits,
                             int64_t change) {
  int is_target = context->values->is_target, is_exact = 1;
  int64_t source = grid_number(&context->grid, source_bits);
  int64_t target = is_target ? source : truncated(sum_of(source, change));
  origin_range origins = origins_of(target, change);
  uint64_t which = 0;
  if (origins.bits > 0) which = rans_take_bits(decoder, lane, origins.bits);
  int64_t origin = sum_of(origins.first, (int64_t)(which << origins.shift));
  // One side is given; the other, made from it, has to lead back to it.
  if (is_target ? truncated(sum_of(origin, change)) != target : origin != source) is_exact = 0;
  uint32_t difference = grid_difference(&context->grid, source_bits, is_target,
                                        is_target ? origin : target, &is_exact);
  if (!is_exact) decoder->failed = 1;
  return difference;
}

static inline int64_t change_of(const value_context *values, uint32_t position,
                                uint64_t number) {
  if (values->head->value_form == VALUES_SHORT) return short_change(number);
  const decoder_lines *lines = values->lines;
  uint32_t row = (lines->grid.phase + position) / lines->grid.width;
  return stepped_change(number, step_of_code(lines->steps[row]));
}

void decode_rounded(rans_decoder *decoder, const value_context *values,
                    uint32_t *differences) {
  const block_head *head = values->head;
  const decoder_lines *lines = values->lines;
  rounded_context context = {values, number_grid_of(head->grid)};
  int is_short = head->value_form == VALUES_SHORT;
  unsigned escape = is_short ? SHORT_ESCAPE : REAL_ESCAPE;
  unsigned symbol[RANS_MOST_LANES];
  uint64_t number[RANS_MOST_LANES];
  for (uint32_t first = 0; first < head->count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, head->count - first);
    for (uint32_t lane = 0; lane < step; lane++) {
      symbol[lane] = take_symbol(decoder, lane, table_for(head, lines, first + lane));
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      unsigned bits = symbol[lane] == escape ? 16
                      : is_short             ? SHORT_LOW_BITS
                                             : bucket_bits(symbol[lane]);
      uint64_t low = bits > 0 ? rans_take_bits(decoder, lane, bits) : 0;
      number[lane] = symbol[lane] == escape ? low
                     : is_short ? (uint64_t)symbol[lane] << SHORT_LOW_BITS | low
                                : bucket_first(symbol[lane]) + low;
    }
    for (uint32_t lane = 0; lane < step; lane++) {
      uint32_t item = first + lane;
      if (symbol[lane] == escape) {
        differences[item] = take_escape(decoder, lane, number[lane]);
        continue;
      }
      uint32_t position = position_of(lines, item);
      differences[item] = take_rounded(decoder, lane, &context,
                                       load_u32(values->source + 4 * (size_t)position),
                                       change_of(values, position, number[lane]));
    }
  }
}
