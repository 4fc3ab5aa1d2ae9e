// Products of bfloat16 by AVX512_BF16: one instruction multiplies and adds two
// neighbours of the depth, so operands are stored as pairs, one in each 32-bit word.
#include <string.h>

#include "ctk_bf16.h"
#include "ctk_counts.h"

#define PANEL CTK_BF16_COLUMNS
#define TILE_ROWS 8
#define TILE_VECTORS (PANEL / 16)

_Static_assert(CTK_BF16_SCRATCH == CTK_BF16_ROWS * CTK_BF16_DEPTH / 2, "a block of pairs");

static ptrdiff_t panels(ptrdiff_t columns) { return (columns + PANEL - 1) / PANEL; }

ptrdiff_t ctk_bf16_packed_count(ptrdiff_t depth, ptrdiff_t columns) {
  return (depth + 1) / 2 * panels(columns) * PANEL;
}

#if defined(__x86_64__)
#include <immintrin.h>

int ctk_bf16_is_supported(void) {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
}

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16"))), apply_to = function)

#include "ctk_lanes.h"
#include "ctk_bf16_pairs.h"
#include "ctk_transpose.h"

// One panel of an operand whose rows are contiguous.
static void pack_rows(const float *x, ptrdiff_t row, ptrdiff_t depth, ptrdiff_t columns,
                      uint32_t *panel) {
  for (ptrdiff_t k = 0; k < depth; k += 2, panel += PANEL)
    for (ptrdiff_t j = 0; j < PANEL; j += 16)
      _mm512_storeu_si512(panel + j, row_pairs(x + k * row + j, row, k + 1 < depth, columns - j));
}

// One panel of an operand whose columns are contiguous.
static void pack_columns(const float *x, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t columns,
                         uint32_t *panel) {
  for (ptrdiff_t k = 0; k < depth; k += 32)
    for (ptrdiff_t j = 0; j < PANEL; j += 16) {
      __m512i block[16];
      for (int lane = 0; lane < 16; lane++)
        block[lane] = j + lane < columns
                          ? neighbour_pairs(x + (j + lane) * column + k, depth - k)
                          : _mm512_setzero_si512();
      transpose(block);
      ptrdiff_t pairs = at_most((depth - k + 1) / 2, 16);
      for (ptrdiff_t p = 0; p < pairs; p++)
        _mm512_storeu_si512(panel + (k / 2 + p) * PANEL + j, block[p]);
    }
}

void ctk_bf16_pack(const float *right, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth,
                   ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, uint32_t *packed) {
  ptrdiff_t words = (depth + 1) / 2 * PANEL;
  for (ptrdiff_t panel = first; panel < last; panel++) {
    ptrdiff_t j = panel * PANEL, count = at_most(columns - j, PANEL);
    if (column == 1)
      pack_rows(right + j, row, depth, count, packed + panel * words);
    else
      pack_columns(right + j * column, column, depth, count, packed + panel * words);
  }
}

// Rounds a block of the left operand. Pair p of row i is word i * DEPTH / 2 + p where the
// rows are contiguous, and word p * ROWS + i where the columns are.
static void round_left(const float *left, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows,
                       ptrdiff_t depth, uint32_t *block) {
  if (column == 1) {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t k = 0; k < depth; k += 32)
        _mm512_storeu_si512(block + i * (CTK_BF16_DEPTH / 2) + k / 2,
                            neighbour_pairs(left + i * row + k, depth - k));
  } else {
    for (ptrdiff_t k = 0; k < depth; k += 2)
      for (ptrdiff_t i = 0; i < rows; i += 16)
        _mm512_storeu_si512(
            block + k / 2 * CTK_BF16_ROWS + i,
            row_pairs(left + k * column + i, column, k + 1 < depth, rows - i));
  }
}

