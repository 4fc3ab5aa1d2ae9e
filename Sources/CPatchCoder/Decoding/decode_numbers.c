#include "decoder_lanes.h"

// Numbers as a bucket and up to `pieces` raw pieces.
void decode_numbers(rans_decoder *decoder, const decoder_table *table, unsigned pieces,
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
