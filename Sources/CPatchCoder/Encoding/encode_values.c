// Words of values: a symbol each, then raw bits in up to three pieces (formats/context.md
// section 9).

#include "coder_rounding.h"
#include "coder_shared.h"
#include "encoder_words.h"

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

static void put_items(rans_encoder *encoder, const value_source *source) {
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

void put_values(const ctk_encoder *encoder, const ctk_encoder_input *input,
                const block_plan *plan, rans_encoder *rans) {
  value_source source = values_of(encoder, input, plan);
  if (plan->value_form == VALUES_SHARED) put_shared(rans, &encoder->real_plan);
  put_items(rans, &source);
}
