/* Video cards of a libvirt domain.
 * libvirt, src/conf/domain_validate.c (virDomainVideoDefValidate), src/qemu/qemu_validate.c
 * (qemuValidateDomainDeviceDefVideo).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c, virDomainVideoDefValidate()"
#define VALIDATE_QEMU                                                                    \
	"libvirt, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefVideo()"

#define MODEL "'{model@type}'"

/* ---- video-memory ---- */

static const struct clash memory_clashes[] = {
	{ CLASH(ON(video), "model@ram",
		"ram attribute only supported for video type qxl, and this is " MODEL,
		{ "model@ram", "#>0" }, { "model@type", "!qxl|" }),
	  .common = true },
	{ CLASH(ON(video), "model@vram64",
		"vram64 attribute only supported for video type qxl, and this is " MODEL,
		{ "model@vram64", "#>0" }, { "model@type", "!qxl|" }),
	  .common = true },
	{ CLASH(ON(video), "model@vgamem",
		"vgamem attribute only supported for video type qxl, and this is " MODEL,
		{ "model@vgamem", "#>0" }, { "model@type", "!qxl|" }),
	  .common = true },
	{ CLASH(ON(video), "model@vgamem",
		"value for 'vgamem' must be at least 1 MiB (1024 KiB), and is "
		"{model@vgamem} KiB",
		{ "model@type", "qxl" }, { "model@vgamem", "#>0" },
		{ "model@vgamem", "#<1024" }),
	  .set = "1024" },
	{ CLASH(ON(video), "model@vgamem",
		"value for 'vgamem' must be power of two, and is {model@vgamem}",
		{ "model@type", "qxl" }, { "model@vgamem", "#2^" }),
	  .no_fix = true },
	{ CLASH(ON(video), "model@vram",
		"value for 'vram' must be at least 1 MiB (1024 KiB), and is {model@vram} KiB",
		{ "model@type", "vga|vmvga" }, { "model@vram", "#>0" },
		{ "model@vram", "#<1024" }),
	  .set = "1024" },
	{ CLASH(ON(video), "model@vram",
		"value for 'vram' must be less than '4194303', and is {model@vram}",
		{ "model@type", "qxl" }, { "model@vram", "#>4194303" }),
	  .no_fix = true },
	{ CLASH(ON(video), "model@ram",
		"value for 'ram' must be less than '4194303', and is {model@ram}",
		{ "model@type", "qxl" }, { "model@ram", "#>4194303" }),
	  .no_fix = true },
};
CLASHES(memory, ON(video))

/* ---- video-model ---- */

static const struct clash model_clashes[] = {
	{ CLASH(ON(video), "model@type",
		"domain configuration does not support video model " MODEL
		": it is of another hypervisor",
		{ "model@type", "xen|vbox|parallels|gop" }) },
};
CLASHES_ONLY(model, ON(video))

/* ---- video-none-alone ---- */

static void check_none(struct scan *s, const struct device *d)
{
	struct fact type;
	struct finding *f;

	if (d->kind != DEVICE_video || domain_count(d->domain, DEVICE_video) < 2)
		return;
	type = ASK(d->node, "model@type");
	if (!fact_is(&type, "none"))
		return;
	f = report(s, type.at,
		   "a 'none' video type must be the only video device defined for the "
		   "domain, and there are %zu",
		   domain_count(d->domain, DEVICE_video));
	report_label(s, f, DOMAIN_REFUSES);
}

static bool fix_none(struct plan *p, const struct finding *f, const struct device *d)
{
	(void)f;
	plan_title(p, "remove <video> of type 'none'");
	return plan_remove_node(p, d->node);
}

/* ---- video-option ---- */

