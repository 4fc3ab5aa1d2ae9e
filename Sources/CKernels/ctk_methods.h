// Kernels of the fine-tuning methods; see ctk_kernels.h.

static void sgd(float *weights, const float *gradient, ptrdiff_t count, float rate, float decay) {
  FOR_LANES(i, n, count) {
    vf w = get(weights + i, n);
    put(weights + i, w * decay - rate * get(gradient + i, n), n);
  }
}

static void add_pull(const float *weights, const float *anchor, float factor, float *gradient,
                     ptrdiff_t count) {
  FOR_LANES(i, n, count) {
    vf distance = get(weights + i, n) - get(anchor + i, n);
    put(gradient + i, fma_(distance, splat(factor), get(gradient + i, n)), n);
  }
}

static void pull(float *weights, const float *anchor, float rate, float decay, ptrdiff_t count) {
  FOR_LANES(i, n, count) {
    vf w = get(weights + i, n);
    put(weights + i, (w - rate * (w - get(anchor + i, n))) * decay, n);
  }
}

static void mix(float *weights, const float *anchor, float *saved, ctk_dropout site,
                uint32_t first, ptrdiff_t count) {
  FOR_LANES(i, n, count) {
    vf w = get(weights + i, n), a = get(anchor + i, n);
    put(saved + i, w, n);
    put(weights + i, a + dropped(w - a, site, first + (uint32_t)i), n);
  }
}

// Uniform in -1 ..< 1: the hash as a signed 32-bit fraction.
CTK_INLINE float signed_fraction(uint32_t hash) { return (float)(int32_t)hash * 0x1p-31f; }

// A standard normal number from two hashes (Box and Muller 1958).
CTK_INLINE float normal_number(uint32_t first, uint32_t second) {
  double radius = sqrt(-2 * log(((double)first + 1) * 0x1p-32));
  return (float)(radius * cos(6.283185307179586 * 0x1p-32 * (double)second));
}

static void add_noise(float *x, ctk_noise noise, uint32_t first, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t index = first + (uint32_t)i;
    float z = noise.is_normal ? normal_number(hashed(noise.key0, noise.key1, 2 * index),
                                              hashed(noise.key0, noise.key1, 2 * index + 1))
                              : signed_fraction(hashed(noise.key0, noise.key1, index));
    x[i] += noise.scale * z;
  }
}
