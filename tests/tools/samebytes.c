/* samebytes A B: cmp for sparse files. Where both have a hole nothing is read, so that two
 * disks of 64 MiB with a table at either end are compared in no time. exit: 0 the same, 1
 * not (and where), 2 could not compare.
 *
 * samebytes A B RANGES: only what the lines of the file RANGES name, OFFSET and LENGTH in
 * bytes, and only as far as A goes; B may be longer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

struct file {
	const char *path;
	int fd;
	uint64_t size;
};

static bool file_open(struct file *f, const char *path)
{
	struct stat st;

	f->path = path;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st) != 0) {
		perror(path);
		return false;
	}
	f->size = (uint64_t)st.st_size;
	return true;
}

/* Where the next data is, at or behind off; the size when there is none. */
static uint64_t next_data(const struct file *f, uint64_t off)
{
	off_t at = lseek(f->fd, (off_t)off, SEEK_DATA);

	if (at >= 0)
		return (uint64_t)at;
	return errno == ENXIO ? f->size : off;
}

/* 0 the same up to end, 1 not, 2 could not read. */
static int compare(const struct file *a, const struct file *b, uint64_t off, uint64_t end)
{
	static unsigned char x[CHUNK], y[CHUNK];

	while (off < end) {
		size_t n;

		off = u64_min(next_data(a, off), next_data(b, off));
		if (off >= end)
			break;
		n = (size_t)u64_min(CHUNK, end - off);
		if (pread(a->fd, x, n, (off_t)off) != (ssize_t)n ||
		    pread(b->fd, y, n, (off_t)off) != (ssize_t)n)
			return 2;
		if (memcmp(x, y, n) != 0) {
			for (n = 0; x[n] == y[n]; n++)
				;
			printf("%s %s differ: byte %#llx\n", a->path, b->path,
			       (unsigned long long)(off + n));
			return 1;
		}
		off += n;
	}
	return 0;
}

static int compare_ranges(const struct file *a, const struct file *b, const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long off, len;
	int rc = f ? 0 : 2;

	while (rc == 0 && fscanf(f, "%llu %llu", &off, &len) == 2)
		rc = compare(a, b, off, u64_min(off + len, a->size));
	if (rc == 0 && !feof(f))
		rc = 2;
	if (f)
		fclose(f);
	return rc;
}

int main(int argc, char **argv)
{
	struct file a, b;
	int rc;

	if (argc != 3 && argc != 4) {
		fputs("usage: samebytes A B [RANGES]\n", stderr);
		return 2;
	}
	if (!file_open(&a, argv[1]) || !file_open(&b, argv[2]))
		return 2;
	if (b.size < a.size || (argc == 3 && a.size != b.size)) {
		printf("%s %s differ: %llu and %llu bytes\n", a.path, b.path,
		       (unsigned long long)a.size, (unsigned long long)b.size);
		return 1;
	}
	rc = argc == 4 ? compare_ranges(&a, &b, argv[3]) : compare(&a, &b, 0, a.size);
	if (rc == 2)
		fprintf(stderr, "samebytes: cannot read %s or %s\n", a.path, b.path);
	return rc;
}
