/* A firmware's variables, as those of OVMF:
 *
 *   variables [size=N]       the volume's header and an empty store, for a volume of N bytes
 *                            (the file's own size, if it is not said)
 *   bootentry N "debian" [part=GUID] [inactive=1]
 *                            variable Boot000N: \EFI\BOOT\BOOTX64.EFI of the partition, or
 *                            without one a program of the firmware's own
 *
 * EDK2, MdeModulePkg/Include/Guid/VariableFormat.h; UEFI 2.10, 3.1.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "base/num.h"
#include "base/view.h"

#include <string.h>

#include "base/banned.h"

enum {
	HEADER = 72,
	STORE_HEADER = 28,
	VARIABLE = 60, /* a header, with room for a signature's time */
	STORE = 0x3ffb8,
};

void do_variables(struct recipe *r)
{
	uint8_t guid[16], h[HEADER] = { 0 }, s[STORE_HEADER] = { 0 }, ones[4096];
	uint64_t size, store;
	uint16_t sum = 0;

	only_options(r, 1, "size");
	size = option_number(r, "size", r->size);
	store = size < 0x84000 ? 0xdfb8 : STORE;
	guid_of_text("FFF12B8D-7696-4C8B-A985-2747075B4F50", guid);
	memcpy(h + 16, guid, 16);
	put_le64(h + 32, size);
	memcpy(h + 40, "_FVH", 4);
	put_le32(h + 44, 0x0004feff);
	put_le16(h + 48, HEADER);
	h[55] = 2;
	put_le32(h + 56, (uint32_t)(size / 4096));
	put_le32(h + 60, 4096);
	for (unsigned i = 0; i < HEADER; i += 2)
		sum = (uint16_t)(sum + view_le16((struct view){ h, HEADER }, i));
	put_le16(h + 50, (uint16_t)-sum);
	put(r, 0, h, HEADER);
	guid_of_text("AAF32C78-947B-439A-A180-2E144EC37792", guid);
	memcpy(s, guid, 16);
	put_le32(s + 16, (uint32_t)store);
	s[20] = 0x5a;
	s[21] = 0xfe;
	/* Flash that was never written to. */
	memset(ones, 0xff, sizeof(ones));
	for (uint64_t off = HEADER; off < r->size; off += sizeof(ones))
		put(r, off, ones, (size_t)u64_min(sizeof(ones), r->size - off));
	put(r, HEADER, s, STORE_HEADER);
	r->variables = HEADER + STORE_HEADER;
}

static size_t put_wide(uint8_t *p, const char *s)
{
	size_t n = strlen(s) + 1;

	for (size_t i = 0; i < n; i++)
		put_le16(p + 2 * i, (uint8_t)s[i]);
	return 2 * n;
}

static size_t put_paths(const struct recipe *r, uint8_t *p)
{
	static const uint8_t end[] = { 0x7f, 0xff, 4, 0 };
	const char *part = option(r, "part");
	size_t at = 0, n;

	if (part) {
		p[0] = 4;
		p[1] = 1;
		put_le16(p + 2, 42);
		put_le32(p + 4, 1);
		put_le64(p + 8, 2048);
		put_le64(p + 16, 65536);
		if (!guid_of_text(part, p + 24))
			die(r, "'%s' is not a GUID", part);
		p[40] = p[41] = 2;
		at = 42;
	}
	/* A file's path; of the firmware's own, one of its volume's files would be here. */
	p[at] = 4;
	p[at + 1] = 4;
	n = put_wide(p + at + 4, "\\EFI\\BOOT\\BOOTX64.EFI");
	put_le16(p + at + 2, (uint16_t)(4 + n));
	at += 4 + n;
	memcpy(p + at, end, sizeof(end));
	return at + sizeof(end);
}

void do_bootentry(struct recipe *r)
{
	uint64_t n_entry = number(r, need(r, 1, "a number"));
	const char *name = need(r, 2, "a name");
	uint8_t v[1024] = { 0 }, guid[16];
	char text[] = "Boot0000";
	size_t n = 0, data, paths;

	only_options(r, 3, "part inactive");
	if (!r->variables || n_entry > 9 || strlen(name) > 64)
		die(r, "bootentry 0 to 9, behind variables");
	text[7] = (char)('0' + n_entry);
	put_le16(v, 0x55aa);
	v[2] = 0x3f;
	put_le32(v + 4, 7);
	guid_of_text("8BE4DF61-93CA-11D2-AA0D-00E098032B8C", guid);
	memcpy(v + 44, guid, 16);
	put_le32(v + 36, (uint32_t)put_wide(v + VARIABLE, text));
	data = VARIABLE + 18;
	put_le32(v + data, option_number(r, "inactive", 0) ? 0 : 1);
	n = 6 + put_wide(v + data + 6, name);
	paths = put_paths(r, v + data + n);
	put_le16(v + data + 4, (uint16_t)paths);
	n += paths;
	put_le32(v + 40, (uint32_t)n);
	put(r, r->variables, v, data + n);
	r->variables += (data + n + 3) & ~(uint64_t)3;
}
