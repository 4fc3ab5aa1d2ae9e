// Products of f32 matrices by AVX-512: tiles of 14 by 32 sums stay in registers.
//
// The left operand is read where it lies, by rows or by columns, and so are contiguous rows of
// the right one. Where the columns of the right one are contiguous instead, a block that the
// second-level cache holds is packed by panels of 32 columns. Operands and results of training
// come from far away, so all that is read or written next is fetched ahead.
#include "ctk_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TILE_ROWS 14
#define PANEL 32
#define VECTOR 16
// Most of the depth in one block.
#define BLOCK_DEPTH 512
// Rows between the one that is packed and the one that is fetched, and steps of the depth
// between the one that is multiplied and the one that is fetched.
#define ROWS_AHEAD 16
#define STEPS_AHEAD 8

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)

#include "ctk_transpose.h"

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

static inline ptrdiff_t at_most(ptrdiff_t count, ptrdiff_t limit) {
  return count < limit ? count : limit;
}

// Bits of the lanes below `count`.
static inline __mmask16 lanes(ptrdiff_t count) {
  return count >= VECTOR ? 0xffff : count > 0 ? (__mmask16)((1u << count) - 1) : 0;
}

static inline void fetch(const float *address) { __builtin_prefetch(address, 0, 3); }
static inline void fetch_to_write(const float *address) { __builtin_prefetch(address, 1, 3); }

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

// Rows that lie whole pages apart have their lines in a few sets of a cache.
static inline int is_read_well(ctk_operand right) {
  return right.column == 1 && right.row % CTK_PRODUCT_ALIASING != 0;
}

static void pack_block(ctk_operand right, ptrdiff_t depth, ptrdiff_t columns, float *packed) {
  for (ptrdiff_t j = 0; j < columns; j += PANEL, packed += depth * PANEL)
    if (right.column == 1)
      pack_rows(right.base + j, right.row, depth, at_most(columns - j, PANEL), packed);
    else
      pack_columns(right.base + j * right.column, right.column, depth,
                   at_most(columns - j, PANEL), packed);
}

// All rows times one block, whose panels are `panel` floats apart.
static void multiply_block(ctk_operand left, ptrdiff_t rows, const float *right,
                           ptrdiff_t right_row, ptrdiff_t panel, ptrdiff_t depth,
                           ptrdiff_t columns, const float *start, ptrdiff_t start_stride,
                           float *result, ptrdiff_t stride) {
  ptrdiff_t strips = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (ptrdiff_t s = 0; s < strips; s++) {
    // Strips of nearly the same height, because a low tile waits for its sums.
    ptrdiff_t first = s * rows / strips, height = (s + 1) * rows / strips - first;
    for (ptrdiff_t j = 0; j < columns; j += PANEL) {
      float *target = result + first * stride + j;
      product_tile tile = {.left = left.base + first * left.row,
                           .row = left.row,
                           .step = left.column,
                           .right = right + j / PANEL * panel,
                           .right_row = right_row,
                           .depth = depth,
                           .start = start ? start + first * start_stride + j : 0,
                           .start_stride = start_stride,
                           .result = target,
                           .stride = stride,
                           .columns = at_most(columns - j, PANEL),
                           .next = j + PANEL < columns ? target + PANEL
                                                       : result + (first + height) * stride};
      tiles[height][tile.columns > VECTOR](&tile);
    }
  }
}

void ctk_product_avx512(ctk_operand left, ctk_operand right, ptrdiff_t rows, ptrdiff_t columns,
                        ptrdiff_t depth, const float *start, ptrdiff_t start_stride,
                        float *result, ptrdiff_t stride, float *scratch) {
  ptrdiff_t blocks = (depth + BLOCK_DEPTH - 1) / BLOCK_DEPTH;
  ptrdiff_t deepest = (depth + blocks - 1) / blocks;
  ptrdiff_t panels = (columns + PANEL - 1) / PANEL;
  ptrdiff_t most = CTK_PRODUCT_SCRATCH / (deepest * PANEL);
  ptrdiff_t groups = (panels + most - 1) / most;
  for (ptrdiff_t g = 0; g < groups; g++) {
    ptrdiff_t j = g * panels / groups * PANEL;
    ptrdiff_t width = at_most(columns, (g + 1) * panels / groups * PANEL) - j;
    for (ptrdiff_t b = 0; b < blocks; b++) {
      ptrdiff_t k = b * depth / blocks, length = (b + 1) * depth / blocks - k;
      ctk_operand left_part = {left.base + k * left.column, left.row, left.column};
      ctk_operand right_part = {right.base + k * right.row + j * right.column, right.row,
                                right.column};
      const float *sums = b ? result + j : start ? start + j : 0;
      ptrdiff_t sums_stride = b ? stride : start_stride;
      if (is_read_well(right)) {
        multiply_block(left_part, rows, right_part.base, right.row, PANEL, length, width, sums,
                       sums_stride, result + j, stride);
      } else {
        pack_block(right_part, length, width, scratch);
        multiply_block(left_part, rows, scratch, PANEL, length * PANEL, length, width, sums,
                       sums_stride, result + j, stride);
      }
    }
  }
}

#pragma clang attribute pop
#endif
