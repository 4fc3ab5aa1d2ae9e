// The kernels for x86-64 processors with AVX2 and FMA.
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "ctk_counts.h"
#include "ctk_fetch.h"
#include "ctk_kernels.h"

#if defined(__x86_64__)
#define CTK_LANES 8
#define CTK_HAS_FMA 1
#define CTK_NAME "avx2"
#define CTK_TABLE ctk_kernels_avx2
#define CTK_PRODUCT 0

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "ctk_vector.h"
#include "ctk_elementwise.h"
#include "ctk_fisher.h"
#include "ctk_methods.h"
#include "ctk_attention.h"
#include "ctk_relative_attention.h"
#include "ctk_table.h"
#pragma clang attribute pop
#endif
