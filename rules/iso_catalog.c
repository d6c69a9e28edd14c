/* Rules on the boot catalog of an ISO 9660 image: that it is there, and whole. What it starts:
 * iso_boot.c. "El Torito" 1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { HEADER_ID = 1, KEY = 0xaa55, SECTION_COUNT = 2 };

/* Not a part that has not been downloaded yet. */
static bool is_to_come(const struct iso *iso, uint64_t lba)
{
	return lba * ISO_SECTOR < iso->volume_end;
}

static bool is_read(const struct iso_catalog *c)
{
	return c->state == ISO_CATALOG_READ;
}

/* ---- iso-catalog-lba ---- */

static void check_lba(struct scan *s, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	struct finding *f = NULL;

	switch (c->state) {
	case ISO_CATALOG_NONE:
	case ISO_CATALOG_READ:
		return;
	case ISO_CATALOG_OUTSIDE:
		if (is_to_come(iso, c->lba.v))
			return;
		f = report(
			s, c->lba.at,
			"the boot catalog is said to be at block %llu, behind the end of "
			"the image",
			LLU(c->lba.v));
		break;
	case ISO_CATALOG_FOREIGN:
		f = report(
			s, c->lba.at,
			"the boot catalog is said to be at block %llu, and there is none",
			LLU(c->lba.v));
		break;
	}
	if (!f)
		return;
	report_label(s, f, "nothing boots from it as a CD");
	if (c->found)
		report_related(s, f,
			       (struct span){ iso->image->src,
					      (uint64_t)c->found * ISO_SECTOR,
					      ISO_CATALOG_ENTRY },
			       "a boot catalog");
}

static bool fix_lba(struct plan *p, const struct finding *f, const struct iso *iso)
{
	if (!iso->catalog.found)
		return plan_refuse(p, "no file of the image is a boot catalog");
	plan_title(p, "the catalog at block %u", iso->catalog.found);
	return plan_le32(p, STAGE_COMMIT, f->at, iso->catalog.found);
}

/* ---- iso-eltorito-checksum, iso-eltorito-key, iso-platform-id ---- */

static bool is_platform(uint64_t id)
{
	return id == ISO_PLATFORM_X86 || id == ISO_PLATFORM_PPC ||
	       id == ISO_PLATFORM_MAC || id == ISO_PLATFORM_EFI;
}

/* With this platform its sum would be as it is. */
static bool platform_fits(const struct iso_catalog *c, uint8_t *id)
{
	static const uint8_t ids[] = { ISO_PLATFORM_X86, ISO_PLATFORM_EFI,
				       ISO_PLATFORM_PPC, ISO_PLATFORM_MAC };
	uint16_t off = (uint16_t)((c->sum.v - c->sum_wanted) & 0xffff);

	for (size_t i = 0; off && i < sizeof(ids); i++) {
		if ((uint16_t)((c->platform.v - ids[i]) << 8) == off) {
			*id = ids[i];
			return true;
		}
	}
	return false;
}

/* What the first boot image is: a BIOS' own, or UEFI's. */
static bool content_is(const struct iso_catalog *c, uint64_t id)
{
	enum iso_content is = c->nentries ? c->entry[0].content : ISO_CONTENT_UNKNOWN;

	return (is == ISO_CONTENT_BIOS && id == ISO_PLATFORM_X86) ||
	       (is == ISO_CONTENT_EFI && id == ISO_PLATFORM_EFI);
}

/* The checksum is right, and the platform is not what it was made of. */
static bool platform_meant(const struct iso_catalog *c, uint8_t *id)
{
	return platform_fits(c, id) &&
	       (!is_platform(c->platform.v) || content_is(c, *id));
}

static void check_sum(struct scan *s, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	struct finding *f;
	uint8_t id;

	if (!is_read(c) || c->sum.v == c->sum_wanted || platform_meant(c, &id))
		return;
	f = report(s, c->sum.at, "the boot catalog's checksum is %04llx, expected %04x",
		   LLU(c->sum.v), c->sum_wanted);
	report_label(s, f, "UEFI and many a BIOS ignore the catalog");
}

static bool fix_sum(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	uint8_t id;

	if (platform_fits(c, &id) && !content_is(c, c->platform.v))
		return plan_refuse(
			p,
			"it is that of platform %02X, and nothing says which of "
			"the two is right",
			id);
	plan_title(p, "the checksum of what is there");
	return plan_le16(p, STAGE_COMMIT, f->at, iso->catalog.sum_wanted);
}

static void check_key(struct scan *s, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	struct finding *f = NULL;

	if (!is_read(c))
		return;
	if (c->header.v != HEADER_ID)
		f = report(s, c->header.at,
			   "the boot catalog begins with %02llX, expected 01",
			   LLU(c->header.v));
	if (c->key.v != KEY)
		f = report(s, c->key.at,
			   "the boot catalog's key is %02llX %02llX, expected 55 AA",
			   LLU(c->key.v & 0xff), LLU(c->key.v >> 8));
	if (f)
		report_label(s, f, "firmware ignores the catalog");
}

