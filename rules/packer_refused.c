/* What the builders of VMs refuse before anything runs, and what cannot work once it does.
 * packer-plugin-qemu, builder/qemu/config.go; packer-plugin-sdk, multistep/commonsteps,
 * bootcommand, communicator; asked of Packer 1.6.6.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

static bool is_true(const struct fact *f)
{
	return fact_is(f, "true") || fact_is(f, "1");
}

/* A template that is meant to run, and no piece of one: it says how to get into the guest. */
static bool is_meant_to_run(const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		if (str_starts(n->key, "ssh_") || str_starts(n->key, "winrm_") ||
		    str_is(n->key, "communicator"))
			return true;
	}
	return b->provisioned;
}

/* ---- packer-resize-image ---- */

static void check_resize(struct scan *s, const struct builder *b)
{
	if (!is_packer_qemu(b) || !is_true(&b->skip_resize_disk) ||
	    !fact_is_not(&b->disk_image, "true") || is_true(&b->disk_image))
		return;
	report_label(s,
		     report(s, b->skip_resize_disk.at,
			    "skip_resize_disk is true, and disk_image is not, expected "
			    "an image that could be resized"),
		     PACKER_REFUSES);
}

static bool fix_resize(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	plan_title(p, "remove skip_resize_disk");
	return plan_remove(p, &b->skip_resize_disk);
}

/* ---- packer-boot-command ---- */

static bool types_through_vnc(const struct builder *b)
{
	return b->kind & (QEMU | VMWARE);
}

static void check_boot(struct scan *s, const struct builder *b)
{
	const struct fact *other = NULL;
	struct finding *f;

	if (!b->kind || !fact_known(&b->boot_command))
		return;
	if (fact_known(&b->boot_steps))
		other = &b->boot_steps;
	else if (types_through_vnc(b) && is_true(&b->disable_vnc))
		other = &b->disable_vnc;
	if (!other)
		return;
	f = report(s, b->boot_command.at, "boot_command is set, and %s is%s; expected %s",
		   other->lens->field, other == &b->boot_steps ? " as well" : " true",
		   other == &b->boot_steps ? "one of them" : "VNC to type it through");
	report_label(s, f, PACKER_REFUSES);
	report_related(s, f, other->at, "%s", other->lens->field);
}

/* ---- packer-http-exclusive ---- */

static void check_http(struct scan *s, const struct builder *b)
{
	struct finding *f;

	if (!b->kind || !fact_known(&b->http_directory) || !fact_known(&b->http_content))
		return;
	f = report(s, b->http_content.at,
		   "http_content and http_directory are both set, expected one of them");
	report_label(s, f, PACKER_REFUSES);
	report_related(s, f, b->http_directory.at, "http_directory");
}

/* ---- packer-port-range ---- */

struct ports {
	unsigned builders;
	size_t min, max; /* offsets of facts */
	uint64_t least;  /* where Packer begins and ends when nothing is said */
	uint64_t most;
};

