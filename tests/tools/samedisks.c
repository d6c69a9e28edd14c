/* samedisks BEFORE BROKEN AFTER: three states of a QCOW2 image, of which the second is what a
 * repair was given. Prints, with tabs between:
 *
 *   ACTIVE   yes or no: AFTER shows the guest what BEFORE did
 *   ALL      the same, of all snapshots as well
 *   LOST     bytes that are not what they were BEFORE, or cannot be read
 *   CHANGED  bytes that could be read when BROKEN, and are neither that now nor what they were
 *   WORDS    the first of these
 *
 * samedisks -d IMAGE OUT [ID]: the disk, or that of a snapshot, into a sparse file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/samedisks/disk.h"
#include "base/num.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { CHUNK = 1 << 21 };

/* One state of a disk. */
struct state {
	struct disk *disk; /* NULL: not there */
	enum shown shown;
	uint64_t place;
	uint8_t *buf;
};

struct sums {
	uint64_t lost, changed;
	char words[200];
};

static struct disk *find(struct image *m, const char *id)
{
	for (unsigned i = 0; m && i < m->ndisks; i++) {
		if (strcmp(m->disk[i].id, id) == 0)
			return &m->disk[i];
	}
	return NULL;
}

/* The key is in this header; without it nothing can be read, nor can what was broken to say
 * that it is encrypted. */
static bool has_key(const struct image *before, const struct image *m)
{
	uint8_t *x, *y;
	bool same;

	if (!before->encrypted)
		return !m->encrypted;
	if (!m->encrypted || m->luks_off != before->luks_off ||
	    m->luks_len != before->luks_len)
		return false;
	x = calloc(2, (size_t)m->luks_len);
	if (!x)
		exit(2);
	y = x + m->luks_len;
	same = pread(before->fd, x, m->luks_len, (off_t)m->luks_off) ==
		       pread(m->fd, y, m->luks_len, (off_t)m->luks_off) &&
	       memcmp(x, y, m->luks_len) == 0;
	free(x);
	return same;
}

static void state_read(struct state *s, uint64_t off, size_t n)
{
	s->place = 0;
	s->shown = s->disk ? disk_read(s->disk, off, s->buf, n, &s->place) : NOT_READABLE;
}

static bool same(const struct state *x, const struct state *y, size_t n)
{
	if (x->shown == NOT_READABLE || y->shown == NOT_READABLE)
		return false;
	if (x->shown == ZEROS && y->shown == ZEROS)
		return true;
	return x->shown == y->shown && x->place == y->place &&
	       memcmp(x->buf, y->buf, n) == 0;
}

static void compare(struct state s[3], const char *id, struct sums *sums)
{
	uint64_t size = s[0].disk->size, step = CHUNK;

	for (int i = 0; i < 3; i++) {
		if (s[i].disk)
			step = u64_min(step, disk_step(s[i].disk));
	}
	for (uint64_t off = 0, blank; off < size; off += step) {
		size_t n = (size_t)u64_min(step, size - off);

		blank = disk_blank(s[0].disk, off);
		if (blank && s[2].disk)
			blank = u64_min(blank, disk_blank(s[2].disk, off));
		if (blank > step && s[2].disk) {
			off += blank / step * step - step;
			continue;
		}
		for (int i = 0; i < 3; i++)
			state_read(&s[i], off, n);
		if (same(&s[0], &s[2], n))
			continue;
		sums->lost += n;
		if (s[1].shown == NOT_READABLE || same(&s[1], &s[2], n))
			continue;
		if (!sums->changed)
			snprintf(sums->words, sizeof(sums->words),
				 "%s at 0x%llx: %s before, %s when broken, %s now",
				 *id ? id : "active", (unsigned long long)off,
				 s[0].shown == ZEROS ? "zeros" : "bytes",
				 same(&s[0], &s[1], n) ? "the same"
				 : s[1].shown == ZEROS ? "zeros"
						       : "other bytes",
				 s[2].shown == ZEROS          ? "zeros"
				 : s[2].shown == NOT_READABLE ? "not readable"
							      : "others");
		sums->changed += n;
	}
	if (s[2].disk && s[2].disk->size != size && sums->lost == 0)
		sums->lost = 1;
}

static int compare_all(char **paths)
{
	struct image *m[3];
	struct state s[3];
	struct sums sums = { 0 };
	uint64_t active = 0;

	for (int i = 0; i < 3; i++) {
		m[i] = image_open(paths[i]);
		s[i].buf = malloc(CHUNK);
		if (!m[i] || !s[i].buf)
			return 2;
	}
	if (m[0]->ndisks == 0)
		return 2;
	for (unsigned k = 0; k < m[0]->ndisks; k++) {
		const char *id = m[0]->disk[k].id;

		for (int i = 0; i < 3; i++)
			s[i].disk = has_key(m[0], m[i]) ? find(m[i], id) : NULL;
		compare(s, id, &sums);
		if (k == 0)
			active = sums.lost;
	}
	printf("%s\t%s\t%llu\t%llu\t%s\n", active ? "no" : "yes",
	       sums.lost ? "no" : "yes", (unsigned long long)sums.lost,
	       (unsigned long long)sums.changed, sums.words);
	return 0;
}

static int dump(const char *path, const char *out, const char *id)
{
	struct image *m = image_open(path);
	struct disk *d = find(m, id);
	uint8_t *buf = malloc(CHUNK);
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	uint64_t place = 0;

	if (!d || !buf || fd < 0 || ftruncate(fd, (off_t)d->size) != 0)
		return 2;
	for (uint64_t off = 0; off < d->size; off += disk_step(d)) {
		size_t n = (size_t)u64_min(disk_step(d), d->size - off);
		enum shown s = disk_read(d, off, buf, n, &place);

		if (s == NOT_READABLE) {
			fprintf(stderr, "samedisks: not readable at 0x%llx\n",
				(unsigned long long)off);
			return 1;
		}
		if (s == BYTES && pwrite(fd, buf, n, (off_t)off) != (ssize_t)n)
			return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && argc <= 5 && strcmp(argv[1], "-d") == 0)
		return dump(argv[2], argv[3], argc == 5 ? argv[4] : "");
	if (argc == 4)
		return compare_all(argv + 1);
	fputs("usage: samedisks BEFORE BROKEN AFTER | -d IMAGE OUT [ID]\n", stderr);
	return 2;
}
