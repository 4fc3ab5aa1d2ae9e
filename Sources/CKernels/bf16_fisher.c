// Squared weight gradients from operands rounded to bfloat16; see ctk_fisher.h.
#include <stdbool.h>
#include <string.h>

#include "ctk_bf16.h"
#include "ctk_counts.h"
#include "ctk_fetch.h"
#include "ctk_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CTK_LANES 16
#define CTK_HAS_FMA 1
#define CTK_BF16 1

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
    apply_to = function)
#include "ctk_vector.h"
#include "ctk_lanes.h"
#include "ctk_bf16_pairs.h"
#include "ctk_fisher.h"

void ctk_bf16_squared_products(const float *left, ptrdiff_t left_stride, ptrdiff_t rows,
                               const float *right, ptrdiff_t right_stride, ptrdiff_t columns,
                               const ptrdiff_t *offsets, ptrdiff_t examples, float *scores,
                               float *scratch) {
  squared_products(left, left_stride, rows, right, right_stride, columns, offsets, examples,
                   scores, scratch);
}
#pragma clang attribute pop

#else

// Nobody gets here without asking `ctk_bf16_is_supported` first.
void ctk_bf16_squared_products(const float *left, ptrdiff_t left_stride, ptrdiff_t rows,
                               const float *right, ptrdiff_t right_stride, ptrdiff_t columns,
                               const ptrdiff_t *offsets, ptrdiff_t examples, float *scores,
                               float *scratch) {
  __builtin_trap();
}

#endif