#define PORTS(name)                                                                      \
	offsetof(struct builder, name##_port_min),                                       \
		offsetof(struct builder, name##_port_max)

static const struct ports ranges[] = {
	{ QEMU | VBOX, PORTS(host), 2222, 4444 },
	{ ALL, PORTS(http), 8000, 9000 },
	{ QEMU | VMWARE, PORTS(vnc), 5900, 6000 },
	{ VBOX, PORTS(vrdp), 5900, 6000 },
};

static const struct fact *fact_in(const struct builder *b, size_t offset)
{
	return (const void *)((const char *)b + offset);
}

/* As it is said; else what it is without. False: it cannot be told. */
static bool port(const struct fact *f, uint64_t without, uint64_t *to)
{
	*to = without;
	return fact_absent(f) ||
	       (fact_known(f) && str_u64(f->v, to) && (*to > 0 || (*to = without)));
}

static void check_range(struct scan *s, const struct builder *b, const struct ports *r)
{
	const struct fact *min = fact_in(b, r->min), *max = fact_in(b, r->max);
	const struct fact *at = fact_known(max) ? max : min;
	uint64_t from, to;
	struct finding *f;

	if (fact_absent(min) && fact_absent(max))
		return;
	if (!port(min, r->least, &from) || !port(max, r->most, &to) ||
	    (from <= to && to <= 65535))
		return;
	if (from <= to)
		f = report(s, at->at, "%s is %llu, expected at most 65535",
			   at->lens->field, (unsigned long long)to);
	else
		f = report(s, at->at,
			   "%s is %llu%s, and %s is %llu%s; expected no less than that",
			   max->lens->field, (unsigned long long)to,
			   fact_known(max) ? "" : " as it is not set", min->lens->field,
			   (unsigned long long)from,
			   fact_known(min) ? "" : " as it is not set");
	report_label(s, f, PACKER_REFUSES);
}

static void check_ports(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (b->kind & ranges[i].builders)
			check_range(s, b, &ranges[i]);
	}
}

/* ---- packer-iso-missing ---- */

/* These install from an image in any case; Proxmox VE and vSphere have other ways. */
static bool needs_iso(const struct builder *b)
{
	return b->kind & (QEMU | VBOX_ISO | VMWARE_ISO | PARALLELS_ISO | HYPERV_ISO);
}

static void check_iso(struct scan *s, const struct builder *b)
{
	bool url = !is_missing(b, &b->iso_url) || !is_missing(b, &b->iso_urls);

	if (!b->complete || !needs_iso(b) || !is_meant_to_run(b))
		return;
	if (!url) {
		report_label(s,
			     report(s, b->type_at,
				    "a %.*s builder with neither iso_url nor iso_urls",
				    STR_ARG(b->type)),
			     PACKER_REFUSES);
	} else if (is_missing(b, &b->iso_checksum) && !builder_member(b, "iso_md5") &&
		   !builder_member(b, "iso_checksum_url") &&
		   !builder_member(b, "iso_checksum_type")) {
		report_label(s,
			     report(s, b->type_at,
				    "a %.*s builder without iso_checksum, expected one, "
				    "or \"none\"",
				    STR_ARG(b->type)),
			     PACKER_REFUSES);
	}
}

/* ---- packer-checksum-syntax ---- */

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!strchr("0123456789abcdefABCDEF", s.p[i]) || !s.p[i])
			return false;
	}
	return true;
}

/* Digits of a kind of sum; 0: there is no such kind. */
static size_t digits_of(struct str kind)
{
	static const struct {
		const char *name;
		size_t digits;
	} kinds[] = {
		{ "md5", 32 }, { "sha1", 40 }, { "sha256", 64 }, { "sha512", 128 }
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t same = 0;

		while (same < kind.n && kinds[i].name[same] == (kind.p[same] | 0x20))
			same++;
		if (same == kind.n && !kinds[i].name[same])
			return kinds[i].digits;
	}
	return 0;
}

static void check_bare(struct scan *s, const struct fact *sum)
{
	struct str v = sum->v;
	struct finding *f;

	if (is_hex(v) && (v.n == 32 || v.n == 40 || v.n == 64 || v.n == 128))
		return;
	f = report(s, sum->at,
		   is_hex(v) ? "iso_checksum has %zu digits, expected 32, 40, 64 or 128"
			     : "iso_checksum has %zu bytes that are no hexadecimal "
			       "number, expected one of 32, 40, 64 or 128 digits",
		   v.n);
	report_label(s, f, PACKER_REFUSES);
}

static void check_sum(struct scan *s, const struct builder *b)
{
	const struct fact *sum = &b->iso_checksum;
	const char *colon;
	struct str kind, digits;
	size_t want;

	if (!b->kind || !fact_known(sum) || fact_is(sum, "none") ||
	    str_starts(sum->v, "file:") || builder_member(b, "iso_checksum_type") ||
	    str_has(sum->v, "{{") || str_has(sum->v, "/"))
		return;
	colon = memchr(sum->v.p, ':', sum->v.n);
	if (!colon) {
		check_bare(s, sum);
		return;
	}
	kind = (struct str){ sum->v.p, (size_t)(colon - sum->v.p) };
	digits = (struct str){ colon + 1, sum->v.n - kind.n - 1 };
	want = digits_of(kind);
	if (!want)
		report_label(s,
			     report(s, sum->at,
				    "iso_checksum is of type '%s', expected md5, sha1, "
				    "sha256, sha512, file or none",
				    shown(s, kind)),
			     PACKER_REFUSES);
	else if (digits.n && (digits.n != want || !is_hex(digits)))
		report_label(s,
			     report(s, sum->at,
				    "iso_checksum has %zu %s, expected the %zu digits of "
				    "a %.*s",
				    digits.n, is_hex(digits) ? "digits" : "bytes", want,
				    STR_ARG(kind)),
			     is_hex(digits) ? "no image has it, and the build stops"
					    : PACKER_REFUSES);
}

