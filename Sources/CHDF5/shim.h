#ifndef CTK_CHDF5_SHIM_H
#define CTK_CHDF5_SHIM_H

#include <hdf5.h>

#endif
