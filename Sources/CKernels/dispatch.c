// Choice of the kernel variant at run time, and exact conversions.
#include <string.h>

#include "ctk_kernels.h"

extern const ctk_kernel_table ctk_kernels_portable;
#if defined(__x86_64__)
extern const ctk_kernel_table ctk_kernels_avx2;
extern const ctk_kernel_table ctk_kernels_avx512;
#endif

int ctk_kernel_tables(const ctk_kernel_table **tables, int capacity) {
  int count = 0;
  if (count < capacity) tables[count++] = &ctk_kernels_portable;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && count < capacity)
    tables[count++] = &ctk_kernels_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      count < capacity)
    tables[count++] = &ctk_kernels_avx512;
#endif
  return count;
}

const ctk_kernel_table *ctk_kernels(void) {
  const ctk_kernel_table *tables[3];
  return tables[ctk_kernel_tables(tables, 3) - 1];
}

static ptrdiff_t padded(ptrdiff_t count, int lanes) { return (count + lanes - 1) / lanes * lanes; }

ptrdiff_t ctk_attention_scratch(int lanes, ptrdiff_t length, ptrdiff_t head_size) {
  ptrdiff_t length_width = padded(length, lanes), size_width = padded(head_size, lanes);
  return 2 * length * length_width + head_size * length_width + 2 * length * size_width;
}

// The areas of ctk_relative_attention.h in their order.
ptrdiff_t ctk_relative_attention_scratch(int lanes, ptrdiff_t length, ptrdiff_t head_size) {
  ptrdiff_t pitch = padded(length + 5, lanes), size_width = padded(head_size, lanes);
  ptrdiff_t scores = 2 * length * pitch + 16;
  ptrdiff_t columns = head_size * padded(2 * length - 1 + lanes, lanes);
  ptrdiff_t rows = (4 * length + 6) * size_width;
  return scores + columns + rows + 6 * pitch + lanes + padded(length, lanes);
}

// The panels of ctk_fisher.h: at most 48 columns on the right, and the rows of a block.
ptrdiff_t ctk_squared_products_scratch(ptrdiff_t longest) {
  ptrdiff_t tokens = longest < CTK_FISHER_TOKENS ? CTK_FISHER_TOKENS : longest;
  return tokens * (48 + CTK_FISHER_ROWS);
}

void ctk_bf16_to_f32(const void *source, float *destination, ptrdiff_t count) {
  const char *bytes = source;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(destination + i, &bits, 4);
  }
}

void ctk_f16_to_f32(const void *source, float *destination, ptrdiff_t count) {
  const char *bytes = source;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3ff, bits;
    if (exponent == 31) {
      bits = sign | 0x7f800000 | mantissa << 13;
    } else if (exponent) {
      bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
      float magnitude = (float)mantissa * 0x1p-24f;
      memcpy(&bits, &magnitude, 4);
      bits |= sign;
    }
    memcpy(destination + i, &bits, 4);
  }
}
