// SHA-256 of two byte strings at once, for processors with instructions for it.
//
// Rounds of one string wait for each other; those of another fill the gaps, so that a
// pair takes hardly longer than one.
#ifndef CTK_PAIRED_DIGEST_H
#define CTK_PAIRED_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  // 1 while both strings are the same.
  uint32_t strings;
  uint32_t state[2][8];
  // Bytes of the block that is not complete.
  uint8_t tail[2][64];
  uint64_t byte_count;
} ctk_paired_digest;

// Whether the functions below can be called.
int ctk_paired_digest_is_available(void);

void ctk_paired_digest_start(ctk_paired_digest *digest);

// Appends the same bytes to both strings, which must have been the same up to now.
void ctk_paired_digest_update(ctk_paired_digest *digest, const uint8_t *bytes, size_t count);

// Appends as many bytes to either string.
void ctk_paired_digest_update_each(ctk_paired_digest *digest, const uint8_t *first,
                                   const uint8_t *second, size_t count);

// Writes both digests; nothing can be appended after it.
void ctk_paired_digest_finish(ctk_paired_digest *digest, uint8_t first[32], uint8_t second[32]);

#endif
