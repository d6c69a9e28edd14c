/* Sizes as QEMU and qemu-img read them, in bytes: digits, and B, K, M, G, T, P or E for a power
 * of 1024, in any case. QEMU, util/cutils.c, do_strtosz(). Fractions are not read here.
 * Other programs have units of their own: libvirt (domain_size), Incus (incus_size).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_SIZE_H
#define ANALYZE_CONFIG_QEMU_SIZE_H

#include "base/str.h"

/* unit: what a number without a letter counts, in bytes. False: it is not so written, or is
 * 2^64 bytes and more. */
bool qemu_size(struct str s, uint64_t unit, uint64_t *bytes);

/* Of "2GB", "512MiB" and the like, which QEMU refuses: how many bytes of the text are the size
 * that was meant, its number and one letter. 0: it is no such text. */
size_t qemu_size_meant(struct str s);

#endif
