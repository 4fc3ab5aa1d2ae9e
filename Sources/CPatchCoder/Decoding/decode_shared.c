// Values as real numbers whose last bits are told once (formats/context.md section 9.5).

#include <stdlib.h>

#include "coder_shared.h"
#include "decoder_cells.h"
#include "decoder_grid.h"

// A number of the other side that lacks its own last bits.
typedef struct {
  int64_t number;
  uint32_t item;
  uint8_t shift;
  uint8_t count;
} partial_number;

typedef struct {
  const value_context *values;
  number_grid grid;
  uint32_t *differences;
  // The own last bits of the side at hand.
  uint64_t *bits;
  size_t bit_count;
  // Those that the other side lacks.
  partial_number *partial;
  uint32_t partials;
  size_t lacking;
} shared_context;

static inline uint32_t source_at(const value_context *values, uint32_t item) {
  return load_u32(values->source + 4 * (size_t)position_of(values->lines, item));
}

// Writes the difference that leads to or from the number.
static inline void settle(rans_decoder *decoder, const shared_context *context, uint32_t item,
                          uint32_t source_bits, int64_t number) {
  int is_exact = 1;
  context->differences[item] = grid_difference(
      &context->grid, source_bits, context->values->is_target, number, &is_exact);
  if (!is_exact) decoder->failed = 1;
}

// One unit, from the distance of both sides' cells and its lane's raw bits.
static inline void take_shared(rans_decoder *decoder, unsigned lane, shared_context *context,
                               uint32_t item, uint64_t distance) {
  const value_context *values = context->values;
  unsigned cell_bits = values->head->cell_bits;
  uint32_t source_bits = source_at(values, item);
  int64_t own = grid_number(&context->grid, source_bits);
  int64_t own_cell = own >> cell_bits;
  int64_t cell = (int64_t)((uint64_t)own_cell + (values->is_target ? 0 - distance : distance));
  unsigned own_lowest = lowest_of_cell(own_cell, cell_bits);
  unsigned lowest = lowest_of_cell(cell, cell_bits);
  unsigned shared = own_lowest > lowest ? own_lowest : lowest;
  uint32_t own_low = (uint32_t)own & low_mask(cell_bits);
  uint32_t low = own_low >> shared ^ rans_take_bits(decoder, lane, cell_bits - shared);
  int64_t number = (int64_t)((uint64_t)cell << cell_bits | (uint64_t)low << shared);

  flip_bits(context->bits, context->bit_count, (own_low & low_mask(shared)) >> own_lowest);
  context->bit_count += shared - own_lowest;
  unsigned lacks = shared - lowest;
  context->partial[context->partials] =
      (partial_number){number, item, (uint8_t)lowest, (uint8_t)lacks};
  context->partials += lacks > 0;
  context->lacking += lacks;
  settle(decoder, context, item, source_bits, number);
}

// Turns the own last bits of the side at hand into those of the other.
static void take_pieces(rans_decoder *decoder, const shared_context *context) {
  size_t bits = context->bit_count > context->lacking ? context->bit_count : context->lacking;
  uint32_t pieces = shared_pieces(bits);
  for (uint32_t i = 0; i < pieces; i++) {
    uint32_t piece =
        rans_take_bits(decoder, i & (decoder->lanes - 1), shared_piece_bits(bits, i));
    flip_bits(context->bits, (size_t)i * RANS_PIECE_BITS, piece);
  }
  for (size_t at = context->lacking; at < bits; at++) {
    if (bits_at(context->bits, at, 1) != 0) decoder->failed = 1;
  }
}

static void complete(rans_decoder *decoder, const shared_context *context) {
  size_t at = 0;
  for (uint32_t i = 0; i < context->partials; i++) {
    const partial_number *partial = &context->partial[i];
    uint64_t low = bits_at(context->bits, at, partial->count);
    at += partial->count;
    settle(decoder, context, partial->item, source_at(context->values, partial->item),
           (int64_t)((uint64_t)partial->number | low << partial->shift));
  }
}

static void decode_items(rans_decoder *decoder, shared_context *context) {
  const value_context *values = context->values;
  uint32_t count = values->head->count;
  step_cells cells;
  for (uint32_t first = 0; first < count; first += decoder->lanes) {
    uint32_t step = smaller(decoder->lanes, count - first);
    take_cells(decoder, values, first, step, &cells);
    for (uint32_t lane = 0; lane < step; lane++) {
      uint32_t item = first + lane;
      if (cells.bucket[lane] == REAL_ESCAPE) {
        context->differences[item] = take_escape(decoder, lane, cells.number[lane]);
        continue;
      }
      int64_t distance = from_zigzag(cells.number[lane]) +
                         predicted(values, position_of(values->lines, item));
      take_shared(decoder, lane, context, item, (uint64_t)distance);
    }
  }
  take_pieces(decoder, context);
  complete(decoder, context);
}

int decode_shared(rans_decoder *decoder, const value_context *values, uint32_t *differences) {
  uint32_t count = values->head->count;
  // Pages that stay unused take no memory.
  shared_context context = {
      .values = values,
      .grid = number_grid_of(values->head->grid),
      .differences = differences,
      .bits = calloc(shared_words(count), sizeof *context.bits),
      .partial = malloc(count * sizeof *context.partial),
  };
  int has_memory = context.bits != NULL && context.partial != NULL;
  if (has_memory) decode_items(decoder, &context);
  free(context.bits);
  free(context.partial);
  return has_memory;
}
