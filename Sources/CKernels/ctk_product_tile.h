// Tiles of a product, whose sums stay in registers: 14 rows by 32 columns, or fewer at the edges.
// Included with AVX-512 as the target.

#define TILE_ROWS 14
#define PANEL CTK_PRODUCT_COLUMNS
#define VECTOR 16
// Steps of the depth between the one that is multiplied and the one that is fetched.
#define STEPS_AHEAD 16

// What one tile reads and writes.
typedef struct {
  // Entry (i, k) is left[i * row + k * step].
  const float *left;
  ptrdiff_t row, step;
  // Row k of the right operand is at right + k * right_row.
  const float *right;
  ptrdiff_t right_row;
  ptrdiff_t depth;
  // First sums of row i are at start + i * start_stride; null starts from zero.
  const float *start;
  ptrdiff_t start_stride;
  float *result;
  ptrdiff_t stride;
  ptrdiff_t columns;
  // Where the result of the next tile lies.
  const float *next;
} product_tile;

static inline __attribute__((always_inline)) void multiply_tile(const product_tile *tile,
                                                                int rows, int vectors) {
  __m512 sums[TILE_ROWS][PANEL / VECTOR];
  __mmask16 mask[PANEL / VECTOR];
  for (int j = 0; j < vectors; j++) mask[j] = lanes(tile->columns - VECTOR * j);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) {
      const float *start = tile->start + i * tile->start_stride + VECTOR * j;
      sums[i][j] = tile->start ? _mm512_maskz_loadu_ps(mask[j], start) : _mm512_setzero_ps();
      fetch_to_write(tile->next + i * tile->stride + VECTOR * j);
    }
  const float *left = tile->left, *right = tile->right;
  ptrdiff_t row = tile->row, step = tile->step, right_row = tile->right_row;
  for (ptrdiff_t k = 0; k < tile->depth; k++, left += step, right += right_row) {
    if (row == 1) {
      fetch(left + STEPS_AHEAD * step);
      fetch(left + STEPS_AHEAD * step + rows - 1);
    }
    __m512 vector[PANEL / VECTOR];
    for (int j = 0; j < vectors; j++) {
      vector[j] = _mm512_maskz_loadu_ps(mask[j], right + VECTOR * j);
      fetch(right + STEPS_AHEAD * right_row + VECTOR * j);
    }
    for (int i = 0; i < rows; i++) {
      __m512 factor = _mm512_set1_ps(left[i * row]);
      for (int j = 0; j < vectors; j++)
        sums[i][j] = _mm512_fmadd_ps(factor, vector[j], sums[i][j]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++)
      _mm512_mask_storeu_ps(tile->result + i * tile->stride + VECTOR * j, mask[j], sums[i][j]);
}

#define TILE(rows)                                                                          \
  static void narrow_tile_##rows(const product_tile *tile) { multiply_tile(tile, rows, 1); } \
  static void wide_tile_##rows(const product_tile *tile) { multiply_tile(tile, rows, 2); }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
#undef TILE

// By rows, then whether a panel has more than one vector.
static void (*const tiles[TILE_ROWS + 1][2])(const product_tile *) = {
#define TILE(rows) [rows] = {narrow_tile_##rows, wide_tile_##rows},
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
    TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
#undef TILE
};
