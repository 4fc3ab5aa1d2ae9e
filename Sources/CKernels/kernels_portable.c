// The kernels for any processor; 128-bit vectors, NEON on 64-bit ARM.
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "ctk_counts.h"
#include "ctk_fetch.h"
#include "ctk_kernels.h"

#define CTK_LANES 4
#define CTK_HAS_FMA 0
#define CTK_NAME "portable"
#define CTK_TABLE ctk_kernels_portable
#define CTK_PRODUCT 0

#include "ctk_vector.h"
#include "ctk_elementwise.h"
#include "ctk_fisher.h"
#include "ctk_methods.h"
#include "ctk_attention.h"
#include "ctk_relative_attention.h"
#include "ctk_table.h"

