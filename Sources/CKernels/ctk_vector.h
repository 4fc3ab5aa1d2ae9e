// Vectors of CTK_LANES floats by the compiler's vector extensions, and the
// special functions on them. Included once for each processor variant, with
// CTK_LANES and CTK_HAS_FMA set.

typedef float vf __attribute__((vector_size(4 * CTK_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * CTK_LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * CTK_LANES)));

#define MILLS_0 0.236652389f
#define MILLS_1 -0.427123785f
#define MILLS_2 0.311772466f
#define MILLS_3 -0.179742262f
#define MILLS_4 0.0773677304f
#define MILLS_5 -0.0213005301f
#define MILLS_6 0.00126252265f
#define MILLS_7 0.00164864433f
#define MILLS_8 -0.000425120001f
#define MILLS_9 -0.000166195809f

#define CTK_INLINE static inline __attribute__((always_inline))

CTK_INLINE vf load(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}

CTK_INLINE void store(float *p, vf v) { memcpy(p, &v, sizeof v); }

// Subtracting zero is the identity, and compiles to a broadcast; adding it turns -0 into 0.
CTK_INLINE vf splat(float x) { return x - (vf){}; }

CTK_INLINE vf fma_(vf a, vf b, vf c) {
#if CTK_HAS_FMA
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

CTK_INLINE vf select_(vi mask, vf yes, vf no) {
  return (vf)(((vi)yes & mask) | ((vi)no & ~mask));
}

CTK_INLINE vf min_(vf a, vf b) { return select_(a < b, a, b); }
CTK_INLINE vf max_(vf a, vf b) { return select_(a > b, a, b); }
CTK_INLINE vf abs_(vf a) { return (vf)((vi)a & 0x7fffffff); }

// Pairwise, so that the order of the sum does not depend on the compiler.
CTK_INLINE float horizontal_sum(vf v) {
  float parts[CTK_LANES];
  memcpy(parts, &v, sizeof v);
  for (int width = CTK_LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) parts[i] += parts[i + width];
  return parts[0];
}

CTK_INLINE float horizontal_max(vf v) {
  float parts[CTK_LANES];
  memcpy(parts, &v, sizeof v);
  for (int width = CTK_LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++)
      parts[i] = parts[i + width] > parts[i] ? parts[i + width] : parts[i];
  return parts[0];
}

// e^x with a relative error below 2e-7; arguments below -87 give 0.
// x = n ln 2 + r with ln 2 in two parts, then a polynomial of degree 7 in r. Adding 1.5 * 2^23
// rounds x / ln 2 to the whole number n, which is left in the low bits; they are added to the
// exponent of the polynomial's value.
CTK_INLINE vf exp_(vf x) {
  const float rounder = 12582912.0f;
  vf clamped = min_(x, splat(88.0f));
  vf shifted = fma_(clamped, splat(1.44269504f), splat(rounder));
  vf whole = shifted - rounder;
  vf r = fma_(whole, splat(-0.693359375f), clamped);
  r = fma_(whole, splat(2.12194440e-4f), r);
  vf p = splat(1.9790357e-4f);
  p = fma_(p, r, splat(1.3944650e-3f));
  p = fma_(p, r, splat(8.3334968e-3f));
  p = fma_(p, r, splat(4.1666295e-2f));
  p = fma_(p, r, splat(1.6666666e-1f));
  p = fma_(p, r, splat(0.5f));
  p = fma_(p, r * r, r) + 1.0f;
  vf power = (vf)((vu)p + ((vu)shifted << 23));
  return select_(x < -87.0f, splat(0.0f), power);
}

// Density phi(x) and distribution Phi(x) of the standard normal.
// The upper tail is phi(t) M(t), where Mills' ratio M is a polynomial of
// degree 9 in (t - 4) / (t + 4), fitted by fixtures/scripts/fit_normal_tail.py
// to a relative error of 2e-8 on 0...14.
CTK_INLINE void normal(vf x, vf *density, vf *distribution) {
  vf t = abs_(x);
  vf phi = exp_(x * x * -0.5f) * 0.39894228f;
  vf u = (t - 4.0f) / (t + 4.0f);
  vf m = splat(MILLS_9);
  m = fma_(m, u, splat(MILLS_8));
  m = fma_(m, u, splat(MILLS_7));
  m = fma_(m, u, splat(MILLS_6));
  m = fma_(m, u, splat(MILLS_5));
  m = fma_(m, u, splat(MILLS_4));
  m = fma_(m, u, splat(MILLS_3));
  m = fma_(m, u, splat(MILLS_2));
  m = fma_(m, u, splat(MILLS_1));
  m = fma_(m, u, splat(MILLS_0));
  vf tail = phi * m;
  *density = phi;
  *distribution = select_(x > 0.0f, 1.0f - tail, tail);
}

CTK_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exp_(-x)); }

// 32 random bits of entry `index` under a key, for one entry and for a vector of them.
#define CTK_HASH(type, key0, key1, index)        \
  type h = (index) * 0x9E3779B9u + (key0);       \
  h ^= h >> 16;                                  \
  h *= 0x7feb352du;                              \
  h ^= h >> 15;                                  \
  h ^= (key1);                                   \
  h *= 0x846ca68bu;                              \
  h ^= h >> 16;

CTK_INLINE uint32_t hashed(uint32_t key0, uint32_t key1, uint32_t index) {
  CTK_HASH(uint32_t, key0, key1, index)
  return h;
}

// All ones where entry i of the site is kept.
CTK_INLINE vi kept(ctk_dropout site, vu index) {
  CTK_HASH(vu, site.key0, site.key1, index)
  return (vi)(h >= site.threshold);
}

CTK_INLINE vu index_from(uint32_t first) {
  static const uint32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vu lanes;
  memcpy(&lanes, numbers, sizeof lanes);
  return lanes + first;
}

CTK_INLINE vf dropped(vf x, ctk_dropout site, uint32_t first) {
  return select_(kept(site, index_from(first)), x * site.scale, splat(0.0f));
}
