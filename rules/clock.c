/* <clock> and its timers.
 * libvirt formatdomain, "Time keeping"; libvirt, src/conf/domain_postparse.c
 * (virDomainDefPostParseTimer), src/qemu/qemu_validate.c (qemuValidateDomainDefClockTimers).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/domain_table.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* 9999-12-31T23:59:59 */
static const uint64_t start_max = 253402300799;

static void refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
}

/* What every driver refuses. False: it was. */
static bool check_settings(struct scan *s, const struct node *n, struct str name)
{
	struct fact tick = ASK(n, "@tickpolicy"), track = ASK(n, "@track"),
		    mode = ASK(n, "@mode"), frequency = ASK(n, "@frequency");
	const struct node *catchup = node_child(n, "catchup");
	const char *what = NULL;
	struct span at = n->open_at;
	uint64_t hertz;

	if (!fact_absent(&tick) && str_among(name, "kvmclock hypervclock")) {
		what = "tickpolicy";
		at = tick.at;
	} else if (fact_number(&frequency, &hertz) && hertz && !str_is(name, "tsc")) {
		what = "frequency";
		at = frequency.at;
	} else if (!fact_absent(&mode) && !str_is(name, "tsc")) {
		what = "mode";
		at = mode.at;
	} else if (!fact_absent(&track) && !str_among(name, "platform rtc")) {
		what = "track";
		at = track.at;
	}
	if (what) {
		refused(s, report(s, at, "timer %s doesn't support setting of timer %s",
				  shown(s, name), what));
		return false;
	}
	if (catchup && catchup->first && fact_is_not(&tick, "catchup")) {
		refused(s,
			report(s, catchup->open_at,
			       "setting of timer catchup policies is only supported with "
			       "tickpolicy='catchup'"));
		return false;
	}
	return true;
}

static void check_arm(struct scan *s, const struct domain *d, const struct node *n)
{
	struct fact present = ASK(n, "@present"), tick = ASK(n, "@tickpolicy");

	if (fact_is(&d->vm->type, "qemu") || domain_is_not_arm_virt(d))
		refused(s,
			report(s, n->open_at,
			       "configuring the 'armvtimer' timer is not supported for "
			       "virtType=%s, %s",
			       shown(s, d->vm->type.v), domain_platform(s, d)));
	else if (fact_is(&present, "no"))
		refused(s,
			report(s, present.at, "the 'armvtimer' timer can't be disabled"));
	else if (fact_is(&tick, "catchup") || fact_is(&tick, "merge"))
		refused(s,
			report(s, tick.at,
			       "the 'armvtimer' timer does not support tickpolicy '%s'",
			       shown(s, tick.v)));
}

/* What QEMU's driver does not have. */
static void check_qemu(struct scan *s, const struct domain *d, const struct node *n,
		       struct str name)
{
	struct fact tick = ASK(n, "@tickpolicy"), track = ASK(n, "@track"),
		    present = ASK(n, "@present");

	if (str_is(name, "platform"))
		refused(s, report(s, n->open_at,
				  "unsupported timer type (name) 'platform'"));
	else if (str_among(name, "tsc kvmclock hypervclock") && domain_is_not_x86(d) &&
		 fact_is(&present, "yes"))
		refused(s, report(s, n->open_at,
				  "configuring the '%s' timer is not supported for %s",
				  shown(s, name), domain_platform(s, d)));
	else if (str_is(name, "rtc") && fact_is(&track, "boot"))
		refused(s, report(s, track.at, "unsupported rtc timer track 'boot'"));
	else if (str_is(name, "rtc") &&
		 (fact_is(&tick, "merge") || fact_is(&tick, "discard")))
		refused(s, report(s, tick.at, "unsupported rtc timer tickpolicy '%s'",
				  shown(s, tick.v)));
	else if (str_is(name, "pit") && fact_is(&tick, "merge"))
		refused(s, report(s, tick.at, "unsupported pit tickpolicy 'merge'"));
	else if (str_is(name, "armvtimer"))
		check_arm(s, d, n);
}

static void check_timers(struct scan *s, const struct domain *d)
{
	const struct node *clock = node_child(d->node, "clock");

	for (const struct node *n = clock ? node_child(clock, "timer") : NULL; n;
	     n = node_again(n)) {
		struct fact name = ASK(n, "@name");

		if (fact_known(&name) && check_settings(s, n, name.v) && d->qemu)
			check_qemu(s, d, n, name.v);
	}
}

static void check_start(struct scan *s, const struct domain *d)
{
	struct fact offset = ASK(d->node, "clock@offset"),
		    start = ASK(d->node, "clock@start");
	uint64_t v;

	if (d->qemu && fact_is(&offset, "absolute") && fact_number(&start, &v) &&
	    v > start_max)
		refused(s,
			report(s, start.at,
			       "the maximum 'start' value for <clock offset='absolute'> "
			       "is 253402300799, the end of the year 9999; this is %llu",
			       (unsigned long long)v));
}

const struct rule rules_clock[] = {
	{ .id = "clock-start",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a clock that starts after the year 9999",
	  .why = "libvirt refuses the domain. Mostly the number is in milliseconds; it is "
		 "seconds since 1970.",
	  .source =
		  "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefClockTimers)",
	  .since = "0.1.0",
	  CHECK(domain, check_start) },
	{ .id = "clock-timer",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a timer, or a setting of one, that this guest cannot have",
	  .why = "libvirt refuses the domain: each timer has settings of its own, some are "
		 "of one architecture only, and QEMU does not have all of them.",
	  .source = "libvirt, src/conf/domain_postparse.c (virDomainDefPostParseTimer), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainDefClockTimers)",
	  .since = "0.1.0",
	  CHECK(domain, check_timers) },
};
RULES_END(clock);
