/* Applies a patch to a model's tensors in this program's memory, compares them with the
 * tuned model's, reverts the patch, and compares again.
 *
 *   cc -o patch_tensors -I Sources/CTKPatchHeader/include formats/c/patch_tensors.c \
 *     -L .build/release -lctkpatch -Wl,-rpath,"$PWD/.build/release"
 *   ./patch_tensors PATCH BASE.safetensors TUNED.safetensors
 *
 * Ends with 0 when every byte of both directions is as it should be, and with 1 otherwise.
 */
#include "ctkpatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A safetensors file read into memory: its header, and the bytes of its tensors. */
typedef struct {
  char *header;
  uint8_t *data;
  uint64_t data_size;
} model;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s\n", what, detail);
  exit(1);
}

static void check(int32_t status, const char *what, const ctkpatch_error *error) {
  if (status == CTKPATCH_OK) return;
  fprintf(stderr, "%s: %s: %s\n", what, error->code, error->message);
  exit(1);
}

static model read_model(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t size[8];
  if (file == NULL || fread(size, 1, 8, file) != 8) fail("cannot read", path);
  uint64_t header_size = 0;
  for (int i = 7; i >= 0; i--) header_size = header_size << 8 | size[i];
  if (fseek(file, 0, SEEK_END) != 0) fail("cannot read", path);
  uint64_t file_size = (uint64_t)ftell(file);
  if (file_size < 8 || header_size > file_size - 8) fail("not a safetensors file", path);
  model model = {calloc(header_size + 1, 1), NULL, file_size - 8 - header_size};
  model.data = malloc(model.data_size + 1);
  if (model.header == NULL || model.data == NULL) fail("out of memory", path);
  if (fseek(file, 8, SEEK_SET) != 0 ||
      fread(model.header, 1, header_size, file) != header_size ||
      fread(model.data, 1, model.data_size, file) != model.data_size) {
    fail("cannot read", path);
  }
  fclose(file);
  return model;
}

/* Where a tensor's bytes begin. This looks for the name as it stands in headers without
 * spaces; a program that loads any model has a parser for this. */
static uint8_t *tensor_data(const model *model, const char *name, size_t byte_count) {
  char key[512];
  unsigned long long begin, end;
  snprintf(key, sizeof key, "\"%s\":{", name);
  const char *entry = strstr(model->header, key);
  const char *offsets = entry == NULL ? NULL : strstr(entry, "\"data_offsets\":[");
  if (offsets == NULL || sscanf(offsets, "\"data_offsets\":[%llu,%llu]", &begin, &end) != 2 ||
      end > model->data_size || begin > end || end - begin != byte_count) {
    fail("the model has no such tensor", name);
  }
  return model->data + begin;
}

/* The memory of every tensor that the patch changes in place, in the shape of one side. */
static size_t tensors_in_place(const ctkpatch_patch *patch, const model *model, int side,
                               ctkpatch_tensor *tensors) {
  size_t count = 0;
  for (size_t i = 0; i < ctkpatch_entry_count(patch); i++) {
    ctkpatch_entry entry;
    ctkpatch_error error;
    check(ctkpatch_entry_at(patch, i, &entry, &error), "entry", &error);
    if (!entry.in_place) continue;
    const ctkpatch_layout *layout = entry.sides + side;
    void *data = tensor_data(model, entry.name, layout->byte_count);
    tensors[count++] = (ctkpatch_tensor){entry.name,   layout->dtype, layout->shape,
                                         layout->rank, data,          layout->byte_count};
  }
  return count;
}

static void compare(const ctkpatch_tensor *tensors, size_t count, const model *expected) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *data = tensor_data(expected, tensors[i].name, tensors[i].byte_count);
    if (memcmp(tensors[i].data, data, tensors[i].byte_count) != 0) {
      fail("other bytes than expected", tensors[i].name);
    }
  }
}

/* Tensors that only the tuned model has, or in another size: made in memory of their own. */
static size_t make_others(const ctkpatch_patch *patch, const model *base, const model *tuned) {
  size_t made = 0;
  for (size_t i = 0; i < ctkpatch_entry_count(patch); i++) {
    ctkpatch_entry entry;
    ctkpatch_error error;
    check(ctkpatch_entry_at(patch, i, &entry, &error), "entry", &error);
    const ctkpatch_layout *before = entry.sides + CTKPATCH_BEFORE;
    const ctkpatch_layout *after = entry.sides + CTKPATCH_AFTER;
    if (entry.in_place || entry.original != NULL || after->dtype == NULL) continue;
    const void *source =
        before->dtype == NULL ? NULL : tensor_data(base, entry.name, before->byte_count);
    void *data = malloc(after->byte_count + 1);
    if (data == NULL) fail("out of memory", entry.name);
    check(ctkpatch_make(patch, i, CTKPATCH_AFTER, source, source == NULL ? 0 : before->byte_count,
                        data, after->byte_count, &error),
          entry.name, &error);
    if (memcmp(data, tensor_data(tuned, entry.name, after->byte_count), after->byte_count) != 0) {
      fail("other bytes than expected", entry.name);
    }
    free(data);
    made++;
  }
  return made;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 4) fail("usage", "patch_tensors PATCH BASE.safetensors TUNED.safetensors");
  model base = read_model(arguments[2]), memory = read_model(arguments[2]);
  model tuned = read_model(arguments[3]);
  ctkpatch_error error;
  ctkpatch_patch *patch = ctkpatch_open(arguments[1], NULL, 0, &error);
  if (patch == NULL) check(error.status, "open", &error);
  ctkpatch_tensor *tensors = calloc(ctkpatch_entry_count(patch) + 1, sizeof *tensors);
  if (tensors == NULL) fail("out of memory", arguments[1]);
  size_t count = tensors_in_place(patch, &memory, CTKPATCH_BEFORE, tensors);
  check(ctkpatch_apply(patch, tensors, count, 0, &error), "apply", &error);
  compare(tensors, count, &tuned);
  size_t made = make_others(patch, &base, &tuned);
  count = tensors_in_place(patch, &memory, CTKPATCH_AFTER, tensors);
  check(ctkpatch_revert(patch, tensors, count, 0, &error), "revert", &error);
  if (memcmp(memory.data, base.data, base.data_size) != 0) {
    fail("other bytes than expected", "after reverting");
  }
  printf("%zu tensors applied and reverted, %zu made\n", count, made);
  free(tensors);
  ctkpatch_close(patch);
  return 0;
}
