/* dumpguest IMAGE OUT [ROOT...]: the bytes of the disk that a QCOW2 shows its guest, as vmend
 * reads them, into a sparse file. Backing and data files may be below ROOT, too. exit: 0 done,
 * 1 it cannot be read (and why), 2 something else failed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/guest.h"
#include "analyze/image/image.h"
#include "analyze/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { CHUNK = 1 << 16, ROOTS_MAX = 16 };

static int write_at(int fd, uint64_t off, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)off);

		if (done < 0 && errno != EINTR)
			return -1;
		if (done > 0) {
			p += done;
			off += (uint64_t)done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Every byte is read, and every hole of source_next_data() too: it may not hide data. */
static int dump(const struct source *disk, int fd)
{
	static uint8_t buf[CHUNK];
	uint64_t data = 0;

	for (uint64_t off = 0; off < disk->size; off += CHUNK) {
		size_t n = (size_t)u64_min(CHUNK, disk->size - off);
		struct err e;

		if (source_read(disk, off, buf, n, &e) != 0) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
		if (data < off)
			data = source_next_data(disk, off);
		if (view_is_zero((struct view){ buf, n }))
			continue;
		if (data >= off + n) {
			fprintf(stderr, "data at %#llx, where there was to be none\n",
				(unsigned long long)off);
			return 2;
		}
		if (write_at(fd, off, buf, n) != 0)
			return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct root roots[ROOTS_MAX];
	struct host host = { .roots = roots };
	struct source disk;
	struct unit u;
	int fd, rc;

	if (argc < 3 || argc - 3 > ROOTS_MAX)
		return 2;
	for (int i = 3; i < argc; i++)
		roots[host.nroots++] = (struct root){ argv[i], argv[i] };
	unit_open(&u, argv[1], SOURCE_READ, NULL, &host);
	if (u.state != UNIT_READ || !u.guest) {
		fprintf(stderr, "%s\n",
			u.state == UNIT_FAILED ? u.why.msg
			: u.guest_why          ? u.guest_why
					       : "not a QCOW2");
		unit_close(&u);
		return 1;
	}
	u.guest->packed->left = UINT64_MAX;
	disk = guest_source(u.guest);
	fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, (off_t)disk.size) != 0)
		return 2;
	rc = dump(&disk, fd);
	if (close(fd) != 0)
		rc = 2;
	unit_close(&u);
	return rc;
}
