/* qcow2scan [-c] IMAGE...: what the scan of QCOW2 images found, for tests: one line for each
 * fact, "FLAW n runs" with its runs behind it, and with -c the count of every host cluster.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_owner(const struct qcow2_owner *o)
{
	printf(" [%s at 0x%" PRIx64 " entry 0x%" PRIx64, qcow2_use_title(o->use),
	       o->at.off, o->entry);
	if (o->snapshot != QCOW2_ACTIVE)
		printf(" snapshot %" PRIu32, o->snapshot);
	if (!qcow2_use_is_metadata(o->use) || o->use == QCOW2_USE_L2)
		printf(" guest 0x%" PRIx64, o->guest);
	putchar(']');
}

static void print_flaws(const struct qcow2_scan *s)
{
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		const struct qcow2_flaws *f = &s->flaws[k];

		if (f->total)
			printf("flaw %s %" PRIu64 "\n", qcow2_flaw_word(k), f->total);
		for (size_t i = 0; i < f->n; i++) {
			const struct qcow2_flaw *x = &f->v[i];

			printf("  %s at 0x%" PRIx64 "+%" PRIu64 " n %" PRIu64
			       " entry 0x%" PRIx64 " cluster %" PRIu64 " stored %" PRIu64
			       " counted %" PRIu64,
			       qcow2_flaw_word(k), x->at.off, x->at.len, x->n, x->entry,
			       x->cluster, x->stored, x->counted);
			for (size_t m = 0; m < x->nowners; m++)
				print_owner(&x->owner[m]);
			putchar('\n');
		}
	}
}

static void print_orphans(const struct qcow2_scan *s)
{
	for (unsigned k = 0; k < QCOW2_ORPHAN_KINDS; k++) {
		if (s->orphans[k])
			printf("orphan %s %" PRIu64 "\n", qcow2_orphan_word(k),
			       s->orphans[k]);
	}
	for (size_t i = 0; i < s->norphans; i++) {
		const struct qcow2_orphan *x = &s->orphan[i];

		printf("  %s cluster %" PRIu64 " n %" PRIu64 " stored %" PRIu64,
		       qcow2_orphan_word(x->kind), x->cluster, x->n, x->stored);
		if (x->points.used)
			printf(" used %" PRIu32 " leaked %" PRIu32 " taken %" PRIu32
			       " lost %" PRIu32 " flagged %" PRIu32 " first %" PRIu32
			       " last %" PRIu32,
			       x->points.used, x->points.leaked, x->points.taken,
			       x->points.lost, x->points.flagged, x->points.first,
			       x->points.last);
		putchar('\n');
	}
	for (size_t i = 0; i < s->nempty; i++)
		printf("  empty slots %" PRIu64 "+%" PRIu64 "\n", s->empty[i].first,
		       s->empty[i].n);
}

static void print_counts(const struct qcow2_scan *s)
{
	for (uint64_t c = 0; c < s->refs.end;) {
		uint32_t count;
		uint64_t n = qcow2_refs_run(&s->refs, c, &count);

		for (uint64_t i = 0; i < n && c < s->refs.end; i++)
			printf("count %" PRIu64 " %" PRIu32 "\n", c++, count);
	}
}

static int print(const char *path, bool counts)
{
	static const struct host host;
	const struct qcow2_scan *s;
	struct unit u;
	int rc = 0;

	unit_open(&u, path, SOURCE_READ, NULL, &host);
	s = u.qcow2 ? u.qcow2->scan : NULL;
	if (u.state == UNIT_FAILED || u.state == UNIT_NOT_OURS) {
		printf("%s: %s\n", path, u.state == UNIT_FAILED ? u.why.msg : "no image");
		rc = 1;
	} else if (!s) {
		printf("no geometry\n");
	} else {
		printf("%s%s%s\n", s->complete ? "complete" : "incomplete",
		       s->limit ? ": " : "", s->limit ? s->limit : "");
		printf("end %" PRIu64 " normal %" PRIu64 " zero %" PRIu64
		       " compressed %" PRIu64 " vm-state %" PRIu64 "\n",
		       s->end, s->nnormal, s->nzero, s->ncompressed, s->nvm_state);
		print_flaws(s);
		print_orphans(s);
		if (counts)
			print_counts(s);
	}
	unit_close(&u);
	return rc;
}

int main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "-c") == 0 ? 2 : 1, rc = 0;

	if (first >= argc) {
		fputs("usage: qcow2scan [-c] IMAGE...\n", stderr);
		return 2;
	}
	for (int i = first; i < argc; i++)
		rc |= print(argv[i], first == 2);
	return rc;
}
