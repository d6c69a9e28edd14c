/* Damage to sector 0, and to the chain of a DOS label's logical partitions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakgpt/disk.h"
#include "base/num.h"
#include "base/view.h"

#include "base/banned.h"

enum { ENTRIES = 446, SLOT = 16, SIGNATURE = 510 };

#define LLU(v) ((unsigned long long)(v))

void break_signature(struct disk *d)
{
	zero(d, SIGNATURE, 2);
	say(d, "no 55 AA");
}

void break_no_entry(struct disk *d)
{
	bool all = chance(d, 2);

	zero(d, all ? 0 : ENTRIES, all ? SECTOR0 : (uint64_t)4 * SLOT);
	say(d, all ? "sector 0 zeroed" : "no protective entry");
}

static void other_slot(struct disk *d)
{
	uint64_t slot = 1 + draw(d, 3);
	uint8_t b[SLOT];

	get(d, ENTRIES, b, sizeof(b));
	zero(d, ENTRIES, SLOT);
	put(d, ENTRIES + SLOT * slot, b, sizeof(b));
	say(d, "the protective entry in slot %llu", LLU(slot));
}

void break_protective(struct disk *d)
{
	uint64_t sizes[] = { 0, 1, 100, d->sectors - 2, d->sectors, d->sectors + 5 };
	uint64_t v;

	switch (draw(d, 4)) {
	case 0:
		v = draw(d, 2) ? 0 : 2;
		put32(d, ENTRIES + 8, v);
		say(d, "the protective entry from LBA %llu", LLU(v));
		break;
	case 1:
		other_slot(d);
		break;
	case 2:
		put(d, ENTRIES, &(uint8_t){ 0x80 }, 1);
		say(d, "the protective entry active");
		break;
	default:
		v = sizes[draw(d, 6)];
		put32(d, ENTRIES + 12, v);
		say(d, "the protective entry of %llu sectors", LLU(v));
		break;
	}
}

static void put_entry(struct disk *d, uint64_t slot, uint64_t type, uint64_t lba,
		      uint64_t n)
{
	uint8_t b[SLOT] = { 0 };

	b[4] = (uint8_t)type;
	put_le32(b + 8, (uint32_t)lba);
	put_le32(b + 12, (uint32_t)n);
	put(d, ENTRIES + SLOT * slot, b, sizeof(b));
}

/* Further entries: as gdisk makes them, perhaps out of step with the GPT by now, or the
 * protective one twice. */
void break_hybrid(struct disk *d)
{
	uint64_t at = d->primary.array + pick_entry(d) * ENTRY;
	uint64_t first = get64(d, at + 32), n = get64(d, at + 40) - first + 1;

	if (chance(d, 8)) {
		put_entry(d, 2, 0xee, 1, d->sectors - 1);
		say(d, "two protective entries");
		return;
	}
	put32(d, ENTRIES + 12, first - 1);
	if (chance(d, 2)) {
		put_entry(d, 1, 0x83, first, n);
		say(d, "a hybrid MBR with the partition at LBA %llu", LLU(first));
	} else {
		put_entry(d, 1, 0x0c, first, n - n / 2);
		say(d, "a hybrid MBR with the old length of the partition at LBA %llu",
		    LLU(first));
	}
}

/* ---- a DOS label ---- */

void break_dos_entry(struct disk *d)
{
	uint64_t slot = ENTRIES + SLOT * draw(d, 4), base = 0, v;
	uint8_t b;

	if (d->nebr && chance(d, 2)) {
		base = d->ebr[draw(d, d->nebr)] * d->ss;
		slot = ENTRIES;
	}
	switch (draw(d, 3)) {
	case 0:
		v = draw(d, 2) ? draw(d, 4) : draw(d, 2 * d->sectors);
		put32(d, base + slot + 8, v);
		say(d, "an entry of LBA %llu begins at %llu", LLU(base / d->ss), LLU(v));
		break;
	case 1:
		v = draw(d, 2) ? UINT32_MAX : draw(d, 2 * d->sectors);
		put32(d, base + slot + 12, v);
		say(d, "an entry of LBA %llu has %llu sectors", LLU(base / d->ss),
		    LLU(v));
		break;
	default:
		b = (uint8_t)(draw(d, 2) ? 0x80 : draw(d, 256));
		put(d, base + slot, &b, 1);
		say(d, "an entry of LBA %llu has the boot flag %02x", LLU(base / d->ss),
		    b);
		break;
	}
}

void break_ebr(struct disk *d)
{
	uint64_t at, v;

	if (!d->nebr) {
		break_dos_entry(d);
		return;
	}
	at = d->ebr[draw(d, d->nebr)] * d->ss;
	if (chance(d, 3)) {
		zero(d, at + SIGNATURE, 2);
		say(d, "the EBR at LBA %llu lacks 55 AA", LLU(at / d->ss));
		return;
	}
	v = draw(d, 2) ? (d->ebr[draw(d, d->nebr)] - d->ebr[0]) : draw(d, 2 * d->sectors);
	put(d, at + ENTRIES + SLOT + 4, &(uint8_t){ 5 }, 1);
	put32(d, at + ENTRIES + SLOT + 8, v);
	put32(d, at + ENTRIES + SLOT + 12, 1 + draw(d, 2048));
	say(d, "the EBR at LBA %llu is followed by one at %llu", LLU(at / d->ss), LLU(v));
}
