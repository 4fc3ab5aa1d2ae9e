// Values that need nothing but themselves (formats/context.md sections 9.1 and 9.2).

#include "decoder_lanes.h"

void decode_ordered(rans_decoder *decoder, const value_context *context, void *differences) {
  const block_head *head = context->head;
  const decoder_lines *lines = context->lines;
  unsigned bytes = context->unit_bytes;
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

void decode_top(rans_decoder *decoder, const value_context *context, void *differences) {
  const block_head *head = context->head;
  const decoder_lines *lines = context->lines;
  unsigned bytes = context->unit_bytes;
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
