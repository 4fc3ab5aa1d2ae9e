// SHA-256 (FIPS 180-4) of one or two strings.

#include "ctk_paired_digest.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define BLOCK 64
#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static const uint32_t start_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// A state in the order in which the instructions take it.
typedef struct {
  __m128i abef;
  __m128i cdgh;
} lane;

TARGET static inline lane load_lane(const uint32_t *state) {
  __m128i dcba = _mm_loadu_si128((const __m128i *)state);
  __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  return (lane){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

TARGET static inline void store_lane(const lane *lane, uint32_t *state) {
  __m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b), dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Words 4 i to 4 i + 3 of the schedule, which replace those 16 before them.
TARGET static inline __m128i schedule(__m128i words[4], const uint8_t *block, unsigned i) {
  if (i < 4) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), order);
  } else {
    __m128i last = words[(i + 3) & 3];
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(words[i & 3], words[(i + 1) & 3]),
                                _mm_alignr_epi8(last, words[(i + 2) & 3], 4));
    words[i & 3] = _mm_sha256msg2_epu32(sum, last);
  }
  return _mm_add_epi32(words[i & 3],
                       _mm_loadu_si128((const __m128i *)(round_constants + 4 * i)));
}

TARGET static inline void four_rounds(lane *lane, __m128i words) {
  lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, words);
  lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(words, 0x0e));
}

TARGET static void hash_one(uint32_t *state, const uint8_t *bytes, size_t blocks) {
  lane now = load_lane(state);
  for (; blocks > 0; blocks--, bytes += BLOCK) {
    lane before = now;
    __m128i words[4];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++) four_rounds(&now, schedule(words, bytes, i));
    now.abef = _mm_add_epi32(now.abef, before.abef);
    now.cdgh = _mm_add_epi32(now.cdgh, before.cdgh);
  }
  store_lane(&now, state);
}

TARGET static void hash_two(uint32_t (*state)[8], const uint8_t *first, const uint8_t *second,
                            size_t blocks) {
  lane a = load_lane(state[0]), b = load_lane(state[1]);
  for (; blocks > 0; blocks--, first += BLOCK, second += BLOCK) {
    lane a_before = a, b_before = b;
    __m128i a_words[4], b_words[4];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++) {
      __m128i a_now = schedule(a_words, first, i), b_now = schedule(b_words, second, i);
      four_rounds(&a, a_now);
      four_rounds(&b, b_now);
    }
    a.abef = _mm_add_epi32(a.abef, a_before.abef);
    a.cdgh = _mm_add_epi32(a.cdgh, a_before.cdgh);
    b.abef = _mm_add_epi32(b.abef, b_before.abef);
    b.cdgh = _mm_add_epi32(b.cdgh, b_before.cdgh);
  }
  store_lane(&a, state[0]);
  store_lane(&b, state[1]);
}

static void hash(ctk_paired_digest *digest, const uint8_t *first, const uint8_t *second,
                 size_t blocks) {
  if (digest->strings == 2) {
    hash_two(digest->state, first, second, blocks);
  } else {
    hash_one(digest->state[0], first, blocks);
  }
}

static void append(ctk_paired_digest *digest, const uint8_t *first, const uint8_t *second,
                   size_t count) {
  size_t filled = digest->byte_count % BLOCK;
  digest->byte_count += count;
  if (filled > 0 || count < BLOCK) {
    size_t now = count < BLOCK - filled ? count : BLOCK - filled;
    memcpy(digest->tail[0] + filled, first, now);
    if (digest->strings == 2) memcpy(digest->tail[1] + filled, second, now);
    if (filled + now < BLOCK) return;
    hash(digest, digest->tail[0], digest->tail[1], 1);
    first += now;
    second += now;
    count -= now;
  }
  hash(digest, first, second, count / BLOCK);
  size_t hashed = count / BLOCK * BLOCK;
  memcpy(digest->tail[0], first + hashed, count - hashed);
  if (digest->strings == 2) memcpy(digest->tail[1], second + hashed, count - hashed);
}

int ctk_paired_digest_is_available(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1;
}

void ctk_paired_digest_start(ctk_paired_digest *digest) {
  digest->strings = 1;
  digest->byte_count = 0;
  memcpy(digest->state[0], start_state, sizeof start_state);
}

void ctk_paired_digest_update(ctk_paired_digest *digest, const uint8_t *bytes, size_t count) {
  append(digest, bytes, bytes, count);
}

void ctk_paired_digest_update_each(ctk_paired_digest *digest, const uint8_t *first,
                                   const uint8_t *second, size_t count) {
  if (digest->strings == 1) {
    digest->strings = 2;
    memcpy(digest->state[1], digest->state[0], sizeof digest->state[0]);
    memcpy(digest->tail[1], digest->tail[0], sizeof digest->tail[0]);
  }
  append(digest, first, second, count);
}

static void write_state(const uint32_t *state, uint8_t *bytes) {
  for (unsigned i = 0; i < 8; i++) {
    for (unsigned j = 0; j < 4; j++) bytes[4 * i + j] = (uint8_t)(state[i] >> (24 - 8 * j));
  }
}

void ctk_paired_digest_finish(ctk_paired_digest *digest, uint8_t first[32],
                              uint8_t second[32]) {
  uint8_t end[BLOCK + 8] = {0x80};
  uint64_t bits = 8 * digest->byte_count;
  size_t filled = digest->byte_count % BLOCK;
  size_t zeros = (2 * BLOCK - 9 - filled) % BLOCK;
  for (unsigned i = 0; i < 8; i++) end[1 + zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
  append(digest, end, end, zeros + 9);
  write_state(digest->state[0], first);
  write_state(digest->state[digest->strings - 1], second);
}

#else

int ctk_paired_digest_is_available(void) { return 0; }
void ctk_paired_digest_start(ctk_paired_digest *digest) { (void)digest; }
void ctk_paired_digest_update(ctk_paired_digest *digest, const uint8_t *bytes, size_t count) {
  (void)digest, (void)bytes, (void)count;
}
void ctk_paired_digest_update_each(ctk_paired_digest *digest, const uint8_t *first,
                                   const uint8_t *second, size_t count) {
  (void)digest, (void)first, (void)second, (void)count;
}
void ctk_paired_digest_finish(ctk_paired_digest *digest, uint8_t first[32],
                              uint8_t second[32]) {
  (void)digest, (void)first, (void)second;
}

#endif
