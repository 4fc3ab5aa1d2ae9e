// The kernels for x86-64 processors with AVX-512.
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "ctk_counts.h"
#include "ctk_fetch.h"
#include "ctk_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CTK_LANES 16
#define CTK_HAS_FMA 1
#define CTK_NAME "avx512"
#define CTK_TABLE ctk_kernels_avx512
#define CTK_PRODUCT ctk_product_avx512

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "ctk_vector.h"
#include "ctk_elementwise.h"
#include "ctk_fisher.h"
#include "ctk_methods.h"
#include "ctk_attention.h"
#include "ctk_relative_attention.h"
#include "ctk_table.h"
#pragma clang attribute pop
#endif
