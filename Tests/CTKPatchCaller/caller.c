#include "ctkpatch_caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TENSORS 256

typedef struct {
  ctkpatch_patch *patch;
  const caller_pair *pairs;
  size_t count;
  // The base's tensors, and copies of their bytes.
  ctkpatch_tensor base[MOST_TENSORS];
  void *copies[MOST_TENSORS];
  size_t base_count;
} caller;

static const char *failed(const char *what, const ctkpatch_error *error) {
  static char text[700];
  snprintf(text, sizeof text, "%s: %s %s", what, error->code, error->message);
  return text;
}

static const caller_pair *pair_named(const caller *caller, const char *name) {
  for (size_t i = 0; i < caller->count; i++) {
    const caller_pair *pair = caller->pairs + i;
    const char *own = pair->before.name != NULL ? pair->before.name : pair->after.name;
    if (strcmp(own, name) == 0) return pair;
  }
  return NULL;
}

// Whether the base's memory holds one side of every tensor that is changed in place.
static int holds(const caller *caller, int side) {
  ctkpatch_entry entry;
  for (size_t i = 0; i < ctkpatch_entry_count(caller->patch); i++) {
    if (ctkpatch_entry_at(caller->patch, i, &entry, NULL) != CTKPATCH_OK) return 0;
    if (!entry.in_place) continue;
    const caller_pair *pair = pair_named(caller, entry.name);
    if (pair == NULL) return 0;
    const void *expected = pair->after.data;
    for (size_t k = 0; side == CTKPATCH_BEFORE && k < caller->base_count; k++) {
      if (strcmp(caller->base[k].name, entry.name) == 0) expected = caller->copies[k];
    }
    if (memcmp(pair->before.data, expected, pair->before.byte_count) != 0) return 0;
  }
  return 1;
}

static const char *check_change(caller *caller) {
  ctkpatch_error error;
  if (ctkpatch_apply(caller->patch, caller->base, caller->base_count, 0, &error) != CTKPATCH_OK) {
    return failed("apply", &error);
  }
  if (!holds(caller, CTKPATCH_AFTER)) return "applying did not give the target";
  if (ctkpatch_apply(caller->patch, caller->base, caller->base_count, 0, &error) !=
          CTKPATCH_ALREADY_APPLIED ||
      strcmp(error.code, "patch.already-applied") != 0 || error.message[0] == 0) {
    return "applying twice was not told";
  }
  if (ctkpatch_revert(caller->patch, caller->base, caller->base_count, 0, &error) !=
      CTKPATCH_OK) {
    return failed("revert", &error);
  }
  if (!holds(caller, CTKPATCH_BEFORE)) return "reverting did not give the base";
  if (ctkpatch_revert(caller->patch, caller->base, caller->base_count, 0, NULL) !=
      CTKPATCH_NOT_APPLIED) {
    return "reverting the base was not told";
  }
  return NULL;
}

// A wrong tensor, whether it is found before or after the change, leaves all as it was.
static const char *check_refusal(caller *caller) {
  ctkpatch_entry entry;
  size_t index = 0;
  do {
    if (ctkpatch_entry_at(caller->patch, index++, &entry, NULL) != CTKPATCH_OK) {
      return "there is no entry in place";
    }
  } while (!entry.in_place);
  const ctkpatch_tensor *tensor = &pair_named(caller, entry.name)->before;
  uint8_t *byte = (uint8_t *)tensor->data + tensor->byte_count / 2;
  *byte ^= 1;
  uint8_t *wrong = malloc(tensor->byte_count);
  memcpy(wrong, tensor->data, tensor->byte_count);
  int32_t checked = ctkpatch_apply(caller->patch, caller->base, caller->base_count, 0, NULL);
  int32_t trusted = ctkpatch_apply(caller->patch, caller->base, caller->base_count,
                                   CTKPATCH_SKIP_SOURCE_DIGESTS, NULL);
  int is_kept = memcmp(wrong, tensor->data, tensor->byte_count) == 0;
  free(wrong);
  *byte ^= 1;
  if (checked != CTKPATCH_WRONG_BASE) return "a wrong base was not told";
  if (trusted != CTKPATCH_WRONG_RESULT && trusted != CTKPATCH_DAMAGED) {
    return "a wrong result was not told";
  }
  if (!is_kept || !holds(caller, CTKPATCH_BEFORE)) return "a refused change left something";
  if (ctkpatch_apply(caller->patch, caller->base, 0, 0, NULL) != CTKPATCH_MISSING_TENSOR) {
    return "missing tensors were not told";
  }
  if (ctkpatch_apply(caller->patch, NULL, 1, 0, NULL) != CTKPATCH_INVALID_ARGUMENT ||
      ctkpatch_apply(NULL, caller->base, 1, 0, NULL) != CTKPATCH_INVALID_ARGUMENT ||
      ctkpatch_apply(caller->patch, caller->base, 1, 8, NULL) != CTKPATCH_INVALID_ARGUMENT) {
    return "bad arguments were not told";
  }
  return NULL;
}

