// The right operand of a product in panels of 32 columns, each step of the depth after the other.
// Included after ctk_product_tile.h.

// Rows between the one that is packed and the one that is fetched.
#define ROWS_AHEAD 16

// One panel of an operand whose rows are contiguous.
static void pack_rows(const float *right, ptrdiff_t row, ptrdiff_t depth, ptrdiff_t columns,
                      float *panel) {
  for (ptrdiff_t k = 0; k < depth; k++, right += row, panel += PANEL)
    for (ptrdiff_t j = 0; j < columns; j += VECTOR) {
      fetch(right + ROWS_AHEAD * row + j);
      _mm512_store_ps(panel + j, _mm512_maskz_loadu_ps(lanes(columns - j), right + j));
    }
}

// One panel of an operand whose columns are contiguous.
static void pack_columns(const float *right, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t columns,
                         float *panel) {
  for (ptrdiff_t j = 0; j < columns; j += VECTOR)
    for (ptrdiff_t k = 0; k < depth; k += VECTOR) {
      __m512i block[VECTOR];
      for (ptrdiff_t lane = 0; lane < VECTOR; lane++) {
        const float *source = right + (j + lane) * column + k;
        fetch(source + ROWS_AHEAD * column);
        block[lane] = j + lane < columns ? _mm512_maskz_loadu_epi32(lanes(depth - k), source)
                                         : _mm512_setzero_si512();
      }
      transpose(block);
      ptrdiff_t count = at_most(depth - k, VECTOR);
      for (ptrdiff_t i = 0; i < count; i++)
        _mm512_store_si512(panel + (k + i) * PANEL + j, block[i]);
    }
}

static void pack_block(ctk_operand right, ptrdiff_t depth, ptrdiff_t columns, float *packed) {
  for (ptrdiff_t j = 0; j < columns; j += PANEL, packed += depth * PANEL)
    if (right.column == 1)
      pack_rows(right.base + j, right.row, depth, at_most(columns - j, PANEL), packed);
    else
      pack_columns(right.base + j * right.column, right.column, depth,
                   at_most(columns - j, PANEL), packed);
}
