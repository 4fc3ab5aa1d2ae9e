#ifndef CTK_BF16_H
#define CTK_BF16_H

#include <stddef.h>
#include <stdint.h>

// Matrix products whose operands are rounded to bfloat16, with sums in f32.
//
// The right operand is packed once for all threads, then each thread multiplies some rows.
// An operand is given by two strides: entry (i, k) is x[i * row + k * column], and one of
// them is 1.

#ifdef __cplusplus
extern "C" {
#endif

/// Whether this processor multiplies bfloat16 (AVX512_BF16).
int ctk_bf16_is_supported(void);

/// Columns that are packed side by side.
#define CTK_BF16_COLUMNS 48
/// Rows of the left operand that are rounded at once, and of the depth.
#define CTK_BF16_ROWS 192
#define CTK_BF16_DEPTH 768

/// 32-bit words of a packed right operand.
ptrdiff_t ctk_bf16_packed_count(ptrdiff_t depth, ptrdiff_t columns);

/// 32-bit words of scratch for each thread that multiplies.
#define CTK_BF16_SCRATCH 73728

/// Packs the panels `first` ..< `last` of 48 columns each; entry (k, j) of the operand is
/// right[k * row + j * column].
void ctk_bf16_pack(const float *right, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth,
                   ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, uint32_t *packed);

/// result[rows, columns] = left[rows, depth] times the packed operand, or += where
/// `accumulates` is not 0.
void ctk_bf16_multiply(const float *left, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows,
                       const uint32_t *packed, ptrdiff_t depth, ptrdiff_t columns, float *result,
                       ptrdiff_t stride, int accumulates, uint32_t *scratch);

/// As `squared_products` of ctk_kernels.h, with operands rounded to bfloat16 and sums and
/// squares in f32.
void ctk_bf16_squared_products(const float *left, ptrdiff_t left_stride, ptrdiff_t rows,
                               const float *right, ptrdiff_t right_stride, ptrdiff_t columns,
                               const ptrdiff_t *offsets, ptrdiff_t examples, float *scores,
                               float *scratch);

#ifdef __cplusplus
}
#endif

#endif
