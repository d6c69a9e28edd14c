/* Names, offsets and lengths of the fields of QCOW2 records, in the order of
 * docs/interop/qcow2.txt. One list each: the reader fills facts from it, qcow2_place()
 * names places by it. X is a number, Y is something else; see layout.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_LAYOUT_H
#define ANALYZE_IMAGE_QCOW2_LAYOUT_H

#include "analyze/image/qcow2.h"

#define QCOW2_HEADER_FIELDS(X, Y)                                                        \
	Y("magic", QCOW2_OFF_MAGIC, 4)                                                   \
	X(version, "version", QCOW2_OFF_VERSION, 4)                                      \
	X(backing_offset, "backing-file-offset", QCOW2_OFF_BACKING_OFFSET, 8)            \
	X(backing_length, "backing-file-size", QCOW2_OFF_BACKING_LENGTH, 4)              \
	X(cluster_bits, "cluster-bits", QCOW2_OFF_CLUSTER_BITS, 4)                       \
	X(size, "size", QCOW2_OFF_SIZE, 8)                                               \
	X(crypt_method, "crypt-method", QCOW2_OFF_CRYPT_METHOD, 4)                       \
	X(l1_size, "l1-size", QCOW2_OFF_L1_SIZE, 4)                                      \
	X(l1_offset, "l1-table-offset", QCOW2_OFF_L1_OFFSET, 8)                          \
	X(rt_offset, "refcount-table-offset", QCOW2_OFF_RT_OFFSET, 8)                    \
	X(rt_clusters, "refcount-table-clusters", QCOW2_OFF_RT_CLUSTERS, 4)              \
	X(nb_snapshots, "nb-snapshots", QCOW2_OFF_SNAPSHOTS, 4)                          \
	X(snapshots_offset, "snapshots-offset", QCOW2_OFF_SNAPSHOTS_OFFSET, 8)           \
	X(incompatible, "incompatible-features", QCOW2_OFF_INCOMPATIBLE, 8)              \
	X(compatible, "compatible-features", QCOW2_OFF_COMPATIBLE, 8)                    \
	X(autoclear, "autoclear-features", QCOW2_OFF_AUTOCLEAR, 8)                       \
	X(refcount_order, "refcount-order", QCOW2_OFF_REFCOUNT_ORDER, 4)                 \
	X(header_length, "header-length", QCOW2_OFF_HEADER_LENGTH, 4)                    \
	X(compression, "compression-type", QCOW2_OFF_COMPRESSION, 1)                     \
	Y("padding", QCOW2_OFF_PADDING, 7)

#define QCOW2_SNAPSHOT_FIELDS(X, Y)                                                      \
	X(l1_offset, "l1-table-offset", QCOW2_SNAP_L1_OFFSET, 8)                         \
	X(l1_size, "l1-size", QCOW2_SNAP_L1_SIZE, 4)                                     \
	X(id_length, "id-size", QCOW2_SNAP_ID_LENGTH, 2)                                 \
	X(name_length, "name-size", QCOW2_SNAP_NAME_LENGTH, 2)                           \
	X(date_sec, "date-sec", QCOW2_SNAP_DATE_SEC, 4)                                  \
	X(date_nsec, "date-nsec", QCOW2_SNAP_DATE_NSEC, 4)                               \
	X(clock_nsec, "vm-clock-nsec", QCOW2_SNAP_CLOCK_NSEC, 8)                         \
	X(vm_state_size, "vm-state-size", QCOW2_SNAP_VM_STATE_SIZE, 4)                   \
	X(extra_size, "extra-data-size", QCOW2_SNAP_EXTRA_SIZE, 4)

#define QCOW2_SNAPSHOT_EXTRA(X, Y)                                                       \
	X(vm_state_large, "vm-state-size-large", QCOW2_SNAP_VM_STATE_LARGE, 8)           \
	X(disk_size, "disk-size", QCOW2_SNAP_DISK_SIZE, 8)                               \
	X(icount, "icount", QCOW2_SNAP_ICOUNT, 8)

#define QCOW2_BITMAPS_FIELDS(X, Y)                                                       \
	X(count, "nb-bitmaps", 0, 4)                                                     \
	X(reserved, "reserved", 4, 4)                                                    \
	X(directory_size, "bitmap-directory-size", 8, 8)                                 \
	X(directory_offset, "bitmap-directory-offset", 16, 8)

#define QCOW2_BITMAP_FIELDS(X, Y)                                                        \
	X(table_offset, "bitmap-table-offset", QCOW2_BITMAP_TABLE_OFFSET, 8)             \
	X(table_size, "bitmap-table-size", QCOW2_BITMAP_TABLE_SIZE, 4)                   \
	X(flags, "flags", QCOW2_BITMAP_FLAGS, 4)                                         \
	X(type, "type", QCOW2_BITMAP_TYPE, 1)                                            \
	X(granularity_bits, "granularity-bits", QCOW2_BITMAP_GRANULARITY, 1)             \
	X(name_length, "name-size", QCOW2_BITMAP_NAME_LENGTH, 2)                         \
	X(extra_size, "extra-data-size", QCOW2_BITMAP_EXTRA_SIZE, 4)

#define QCOW2_CRYPTO_FIELDS(X, Y)                                                        \
	X(offset, "offset", 0, 8)                                                        \
	X(length, "length", 8, 8)

#endif