static const char *check_made(const caller *caller) {
  ctkpatch_entry entry;
  ctkpatch_error error;
  for (size_t i = 0; i < ctkpatch_entry_count(caller->patch); i++) {
    if (ctkpatch_entry_at(caller->patch, i, &entry, &error) != CTKPATCH_OK) {
      return failed("entry", &error);
    }
    const caller_pair *pair = pair_named(caller, entry.name);
    for (int side = 0; side < 2; side++) {
      const ctkpatch_layout *layout = entry.sides + side;
      if (layout->dtype == NULL) continue;
      const ctkpatch_tensor *own = side == CTKPATCH_AFTER ? &pair->after : &pair->before;
      const ctkpatch_tensor *other = side == CTKPATCH_AFTER ? &pair->before : &pair->after;
      if (strcmp(layout->dtype, own->dtype) != 0 || layout->rank != own->rank ||
          layout->byte_count != own->byte_count || strlen(layout->digest) != 64) {
        return "a layout is not the tensor's";
      }
      void *made = malloc(layout->byte_count + 1);
      int32_t status = ctkpatch_make(caller->patch, i, side, other->data, other->byte_count, made,
                                     layout->byte_count, &error);
      int is_right = status == CTKPATCH_OK && memcmp(made, own->data, own->byte_count) == 0;
      free(made);
      if (status != CTKPATCH_OK) return failed(entry.name, &error);
      if (!is_right) return "a made tensor is wrong";
    }
  }
  return ctkpatch_entry_at(caller->patch, 100000, &entry, NULL) == CTKPATCH_INVALID_ARGUMENT
             ? NULL
             : "a bad index was not told";
}

static const char *check_tasks(const caller *caller) {
  ctkpatch_error error;
  ctkpatch_task *task =
      ctkpatch_decode(caller->patch, caller->base, caller->base_count, 0, &error);
  if (task == NULL) return failed("decode", &error);
  const char *result = ctkpatch_task_byte_count(task) > 0 ? NULL : "a task holds nothing";
  const ctkpatch_task *from[] = {NULL, task, task, NULL}, *to[] = {task, task, NULL, NULL};
  int side[] = {CTKPATCH_AFTER, CTKPATCH_AFTER, CTKPATCH_BEFORE, CTKPATCH_BEFORE};
  for (size_t i = 0; i < 4 && result == NULL; i++) {
    int32_t status =
        ctkpatch_switch(from[i], to[i], caller->base, caller->base_count, 2, &error);
    if (status != CTKPATCH_OK) result = failed("switch", &error);
    if (status == CTKPATCH_OK && !holds(caller, side[i])) result = "switching went wrong";
  }
  if (result == NULL &&
      ctkpatch_switch(NULL, task, caller->base, 0, 1, NULL) != CTKPATCH_MISSING_TENSOR) {
    result = "switching without tensors was not told";
  }
  ctkpatch_task_free(task);
  return result;
}

const char *caller_check(const char *patch_path, const caller_pair *pairs, size_t count) {
  ctkpatch_error error;
  if (ctkpatch_open("there-is-no-such-file", NULL, 0, &error) != NULL ||
      error.status != CTKPATCH_UNREADABLE) {
    return "a missing file was not told";
  }
  caller *own = calloc(1, sizeof *own);
  own->pairs = pairs;
  own->count = count;
  for (size_t i = 0; i < count && own->base_count < MOST_TENSORS; i++) {
    if (pairs[i].before.name == NULL) continue;
    size_t k = own->base_count++;
    own->base[k] = pairs[i].before;
    own->copies[k] = malloc(pairs[i].before.byte_count + 1);
    memcpy(own->copies[k], pairs[i].before.data, pairs[i].before.byte_count);
  }
  const char *result = NULL;
  own->patch = ctkpatch_open(patch_path, NULL, 0, &error);
  if (own->patch == NULL) result = failed("open", &error);
  if (result == NULL && ctkpatch_interface_version() != CTKPATCH_INTERFACE_VERSION) {
    result = "another version";
  }
  if (result == NULL && (strlen(ctkpatch_base_fingerprint(own->patch)) != 64 ||
                         strlen(ctkpatch_target_fingerprint(own->patch)) != 64)) {
    result = "fingerprints are not 64 digits";
  }
  if (result == NULL && ctkpatch_verify(own->patch, &error) != CTKPATCH_OK) {
    result = failed("verify", &error);
  }
  if (result == NULL) result = check_change(own);
  if (result == NULL) result = check_refusal(own);
  if (result == NULL) result = check_made(own);
  if (result == NULL) result = check_tasks(own);
  ctkpatch_close(own->patch);
  for (size_t i = 0; i < own->base_count; i++) free(own->copies[i]);
  free(own);
  return result;
}
