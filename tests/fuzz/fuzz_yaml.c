/* Any bytes: our reading of YAML against libyaml's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/yaml_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { data, n };
	struct yaml_flaws f = { 0 };

	if (!yaml_reading_holds(&f, text))
		BUG("%s (%s)", f.what, f.said);
	return 0;
}
