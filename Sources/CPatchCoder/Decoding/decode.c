// Decoding of blocks.

#include <stdlib.h>

#include "decoder_lanes.h"

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

static int decode_positions(rans_decoder *decoder, const block_head *head,
                            const ctk_decoder_input *input, uint32_t *positions) {
  int status = CTK_CODER_OK;
  switch (head->index_form) {
    case INDEX_GAPS: status = decode_gaps(decoder, head, &input->run, positions); break;
    case INDEX_GRID: status = decode_grid(decoder, head, &input->run, positions); break;
    case INDEX_DENSITY: status = decode_density(decoder, head, &input->run, positions); break;
    case INDEX_MASK:
      if (input->mask == NULL) return CTK_CODER_NEEDS_MASK;
      if (input->mask_count != head->count) return CTK_CODER_WRONG_MASK;
      for (uint32_t i = 0; i < head->count; i++) positions[i] = input->mask[i];
      break;
    default: break;
  }
  return status == CTK_CODER_OK && decoder->failed ? CTK_CODER_DAMAGED : status;
}

static int decode_values(rans_decoder *decoder, const block_head *head,
                         const ctk_decoder_input *input, const uint32_t *positions,
                         void *differences) {
  if (head->value_form == VALUES_NONE) return CTK_CODER_DAMAGED;
  if (needs_source(head) && input->source == NULL) return CTK_CODER_NEEDS_SOURCE;
  decoder_lines lines = {
      .grid = grid_of(&input->run, head->width),
      .positions = head->index_form == INDEX_ALL ? NULL : positions,
      .count = head->count,
  };
  int status = CTK_CODER_NO_MEMORY;
  if (lines_find(head, &lines)) {
    status = CTK_CODER_OK;
    lines_decode(decoder, head, &lines);
    value_context context = {head, &lines, input->source, input->is_target,
                             input->run.unit_bytes};
    switch (head->value_form) {
      case VALUES_ORDERED: decode_ordered(decoder, &context, differences); break;
      case VALUES_TOP: decode_top(decoder, &context, differences); break;
      case VALUES_REAL: decode_real(decoder, &context, differences); break;
      case VALUES_SHARED:
        if (!decode_shared(decoder, &context, differences)) status = CTK_CODER_NO_MEMORY;
        break;
      default: decode_rounded(decoder, &context, differences); break;
    }
  }
  lines_free(&lines);
  return status;
}

static int decode(const block_head *head, const ctk_decoder_input *input, uint32_t *positions,
                  void *differences, size_t *index_words) {
  rans_decoder decoder;
  if (!start_decoder(&decoder, head, input->bytes + input->byte_count)) {
    return CTK_CODER_DAMAGED;
  }
  const uint8_t *words = decoder.next;
  int status = decode_positions(&decoder, head, input, positions);
  if (index_words != NULL) *index_words = (size_t)(decoder.next - words) / 4;
  if (status != CTK_CODER_OK) return status;
  if (differences == NULL) {
    if (head->value_form == VALUES_NONE && !rans_is_finished(&decoder)) return CTK_CODER_DAMAGED;
    return CTK_CODER_OK;
  }
  status = decode_values(&decoder, head, input, positions, differences);
  if (status != CTK_CODER_OK) return status;
  return rans_is_finished(&decoder) ? CTK_CODER_OK : CTK_CODER_DAMAGED;
}

int ctk_block_decode(const ctk_decoder_input *input, uint32_t *positions, void *differences,
                     size_t *index_words) {
  block_head *head = malloc(sizeof *head);
  if (head == NULL) return CTK_CODER_NO_MEMORY;
  int status = block_head_read(input->bytes, input->byte_count, &input->run, head);
  if (status == CTK_CODER_OK) status = decode(head, input, positions, differences, index_words);
  free(head);
  return status;
}