static bool fix_key(struct plan *p, const struct finding *f, const struct iso *iso)
{
	plan_title(p, "the constant that belongs there");
	if (f->at.off == iso->catalog.header.at.off)
		return plan_u8(p, STAGE_COMMIT, f->at, HEADER_ID);
	return plan_le16(p, STAGE_COMMIT, f->at, KEY);
}

static void check_platform(struct scan *s, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	uint64_t last = UINT64_MAX;
	struct finding *f;
	uint8_t meant;

	if (is_read(c) && is_platform(c->platform.v) && platform_meant(c, &meant)) {
		f = report(
			s, c->platform.at,
			"the first boot entry is for platform %02llX, and by its checksum "
			"and its image for %02X",
			LLU(c->platform.v), meant);
		report_label(s, f, "00 is a BIOS, EF UEFI");
	}
	for (size_t i = 0; is_read(c) && i < c->nentries; i++) {
		const struct field *id = &c->entry[i].platform;

		if (is_platform(id->v) || id->at.off == last)
			continue;
		last = id->at.off;
		f = report(s, id->at,
			   "a boot entry is for platform %02llX, which is none",
			   LLU(id->v));
		report_label(s, f, "00 is a BIOS, EF UEFI");
	}
}

static bool fix_platform(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	uint8_t id;

	if (f->at.off != c->platform.at.off || !platform_meant(c, &id))
		return plan_refuse(p, "nothing says which one it was");
	plan_title(p, "platform %02X, as the checksum says", id);
	return plan_u8(p, STAGE_COMMIT, f->at, id);
}

/* ---- iso-eltorito-section ---- */

static void check_section(struct scan *s, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	struct finding *f;

	if (!is_read(c) || !c->torn_at.len)
		return;
	f = report(s, c->torn_at,
		   "a section of the boot catalog is not followed by the entries that it "
		   "announces");
	report_label(s, f, "what UEFI or a BIOS would start may not be found");
}

/* A partition for UEFI of which the catalog says nothing: an entry of its own may be lost. */
static bool may_lack_entry(const struct iso *iso)
{
	for (size_t i = 0; i < iso->disk.nesp; i++) {
		if (!iso->disk.esp[i].in_catalog && iso->disk.esp[i].starts != ANSWER_NO)
			return true;
	}
	return false;
}

static bool fix_section(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_catalog *c = &iso->catalog;
	struct span mark = { f->at.src, f->at.off, 1 };
	struct span count = { f->at.src, f->at.off + SECTION_COUNT, 2 };

	if (!c->torn_count)
		return plan_refuse(p, "nothing says what stood there");
	if (may_lack_entry(iso))
		return plan_refuse(p, "an entry for the EFI partition may be lost");
	plan_title(p, "a section of %u, as many as there are", c->torn_count);
	return plan_u8(p, STAGE_COMMIT, mark, c->torn_mark) &&
	       plan_le16(p, STAGE_COMMIT, count, c->torn_count);
}

const struct rule rules_iso_catalog[] = {
	{ .id = "iso-catalog-lba",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "no boot catalog where the boot record says",
	  .why = "Neither a BIOS nor UEFI finds anything to start.",
	  .steps = "It is mended when exactly one file of the image is a boot catalog.",
	  .source = "El Torito 1.0, figure 7",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_lba, fix_lba) },
	{ .id = "iso-eltorito-checksum",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the boot catalog's checksum is wrong",
	  .why = "EDK2 and many a BIOS then see a CD that does not boot; others do not look.",
	  .source = "El Torito 1.0, figure 2; EDK2, PartitionDxe/ElTorito.c",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_sum, fix_sum) },
	{ .id = "iso-eltorito-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the boot catalog does not bear its marks",
	  .why = "It begins with 01, and its first entry ends with 55 AA; else it is none.",
	  .source = "El Torito 1.0, figure 2",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_key, fix_key) },
	{ .id = "iso-eltorito-section",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a section of the boot catalog that is torn",
	  .why = "Entries behind it are not found: mostly that is UEFI's.",
	  .steps =
		  "Where whole entries follow and nothing behind them, its header is made to fit. "
		  "Else make the image again, or copy the catalog from another of the same kind.",
	  .source = "El Torito 1.0, figures 4 and 5",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_section, fix_section) },
	{ .id = "iso-platform-id",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a boot entry for a platform that there is not",
	  .why = "Firmware goes by the platform to find its own entry.",
	  .steps =
		  "That of the first entry is mended when the catalog's checksum tells it.",
	  .source = "El Torito 1.0, figure 2; UEFI 2.10, table 13.5",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_platform, fix_platform) },
};

RULES_END(iso_catalog);
