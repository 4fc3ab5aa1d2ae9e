// Writing of a block's coded words.

#include "encoder_words.h"

void put_symbols(rans_encoder *encoder, const coder_table *table, const uint8_t *symbols,
                 uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    put_symbol(encoder, i & (encoder->lanes - 1), table, symbols[i]);
  }
}

void put_numbers(rans_encoder *encoder, const coder_table *table, unsigned pieces,
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

void encode_words(const ctk_encoder *encoder, const ctk_encoder_input *input,
                  const block_plan *plan, rans_encoder *rans) {
  if (plan->value_form != VALUES_NONE) {
    put_values(encoder, input, plan, rans);
    put_lines(encoder, input, plan, rans);
  }
  put_positions(encoder, input, plan, rans);
}
