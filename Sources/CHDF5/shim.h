#ifndef CTK_CHDF5_SHIM_H
#define CTK_CHDF5_SHIM_H

#include <hdf5.h>
#include <zlib.h>

// Constants that are macros with casts or calls inside, which Swift does not import.

static inline hid_t ctk_h5_default_properties(void) { return H5P_DEFAULT; }
static inline hid_t ctk_h5_whole_space(void) { return H5S_ALL; }
static inline hsize_t ctk_h5_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t ctk_h5_default_error_stack(void) { return H5E_DEFAULT; }
static inline unsigned ctk_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned ctk_h5_truncate(void) { return H5F_ACC_TRUNC; }
static inline H5F_libver_t ctk_h5_latest_format(void) { return H5F_LIBVER_LATEST; }
static inline hid_t ctk_h5_file_access_class(void) { return H5P_FILE_ACCESS; }
static inline hid_t ctk_h5_dataset_creation_class(void) { return H5P_DATASET_CREATE; }
static inline hid_t ctk_h5_little_endian_float(void) { return H5T_IEEE_F32LE; }
static inline hid_t ctk_h5_link_creation_class(void) { return H5P_LINK_CREATE; }
static inline hid_t ctk_h5_c_string(void) { return H5T_C_S1; }
static inline size_t ctk_h5_variable_length(void) { return H5T_VARIABLE; }
static inline hid_t ctk_h5_native_float(void) { return H5T_NATIVE_FLOAT; }

#endif