static const struct clash option_clashes[] = {
	{ CLASH(ON(video), "driver@name",
		"'vhostuser' driver is only supported with 'virtio' device, and this is " MODEL,
		{ "driver@name", "vhostuser" }, { "model@type", "!virtio|" }),
	  .common = true },
	{ CLASH(ON(video), "model/acceleration@rendernode",
		"unsupported rendernode accel attribute without 'vhostuser'",
		{ "model/acceleration@rendernode", "!" },
		{ "driver@name", "!vhostuser" }),
	  .common = true },
	{ CLASH(ON(video), "model/acceleration@accel2d",
		"qemu does not support the accel2d setting",
		{ "model/acceleration@accel2d", "yes" }, { "model@type", "!none" }) },
	{ CLASH(ON(video), "model/acceleration@accel3d",
		"3d acceleration is supported only with 'virtio' video device, and this is " MODEL,
		{ "model/acceleration@accel3d", "yes" },
		{ "model@type", "!virtio|none|" }, { "driver@name", "!vhostuser" }) },
	{ CLASH(ON(video), "model/acceleration?", "missing values for acceleration",
		{ "model/acceleration?", "!" }, { "model/acceleration@accel3d", "" },
		{ "model/acceleration@accel2d", "" },
		{ "model/acceleration@rendernode", "" }),
	  .common = true },
	{ CLASH(ON(video), "model/resolution?",
		"video resolution values must be greater than 0",
		{ "model/resolution@x", "#=0" }),
	  .common = true },
	{ CLASH(ON(video), "model/resolution?",
		"video resolution values must be greater than 0",
		{ "model/resolution@y", "#=0" }),
	  .common = true },
	{ CLASH(ON(video), "model/resolution?",
		"model resolution is not supported with video type " MODEL,
		{ "model/resolution?", "!" },
		{ "model@type", "!vga|qxl|virtio|bochs|none|" }) },
	{ CLASH(ON(video), "model@heads",
		"video type " MODEL " doesn't support multiple 'heads', and has "
		"{model@heads}",
		{ "model@type", "!qxl|virtio|none|" }, { "model@heads", "#>1" }),
	  .set = "1" },
	{ CLASH(ON(video), "model@edid",
		"edid is only supported with video types vga, bochs and virtio, and this is " MODEL,
		{ "model@edid", "!" }, { "model@type", "!vga|bochs|virtio|" }) },
	{ CLASH(ON(video), "address?", "address not supported for video type ramfb",
		{ "model@type", "ramfb" }, { "address?", "!" }),
	  .common = true },
};
CLASHES(option, ON(video))

/* ---- video-primary ---- */

static bool is_primary(const struct device *d)
{
	struct fact f = ASK(d->node, "model@primary");

	return fact_is(&f, "yes");
}

/* The parser puts one that says so first; without, it is the first of them all. */
static void check_primary(struct scan *s, const struct device *d)
{
	struct fact type, primary;
	const struct device *other = NULL;
	struct finding *f;

	if (d->kind != DEVICE_video)
		return;
	type = ASK(d->node, "model@type");
	primary = ASK(d->node, "model@primary");
	for_each_device(v, d->domain, video)
	{
		if (v == d)
			break;
		if (!other || is_primary(v))
			other = v;
	}
	if (!other)
		return;
	if (is_primary(d) && is_primary(other)) {
		f = report(s, primary.at, "only one primary video device is supported");
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other->node->open_at, "the other one");
		return;
	}
	if (!d->domain->qemu || primary.state == FACT_UNKNOWN || is_primary(d) ||
	    !fact_known(&type) || fact_is(&type, "qxl") || fact_is(&type, "virtio") ||
	    fact_is(&type, "none"))
		return;
	f = report(s, type.at,
		   "video type '%s' is only valid as primary video device, and this is "
		   "another one",
		   shown(s, type.v));
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, other->node->open_at, "the primary one");
}

const struct rule rules_video[] = {
	{ .id = "video-memory",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "memory of a video card that it does not have, or cannot use",
	  .why = "Only QXL has ram, vram64 and vgamem, each with limits: libvirt refuses the "
		 "attribute elsewhere, and sizes that the card cannot map.",
	  .steps = "Remove the attribute, or take a size that is a power of two.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_memory, fix_memory) },
	{ .id = "video-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a video card of another hypervisor",
	  .why = "QEMU has none of that name: libvirt refuses the domain.",
	  .steps = "virtio for guests with a driver for it, vga or bochs for others.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_model) },
	{ .id = "video-none-alone",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "no video card, and a video card",
	  .why = "type='none' keeps libvirt from adding a card of its own. Beside another card "
		 "it has no meaning, and is refused.",
	  .source = VALIDATE_CONF,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_none, fix_none) },
	{ .id = "video-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a setting of a video card that its model does not have",
	  .why = "3D acceleration is virtio's, a resolution and EDID are those of some cards, "
		 "a render node is that of the vhost-user driver: libvirt refuses them "
		 "elsewhere.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_option, fix_option) },
	{ .id = "video-primary",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a second video card that can only be the first",
	  .why = "VGA-compatible cards own addresses of which there is one set. Further cards "
		 "are qxl or virtio.",
	  .steps = "Change the model of the second one to virtio or qxl, or remove it.",
	  .source = VALIDATE_QEMU
	  "; src/conf/domain_validate.c, virDomainDefVideoValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_primary) },
};
RULES_END(video);
