// The product of the AVX-512 table; see `product` of ctk_kernels.h.

#include "ctk_kernels.h"

void ctk_product_avx512(ctk_operand left, ctk_operand right, ptrdiff_t rows, ptrdiff_t columns,
                        ptrdiff_t depth, const float *start, ptrdiff_t start_stride,
                        float *result, ptrdiff_t stride, float *scratch);