/* ---- packer-username ---- */

static void check_user(struct scan *s, const struct builder *b)
{
	bool winrm = fact_is(&b->communicator, "winrm");
	bool ssh = fact_is(&b->communicator, "ssh") || is_missing(b, &b->communicator);
	const struct fact *user = winrm ? &b->winrm_username : &b->ssh_username;

	if (!b->kind || !(winrm || ssh) || !is_missing(b, user) || !is_meant_to_run(b))
		return;
	report_label(
		s,
		report(s, winrm ? b->communicator.at : b->type_at,
		       "a %.*s builder without %s, which %s", STR_ARG(b->type),
		       user->lens->field,
		       winrm ? "winrm needs" : "ssh needs, unless communicator is none"),
		PACKER_REFUSES);
}

/* ---- packer-additional-size ---- */

/* What qemu-img reads: a number, and a letter for its unit. */
static bool is_img_size(struct str s)
{
	size_t n = 0, digits = 0;

	for (; n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'); n++)
		digits += s.p[n] != '.';
	return digits > 0 &&
	       (n == s.n || (n + 1 == s.n && strchr("bkmgtpeKMGTPE", s.p[n])));
}

/* The i-th size that cannot be meant, from 0. */
static const struct node *bad_size(const struct builder *b, size_t i)
{
	const struct node *list = builder_member(b, "disk_additional_size");
	uint64_t bytes;

	if (!list || list->kind != NODE_LIST)
		return NULL;
	for_each_node (n, list) {
		if (n->kind != NODE_SCALAR || n->text.n == 0 || str_has(n->text, "{{"))
			continue;
		if (is_img_size(n->text) &&
		    (!str_u64(n->text, &bytes) || bytes >= 1 << 20))
			continue;
		if (i-- == 0)
			return n;
	}
	return NULL;
}

static void check_sizes(struct scan *s, const struct builder *b)
{
	const struct node *n;

	for (size_t i = 0; is_packer_qemu(b) && (n = bad_size(b, i)); i++) {
		bool bytes = is_img_size(n->text);
		struct finding *f = report(
			s, n->text_at,
			bytes ? "an additional disk of %s bytes, expected a letter for "
				"its unit, as in 40G"
			      : "an additional disk of '%s', expected a number and one of "
				"K, M, G and T",
			shown(s, n->text));

		report_label(s, f,
			     bytes ? "without a letter it is bytes, other than disk_size"
				   : "qemu-img refuses it, and the build stops");
		f->arg = i;
	}
}

/* 40GB and 40 GiB are 40G: all of QEMU's units are powers of 1024. */
static bool fix_sizes(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = bad_size(b, f->arg);
	struct str rest, digits;
	const char *value;

	BUG_ON(!n);
	rest = n->text;
	digits = (struct str){ rest.p, 0 };
	while (digits.n < n->text.n &&
	       ((n->text.p[digits.n] >= '0' && n->text.p[digits.n] <= '9') ||
		n->text.p[digits.n] == '.'))
		digits.n++;
	rest = str_trim((struct str){ rest.p + digits.n, rest.n - digits.n });
	if (n->from || digits.n == 0 || rest.n == 0 || !strchr("kmgtKMGT", rest.p[0]) ||
	    !(rest.n == 1 || str_is((struct str){ rest.p + 1, rest.n - 1 }, "B") ||
	      str_is((struct str){ rest.p + 1, rest.n - 1 }, "iB")))
		return plan_refuse(p, "which size was meant cannot be told");
	value = arena_printf(p->arena, "%.*s%c", STR_ARG(digits), rest.p[0] & ~0x20);
	plan_title(p, "disk_additional_size = [\"%s\"]", value);
	return plan_replace(p, n->text_at, str_of(value));
}

/* ---- packer-memory-small ---- */

static void check_memory(struct scan *s, const struct builder *b)
{
	uint64_t mib;

	if (!is_packer_qemu(b) || !fact_known(&b->memory) ||
	    !str_u64(b->memory.v, &mib) || mib == 0 || mib >= 10)
		return;
	report_label(s,
		     report(s, b->memory.at, "memory is %llu MiB, expected at least 10",
			    (unsigned long long)mib),
		     "the builder takes it for nothing, and the VM gets 512 MiB");
}

static bool fix_memory(struct plan *p, const struct finding *f, const struct builder *b)
{
	uint64_t gib;

	(void)f;
	if (!str_u64(b->memory.v, &gib))
		return false;
	plan_title(p, "memory = %llu", (unsigned long long)gib * 1024);
	return plan_set(p, &b->memory,
			arena_printf(p->arena, "%llu", (unsigned long long)gib * 1024));
}

#define SDK "packer-plugin-sdk, "

const struct rule rules_packer_refused[] = {
	{ .id = "packer-additional-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an additional disk of a size that qemu-img does not take",
	  .why = "The builder hands disk_additional_size to qemu-img as it is: a number "
		 "with a letter. Without a letter it is bytes, where disk_size is MiB.",
	  .steps = "Write it as 40G.",
	  .source = "packer-plugin-qemu, step_create_disk.go; qemu-img(1)",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_sizes, fix_sizes) },
	{ .id = "packer-boot-command",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "keys to type, and nothing that would type them",
	  .why = "Packer refuses it: a boot command cannot be used when VNC is disabled, "
		 "and not beside boot_steps.",
	  .steps = "Remove disable_vnc, or boot_command.",
	  .source = SDK "bootcommand/config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_boot) },
	{ .id = "packer-checksum-syntax",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a checksum that is of no kind",
	  .why = "iso_checksum is hexadecimal digits, as many as its kind has, with the "
		 "kind before a colon or not; or file: and where a list of sums is; or "
		 "none.",
	  .steps = "Copy the sum again, and write its kind before it: sha256:...",
	  .source = "hashicorp/go-getter, checksum.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(builder, check_sum) },
	{ .id = "packer-http-exclusive",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "files for the guest from a folder and from the template",
	  .why = "Packer refuses it: http_content cannot be used in conjunction with "
		 "http_directory.",
	  .steps = "Put the files into http_content with file(), or all into the folder.",
	  .source = SDK "multistep/commonsteps/http_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_http) },
	{ .id = "packer-iso-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a builder that installs, without its image or its checksum",
	  .why = "Packer refuses it: one of iso_url or iso_urls must be specified, a "
		 "checksum must be specified.",
	  .steps = "Set iso_url, and iso_checksum to sha256:... or file:...",
	  .source = SDK "multistep/commonsteps/iso_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_iso) },
	{ .id = "packer-memory-small",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "memory that is taken for a mistake",
	  .why = "memory is of MiB. Below 10 the qemu builder takes 512, and says so in "
		 "its log only; mostly GiB were meant.",
	  .steps = "Write MiB: 2048 for 2 GiB.",
	  .source = "packer-plugin-qemu, builder/qemu/config.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_memory, fix_memory) },
	{ .id = "packer-port-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a range of ports that ends before it begins",
	  .why = "Packer refuses it: the least port must be less than the greatest. What "
		 "is not set has a value as well: 2222 to 4444 for the communicator, 8000 "
		 "to 9000 for HTTP, 5900 to 6000 for VNC.",
	  .steps = "Set both ends.",
	  .source =
		  SDK "multistep/commonsteps/http_config.go; Prepare() of the builders; "
		      "asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(builder, check_ports) },
	{ .id = "packer-resize-image",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a disk that shall not be resized, and is none",
	  .why = "Packer refuses it: skip_resize_disk can only be used when disk_image "
		 "is true. A disk that is made new has its size from the begin.",
	  .steps = "Remove skip_resize_disk, or set disk_image.",
	  .source = "packer-plugin-qemu, builder/qemu/config.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_resize, fix_resize) },
	{ .id = "packer-username",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "nobody to log in as",
	  .why = "Packer refuses it: an ssh_username must be specified, or "
		 "winrm_username. Without a word about it the communicator is ssh.",
	  .steps = "Set ssh_username, or communicator = \"none\" where nothing runs in "
		   "the guest.",
	  .source = SDK "communicator/config.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(builder, check_user) },
};
RULES_END(packer_refused);
