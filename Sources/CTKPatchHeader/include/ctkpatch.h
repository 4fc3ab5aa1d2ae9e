/* Patches of ctk, applied and reverted on tensors in the caller's memory.
 *
 * A patch turns the tensors of a base model into those of its target and back, bit for
 * bit (formats/patch.md). Everything here is described in docs/guides/c-interface.md.
 *
 * Functions may be called from any thread, and a patch may be used by several threads at
 * once until it is closed. Functions that can fail return a status, or NULL, and fill in
 * the error when one is given.
 */
#ifndef CTKPATCH_H
#define CTKPATCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function or a structure changes; additions keep it. */
#define CTKPATCH_INTERFACE_VERSION 1

/* The version that the library was built with. */
int32_t ctkpatch_interface_version(void);

/* Status codes; their numbers never change. */
enum {
  CTKPATCH_OK = 0,
  CTKPATCH_NOT_A_PATCH = 1,
  CTKPATCH_DAMAGED = 2,
  CTKPATCH_UNSUPPORTED = 3,
  CTKPATCH_WRONG_BASE = 4,
  CTKPATCH_WRONG_TARGET = 5,
  CTKPATCH_ALREADY_APPLIED = 6,
  CTKPATCH_NOT_APPLIED = 7,
  CTKPATCH_PARTLY_APPLIED = 8,
  CTKPATCH_WRONG_RESULT = 9,
  CTKPATCH_NEEDS_MASK = 10,
  CTKPATCH_WRONG_MASK = 11,
  CTKPATCH_MISSING_TENSOR = 12,
  CTKPATCH_WRONG_LAYOUT = 13,
  CTKPATCH_UNREADABLE = 14,
  CTKPATCH_INVALID_ARGUMENT = 15,
  /* Anything else; the error's name tells what. */
  CTKPATCH_FAILED = 99
};

typedef struct {
  int32_t status;
  /* The code of formats/errors.md, as "patch.wrong-base". */
  char code[64];
  /* What is wrong, in English, UTF-8, cut to fit. */
  char message[512];
} ctkpatch_error;

/* Patches */

typedef struct ctkpatch_patch ctkpatch_patch;

/* Opens a patch and checks its header.
 *
 * masks: paths of mask files that the patch may take its positions from; NULL with a
 * count of 0 when there are none.
 */
ctkpatch_patch *ctkpatch_open(const char *path, const char *const *masks, size_t mask_count,
                              ctkpatch_error *error);

void ctkpatch_close(ctkpatch_patch *patch);

/* Checks the digest of all streams and decodes them; applying and reverting do not repeat
 * it. */
int32_t ctkpatch_verify(const ctkpatch_patch *patch, ctkpatch_error *error);

/* 64 hexadecimal digits, valid until the patch is closed. */
const char *ctkpatch_base_fingerprint(const ctkpatch_patch *patch);
const char *ctkpatch_target_fingerprint(const ctkpatch_patch *patch);

enum {
  CTKPATCH_BEFORE = 0,
  CTKPATCH_AFTER = 1
};

/* One side of a tensor; dtype is NULL where the side has no such tensor. */
typedef struct {
  /* Name of safetensors, as "F32". */
  const char *dtype;
  const int64_t *shape;
  size_t rank;
  size_t byte_count;
  /* 64 hexadecimal digits (formats/patch.md section 4.1). */
  const char *digest;
} ctkpatch_layout;

typedef struct {
  const char *name;
  /* As in formats/patch.md section 4.3: "changed", "added" and so on. */
  const char *kind;
  /* The tensor that an alias is equal to; NULL for other kinds. */
  const char *original;
  /* Whether ctkpatch_apply and ctkpatch_revert change the tensor in place; others are
     made with ctkpatch_make. */
  int32_t in_place;
  /* Units whose bits differ. */
  uint64_t changes;
  /* By CTKPATCH_BEFORE and CTKPATCH_AFTER. */
  ctkpatch_layout sides[2];
} ctkpatch_entry;

/* Tensors that the patch touches, in the order of their names' bytes. */
size_t ctkpatch_entry_count(const ctkpatch_patch *patch);

/* Pointers in the entry are valid until the patch is closed. */
int32_t ctkpatch_entry_at(const ctkpatch_patch *patch, size_t index, ctkpatch_entry *entry,
                          ctkpatch_error *error);

/* Tensors in the caller's memory */

typedef struct {
  const char *name;
  const char *dtype;
  const int64_t *shape;
  size_t rank;
  /* Little-endian and row-major; any alignment. */
  void *data;
  size_t byte_count;
} ctkpatch_tensor;

enum {
  /* Trust that the tensors are those of the side the patch starts from. */
  CTKPATCH_SKIP_SOURCE_DIGESTS = 1,
  /* Do not check what was made. */
  CTKPATCH_SKIP_RESULT_DIGESTS = 2
};

/* Turns base tensors into the target's, in place.
 *
 * tensors: among others every one that the patch changes in place, with the dtype and
 * shape it has there. Others are left alone.
 *
 * All digests are checked before the first byte changes. Whatever fails, the tensors
 * hold what they held before.
 */
int32_t ctkpatch_apply(const ctkpatch_patch *patch, const ctkpatch_tensor *tensors, size_t count,
                       uint32_t flags, ctkpatch_error *error);

/* Turns target tensors into the base's, in place; as ctkpatch_apply. */
int32_t ctkpatch_revert(const ctkpatch_patch *patch, const ctkpatch_tensor *tensors,
                        size_t count, uint32_t flags, ctkpatch_error *error);

/* Makes one side of a tensor that is not changed in place, and checks its digest.
 *
 * source: the tensor as the other side has it; NULL where that side has none. For an
 * alias whose original the patch does not touch: the original.
 * data: receives sides[side].byte_count bytes; undefined after a failure.
 */
int32_t ctkpatch_make(const ctkpatch_patch *patch, size_t index, int32_t side, const void *source,
                      size_t source_byte_count, void *data, size_t byte_count,
                      ctkpatch_error *error);

/* Tasks in memory */

/* The changes of a patch, decoded: positions and both sides' bits. */
typedef struct ctkpatch_task ctkpatch_task;

/* Decodes a patch against the base's tensors; the arguments are as for ctkpatch_apply. */
ctkpatch_task *ctkpatch_decode(const ctkpatch_patch *patch, const ctkpatch_tensor *tensors,
                               size_t count, uint32_t flags, ctkpatch_error *error);

void ctkpatch_task_free(ctkpatch_task *task);

/* Bytes that the task holds. */
size_t ctkpatch_task_byte_count(const ctkpatch_task *task);

/* Takes one task out of the tensors and puts another in.
 *
 * from: the task that the tensors hold; NULL when they are the base's.
 * to: the task they are to hold; NULL to return to the base.
 * threads: at most this many work on it; 0 for one for each processor.
 *
 * Nothing is hashed: the caller answers for what the tensors hold. Names and layouts are
 * checked before the first byte changes.
 */
int32_t ctkpatch_switch(const ctkpatch_task *from, const ctkpatch_task *to,
                        const ctkpatch_tensor *tensors, size_t count, uint32_t threads,
                        ctkpatch_error *error);

#ifdef __cplusplus
}
#endif

#endif
