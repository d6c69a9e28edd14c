/* Names, offsets and lengths of the fields of MBR and GPT records, in the order of the
 * specs. One list each: readers fill facts from it, image_place() names places by it.
 *
 * X(member, name, offset, length) is a number that the facts have as struct field,
 * Y(name, offset, length) is something else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_LAYOUT_H
#define ANALYZE_IMAGE_LAYOUT_H

#include "analyze/image/gpt.h"
#include "analyze/image/mbr.h"

#define MBR_FIELDS(X, Y)                                                                 \
	Y("boot-code", 0, 440)                                                           \
	Y("disk-signature", MBR_OFF_DISK_SIGNATURE, 4)                                   \
	Y("reserved", 444, 2)                                                            \
	X(magic, "magic", MBR_OFF_MAGIC, 2)

#define MBR_ENTRY_FIELDS(X, Y)                                                           \
	X(boot, "boot", MBR_ENT_BOOT, 1)                                                 \
	Y("chs-first", MBR_ENT_CHS_FIRST, 3)                                             \
	X(type, "type", MBR_ENT_TYPE, 1)                                                 \
	Y("chs-last", MBR_ENT_CHS_LAST, 3)                                               \
	X(lba, "lba", MBR_ENT_LBA, 4)                                                    \
	X(sectors, "sectors", MBR_ENT_SECTORS, 4)

#define GPT_HEADER_FIELDS(X, Y)                                                          \
	Y("signature", GPT_OFF_SIGNATURE, 8)                                             \
	X(revision, "revision", GPT_OFF_REVISION, 4)                                     \
	X(header_size, "header-size", GPT_OFF_HEADER_SIZE, 4)                            \
	X(header_crc, "header-crc", GPT_OFF_HEADER_CRC, 4)                               \
	X(reserved, "reserved", GPT_OFF_RESERVED, 4)                                     \
	X(my_lba, "my-lba", GPT_OFF_MY_LBA, 8)                                           \
	X(alternate_lba, "alternate-lba", GPT_OFF_ALTERNATE_LBA, 8)                      \
	X(first_usable, "first-usable", GPT_OFF_FIRST_USABLE, 8)                         \
	X(last_usable, "last-usable", GPT_OFF_LAST_USABLE, 8)                            \
	Y("disk-guid", GPT_OFF_DISK_GUID, GPT_GUID_SIZE)                                 \
	X(entries_lba, "entries-lba", GPT_OFF_ENTRIES_LBA, 8)                            \
	X(entry_count, "entry-count", GPT_OFF_ENTRY_COUNT, 4)                            \
	X(entry_size, "entry-size", GPT_OFF_ENTRY_SIZE, 4)                               \
	X(entries_crc, "entries-crc", GPT_OFF_ENTRIES_CRC, 4)

#define GPT_ENTRY_FIELDS(X, Y)                                                           \
	Y("type", GPT_ENT_TYPE, GPT_GUID_SIZE)                                           \
	Y("guid", GPT_ENT_GUID, GPT_GUID_SIZE)                                           \
	X(first, "first", GPT_ENT_FIRST, 8)                                              \
	X(last, "last", GPT_ENT_LAST, 8)                                                 \
	X(attributes, "attributes", GPT_ENT_ATTRIBUTES, 8)                               \
	Y("name", GPT_ENT_NAME, GPT_ENT_NAME_SIZE)

#endif
