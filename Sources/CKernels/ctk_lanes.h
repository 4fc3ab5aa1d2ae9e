// Parts of vectors of 16 words; for AVX-512.

// Bits of the lanes below `count`.
static inline __mmask16 lanes(ptrdiff_t count) {
  return count >= 16 ? 0xffff : count > 0 ? (__mmask16)((1u << count) - 1) : 0;
}
