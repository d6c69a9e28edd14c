/* Blind damage to the sectors that a table takes: a flaky cable, a write that went astray
 * or was torn, a copy that was cut off.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakgpt/disk.h"
#include "base/num.h"
#include "base/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

enum { SECTOR_MAX = 4096, RUN_MAX = 8, CODE = 440 };

/* Sectors of a table: from LBA 0, or those at the end. */
struct area {
	uint64_t lba, n;
};

static struct area area_of(struct disk *d, bool head)
{
	uint64_t array = div_up(d->array_bytes, d->ss), end;

	if (d->dos)
		return (struct area){ 0, 1 };
	if (head) {
		end = u64_min(d->first, d->primary.array / d->ss + array);
		return (struct area){ 0, end };
	}
	return (struct area){ d->backup.array / d->ss, array + 1 };
}

/* Those that matter more often than those that are zeros on every disk. */
static uint64_t pick(struct disk *d, struct area *area)
{
	bool head = !chance(d, 2);
	const struct copy *c = head ? &d->primary : &d->backup;

	if (d->dos && d->nebr && chance(d, 2)) {
		*area = (struct area){ d->ebr[draw(d, d->nebr)], 1 };
		return area->lba;
	}
	*area = area_of(d, head);
	if (d->dos)
		return 0;
	switch (draw(d, 6)) {
	case 0:
		return head ? 0 : c->header / d->ss;
	case 1:
		return c->header / d->ss;
	case 2:
	case 3:
		return (c->array + draw(d, d->used * ENTRY)) / d->ss;
	default:
		return area->lba + draw(d, area->n);
	}
}

static uint64_t pick_run(struct disk *d, uint64_t *n)
{
	struct area a;
	uint64_t lba = pick(d, &a);

	*n = chance(d, 2) ? 1 : u64_min(1 + draw(d, RUN_MAX), a.lba + a.n - lba);
	return lba;
}

static void say_run(struct disk *d, const char *what, uint64_t lba, uint64_t n)
{
	if (n == 1)
		say(d, "%s in LBA %llu", what, (unsigned long long)lba);
	else
		say(d, "%s in LBA %llu to %llu", what, (unsigned long long)lba,
		    (unsigned long long)(lba + n - 1));
}

/* A byte that can matter: not of the boot code, and mostly of what is in use. */
static uint64_t pick_byte(struct disk *d, uint64_t lba)
{
	uint64_t at = lba * d->ss, n = d->ss;

	if (lba == 0)
		return CODE + draw(d, SECTOR0 - CODE);
	if (at == d->primary.header || at == d->backup.header)
		n = chance(d, 8) ? d->ss : HEADER;
	return at + draw(d, n);
}

void break_flip(struct disk *d)
{
	struct area a;
	uint64_t lba = pick(d, &a), at = pick_byte(d, lba);
	uint8_t b, bit = (uint8_t)draw(d, 8);

	get(d, at, &b, 1);
	b ^= (uint8_t)(1 << bit);
	put(d, at, &b, 1);
	say(d, "bit %u of byte %llu of LBA %llu flipped", bit,
	    (unsigned long long)(at - lba * d->ss), (unsigned long long)lba);
}

void break_bytes(struct disk *d)
{
	struct area a;
	uint64_t lba = pick(d, &a), n = 1 + draw(d, 16);

	for (uint64_t i = 0; i < n; i++)
		scribble(d, pick_byte(d, lba), 1);
	say(d, "%llu bytes of LBA %llu changed", (unsigned long long)n,
	    (unsigned long long)lba);
}

void break_zeros(struct disk *d)
{
	uint64_t n, lba = pick_run(d, &n);

	zero(d, lba * d->ss, n * d->ss);
	say_run(d, "zeros", lba, n);
}

void break_noise(struct disk *d)
{
	uint64_t n, lba = pick_run(d, &n);

	scribble(d, lba * d->ss, n * d->ss);
	say_run(d, "noise", lba, n);
}

void break_text(struct disk *d)
{
	static const char line[] = "Nov 21 06:25:01 host kernel: end of input\n";
	uint64_t n, lba = pick_run(d, &n);

	for (uint64_t i = 0; i < n * d->ss; i++)
		put(d, lba * d->ss + i, &line[i % (sizeof(line) - 1)], 1);
	say_run(d, "a log", lba, n);
}

void break_swap(struct disk *d)
{
	uint8_t x[SECTOR_MAX], y[SECTOR_MAX];
	struct area a;
	uint64_t one = pick(d, &a), two = pick(d, &a);

	get(d, one * d->ss, x, d->ss);
	get(d, two * d->ss, y, d->ss);
	put(d, one * d->ss, y, d->ss);
	put(d, two * d->ss, x, d->ss);
	say(d, "LBA %llu and %llu exchanged", (unsigned long long)one,
	    (unsigned long long)two);
}

void break_copy(struct disk *d)
{
	uint8_t x[SECTOR_MAX];
	struct area a;
	uint64_t from = pick(d, &a), to = pick(d, &a);

	get(d, from * d->ss, x, d->ss);
	put(d, to * d->ss, x, d->ss);
	say(d, "LBA %llu copied over %llu", (unsigned long long)from,
	    (unsigned long long)to);
}

/* A write that did not happen, or not all of it: a copy's header or its entries are as
 * before the last change of a partition. */
void break_old(struct disk *d)
{
	const struct copy *c = chance(d, 2) ? &d->primary : &d->backup;
	uint64_t at = c->array + pick_entry(d) * ENTRY, keep = draw(d, 2);
	uint64_t n = div_up(d->array_bytes, d->ss) * d->ss, size = d->ss;
	uint64_t off = keep ? c->array : c->header;
	uint8_t *now;

	if (keep)
		size = n;
	now = malloc(size);
	if (!now)
		die("no memory");
	get(d, off, now, size);
	scribble(d, at + 16, 16);
	put64(d, at + 40, get64(d, at + 32) + draw(d, 8));
	reseal(d, c);
	put(d, off, now, size);
	free(now);
	say(d, "the %s's %s are older than its %s", c->name, keep ? "header" : "entries",
	    keep ? "entries" : "header");
}

void break_cut(struct disk *d)
{
	uint64_t unit = chance(d, 3) ? d->ss : chance(d, 4) ? 512 : 4096;
	uint64_t less = (1 + draw(d, 64)) * unit;

	if (ftruncate(d->fd, (off_t)(d->size - less)) != 0)
		die("cannot truncate");
	say(d, "cut by %llu bytes", (unsigned long long)less);
}