// tile[8, 48] of a product over `pairs` pairs of the depth.
static inline void multiply_tile(const uint32_t *left, ptrdiff_t row, ptrdiff_t pair,
                                 const uint32_t *panel, ptrdiff_t pairs, float *tile,
                                 ptrdiff_t stride, int accumulates) {
  __m512 sum[TILE_ROWS][TILE_VECTORS];
  for (int i = 0; i < TILE_ROWS; i++)
    for (int j = 0; j < TILE_VECTORS; j++)
      sum[i][j] = accumulates ? _mm512_loadu_ps(tile + i * stride + 16 * j) : _mm512_setzero_ps();
  for (ptrdiff_t p = 0; p < pairs; p++, left += pair, panel += PANEL) {
    __m512bh right[TILE_VECTORS];
    for (int j = 0; j < TILE_VECTORS; j++)
      right[j] = (__m512bh)_mm512_loadu_si512(panel + 16 * j);
    for (int i = 0; i < TILE_ROWS; i++) {
      __m512bh factor = (__m512bh)_mm512_set1_epi32((int)left[i * row]);
      for (int j = 0; j < TILE_VECTORS; j++)
        sum[i][j] = _mm512_dpbf16_ps(sum[i][j], factor, right[j]);
    }
  }
  for (int i = 0; i < TILE_ROWS; i++)
    for (int j = 0; j < TILE_VECTORS; j++) _mm512_storeu_ps(tile + i * stride + 16 * j, sum[i][j]);
}

// As `multiply_tile`, for a tile of which only some rows and columns exist.
static void multiply_part(const uint32_t *left, ptrdiff_t row, ptrdiff_t pair,
                          const uint32_t *panel, ptrdiff_t pairs, float *result, ptrdiff_t stride,
                          int accumulates, ptrdiff_t rows, ptrdiff_t columns) {
  float tile[TILE_ROWS * PANEL] = {0};
  for (ptrdiff_t i = 0; i < rows; i++)
    memcpy(tile + i * PANEL, result + i * stride, (size_t)columns * sizeof(float));
  multiply_tile(left, row, pair, panel, pairs, tile, PANEL, accumulates);
  for (ptrdiff_t i = 0; i < rows; i++)
    memcpy(result + i * stride, tile + i * PANEL, (size_t)columns * sizeof(float));
}

static void multiply_block(const uint32_t *block, ptrdiff_t row, ptrdiff_t pair, ptrdiff_t rows,
                           const uint32_t *packed, ptrdiff_t words, ptrdiff_t pairs,
                           ptrdiff_t columns, float *result, ptrdiff_t stride, int accumulates) {
  for (ptrdiff_t j = 0; j < columns; j += PANEL) {
    const uint32_t *panel = packed + j / PANEL * words;
    ptrdiff_t width = at_most(columns - j, PANEL);
    for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
      ptrdiff_t height = at_most(rows - i, TILE_ROWS);
      float *tile = result + i * stride + j;
      if (height == TILE_ROWS && width == PANEL)
        multiply_tile(block + i * row, row, pair, panel, pairs, tile, stride, accumulates);
      else
        multiply_part(block + i * row, row, pair, panel, pairs, tile, stride, accumulates, height,
                      width);
    }
  }
}

void ctk_bf16_multiply(const float *left, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows,
                       const uint32_t *packed, ptrdiff_t depth, ptrdiff_t columns, float *result,
                       ptrdiff_t stride, int accumulates, uint32_t *scratch) {
  ptrdiff_t block_row = column == 1 ? CTK_BF16_DEPTH / 2 : 1;
  ptrdiff_t block_pair = column == 1 ? 1 : CTK_BF16_ROWS;
  ptrdiff_t words = (depth + 1) / 2 * PANEL;
  for (ptrdiff_t k = 0; k < depth; k += CTK_BF16_DEPTH) {
    ptrdiff_t length = at_most(depth - k, CTK_BF16_DEPTH);
    for (ptrdiff_t i = 0; i < rows; i += CTK_BF16_ROWS) {
      ptrdiff_t count = at_most(rows - i, CTK_BF16_ROWS);
      round_left(left + i * row + k * column, row, column, count, length, scratch);
      multiply_block(scratch, block_row, block_pair, count, packed + k / 2 * PANEL, words,
                     (length + 1) / 2, columns, result + i * stride, stride, accumulates || k);
    }
  }
}

#pragma clang attribute pop
#else

int ctk_bf16_is_supported(void) { return 0; }

// Nobody gets here without asking `ctk_bf16_is_supported` first.
void ctk_bf16_pack(const float *right, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth,
                   ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, uint32_t *packed) {
  __builtin_trap();
}

void ctk_bf16_multiply(const float *left, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows,
                       const uint32_t *packed, ptrdiff_t depth, ptrdiff_t columns, float *result,
                       ptrdiff_t stride, int accumulates, uint32_t *scratch) {
  __builtin_trap();
}

#endif
