/* What Packer's qemu builder refuses, and what it does without saying so.
 * packer-plugin-qemu, builder/qemu/config.go, Prepare(); step_run.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/packer.h"
#include "base/banned.h"

static bool is_qemu(const struct builder *b)
{
	return str_is(b->type, "qemu") && !b->foreign;
}

/* ---- packer-qemu-format ---- */

static void check_format(struct scan *s, const struct builder *b)
{
	const struct fact *format = &b->format;

	if (!is_qemu(b) || !fact_known(format) || fact_is(format, "qcow2") ||
	    fact_is(format, "raw"))
		return;
	report_label(s,
		     report(s, format->at, "format is '%s', expected qcow2 or raw",
			    shown(s, format->v)),
		     "Packer refuses the template");
}

/* ---- packer-disk-size ---- */

/* Digits, and what is behind them. */
static struct str unit_of(struct str size)
{
	size_t n = 0;

	while (n < size.n && size.p[n] >= '0' && size.p[n] <= '9')
		n++;
	return n ? (struct str){ size.p + n, size.n - n } : (struct str){ "?", 1 };
}

static bool is_letter(char c, const char *letters)
{
	return c && strchr(letters, c);
}

static void check_size(struct scan *s, const struct builder *b)
{
	const struct fact *size = &b->disk_size;
	struct str unit;

	if (!is_qemu(b) || !fact_known(size))
		return;
	unit = unit_of(size->v);
	if (unit.n == 0 || (unit.n == 1 && is_letter(unit.p[0], "bkmgtBKMGT")))
		return;
	report_label(s,
		     report(s, size->at,
			    "disk_size is '%s', expected digits and one of b, k, m, g "
			    "and t",
			    shown(s, size->v)),
		     "Packer refuses the template");
}

/* 40GB and 40 GiB are 40G: all of QEMU's units are powers of 1024. */
static bool fix_size(struct plan *p, const struct finding *f, const struct builder *b)
{
	struct str size = b->disk_size.v, unit = unit_of(size);
	struct str digits = { size.p, size.n - unit.n };
	char letter;

	(void)f;
	unit = str_trim(unit);
	if (unit.n == 0 || !is_letter(unit.p[0], "kmgtKMGT") ||
	    !(unit.n == 1 || (unit.n == 2 && is_letter(unit.p[1], "bB")) ||
	      (unit.n == 3 && unit.p[1] == 'i' && is_letter(unit.p[2], "bB"))))
		return plan_refuse(p, "which size was meant cannot be told");
	letter = (char)(unit.p[0] & ~0x20);
	plan_title(p, "disk_size = \"%.*s%c\"", STR_ARG(digits), letter);
	return plan_set(p, &b->disk_size,
			arena_printf(p->arena, "%.*s%c", STR_ARG(digits), letter));
}

/* ---- packer-backing-file ---- */

static void check_backing(struct scan *s, const struct builder *b)
{
	struct finding *f;
	bool raw = fact_known(&b->format) && !fact_is(&b->format, "qcow2");

	if (!is_qemu(b) || !fact_is(&b->use_backing_file, "true") ||
	    (!raw && !fact_is_not(&b->disk_image, "true")))
		return;
	f = report(s, b->use_backing_file.at, "use_backing_file is true, and %s",
		   raw ? scan_printf(s, "format is '%s', expected qcow2",
				     shown(s, b->format.v))
		       : "disk_image is not, expected an image to stand on");
	report_label(s, f, "Packer refuses the template");
	if (raw)
		report_related(s, f, b->format.at, "the format");
}

/* ---- packer-drives-replaced ---- */

/* A row of qemuargs: its option, and the first text behind it. NULL: it is no such row. */
static const struct node *row_value(const struct node *row, const char *option)
{
	const struct node *name = row->first;

	if (row->kind != NODE_LIST || !name || name->kind != NODE_SCALAR ||
	    !str_is(name->text, option))
		return NULL;
	return name->next;
}

/* Known, and not a word of something that Packer puts in: {{ .Name }}, {{ .OutputDir }}. */
static bool is_plain(const struct node *value)
{
	return value->kind == NODE_SCALAR && !str_has(value->text, "{{") &&
	       !str_has(value->text, "${");
}

/* Other ways to name a disk, of which nothing is known here. */
static bool names_disks(const struct node *row)
{
	static const char *const options[] = { "-blockdev", "-hda",   "-hdb",
					       "-device",   "-sd",    "-readconfig",
					       "-set",      "-global" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (row_value(row, options[i]))
			return true;
	}
	return row->kind != NODE_LIST || !row->first || row->first->kind != NODE_SCALAR;
}

static bool is_removable(struct str drive)
{
	return str_has(drive, "media=cdrom") || str_has(drive, "if=floppy") ||
	       str_has(drive, "if=pflash");
}

static void check_drives(struct scan *s, const struct builder *b)
{
	const struct node *args = node_child(b->node, "qemuargs"), *first = NULL;
	struct finding *f;

	if (!is_qemu(b) || !args || args->kind != NODE_LIST)
		return;
	for_each_node (row, args) {
		const struct node *value = row_value(row, "-drive");

		if (names_disks(row))
			return;
		if (!value)
			continue;
		if (!is_plain(value) || !is_removable(value->text))
			return;
		first = first ? first : row;
	}
	if (!first)
		return;
	f = report(s, first->first->text_at,
		   "qemuargs has -drive, and no row of it with a disk: expected one for "
		   "{{ .OutputDir }}/{{ .Name }}");
	report_label(s, f,
		     "the VM has neither the disk nor the medium that Packer made: rows "
		     "take the place of all of its own");
}

#define QEMU "packer-plugin-qemu, builder/qemu/"

const struct rule rules_packer[] = {
	{ .id = "packer-backing-file",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a backing file for what has none",
	  .why = "Packer refuses it: use_backing_file can only be enabled for QCOW2 "
		 "images and when disk_image is true.",
	  .steps = "Set disk_image = true when iso_url is a disk image; else remove "
		   "use_backing_file.",
	  .source = QEMU "config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_backing) },
	{ .id = "packer-disk-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a disk size that the qemu builder does not read",
	  .why = "Packer refuses it: a number, and at most one letter behind it. "
		 "Without a letter it is MiB.",
	  .source = QEMU "config.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_size, fix_size) },
	{ .id = "packer-drives-replaced",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "drives in qemuargs, and the VM's disk is not among them",
	  .why = "A row of qemuargs takes the place of everything that the builder "
		 "itself says with that option. With one -drive its disk, its "
		 "installation medium and its firmware are gone.",
	  .steps = "Add rows for what is missing: [\"-drive\", \"file={{ .OutputDir "
		   "}}/{{ .Name }},if=virtio,cache=writeback,discard=ignore,format="
		   "qcow2\"] and [\"-drive\", \"file=ISO,media=cdrom\"]. Or leave -drive "
		   "out, and use cd_files for further files.",
	  .source = QEMU "step_run.go, applyUserOverrides(); "
			 "hashicorp/packer-plugin-qemu#58, #177",
	  .since = "0.1.0",
	  CHECK(builder, check_drives) },
	{ .id = "packer-qemu-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an image format that the qemu builder does not make",
	  .why = "Packer refuses it: invalid format, only 'qcow2' or 'raw' are allowed.",
	  .steps = "Build qcow2, and convert it in a post-processor: qemu-img convert "
		   "-O vmdk.",
	  .source = QEMU "config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_format) },
};
RULES_END(packer);
