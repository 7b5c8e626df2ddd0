/* SPDX-License-Identifier: BSD-2-Clause */
/* sum_avx2 - xxHash's own code in this file, which is built for AVX2 (Makefile); its state never meets the library's */
#ifdef __x86_64__
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/sum_ops.h"

const struct sum_ops sum_avx2 = SUM_OPS;
#endif
