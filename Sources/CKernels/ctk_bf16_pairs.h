// Pairs of bfloat16, one in each 32-bit word; for AVX512_BF16.

static inline __m512i rounded(__m512 low, __m512 high) {
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Pairs (x[0, j], x[1, j]) of up to 16 columns j; a missing second row is zero.
static inline __m512i row_pairs(const float *x, ptrdiff_t stride, int has_second, ptrdiff_t count) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __mmask16 mask = lanes(count);
  __m512 first = _mm512_maskz_loadu_ps(mask, x);
  __m512 second = has_second ? _mm512_maskz_loadu_ps(mask, x + stride) : _mm512_setzero_ps();
  return _mm512_permutexvar_epi16(order, rounded(first, second));
}

// Pairs (x[2p], x[2p + 1]) of up to 32 neighbours; missing ones are zero.
static inline __m512i neighbour_pairs(const float *x, ptrdiff_t count) {
  return rounded(_mm512_maskz_loadu_ps(lanes(count), x),
                 _mm512_maskz_loadu_ps(lanes(count - 16), x + 16));
}
