/* libxml2's verdict on a document. Its messages are about other elements than those that
 * are wrong, so nobody hears them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema_walk.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include "base/banned.h"

#if LIBXML_VERSION >= 21200
#define XML_ERROR const xmlError
#else
#define XML_ERROR xmlError
#endif

static void on_error(void *data, XML_ERROR *error)
{
	(void)data;
	(void)error;
}

/* Its result is only read from then on, by any thread: all that a validation writes to is in
 * its own context. */
struct _xmlRelaxNG *schema_compile(const char *path, struct err *e)
{
	xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
	xmlRelaxNGPtr r = NULL;

	if (parser) {
		/* Files that cannot be read would be told on standard error. */
		xmlSetStructuredErrorFunc(NULL, on_error);
		xmlRelaxNGSetParserStructuredErrors(parser, on_error, NULL);
		r = xmlRelaxNGParse(parser);
		xmlSetStructuredErrorFunc(NULL, NULL);
		xmlRelaxNGFreeParserCtxt(parser);
	}
	if (!r)
		err_set(e, ERR_PARSE, "is no RELAX NG schema that libxml2 can read");
	return r;
}

void schema_compiled_free(struct _xmlRelaxNG *r)
{
	if (r)
		xmlRelaxNGFree(r);
}

int schema_accepts(struct _xmlRelaxNG *r, struct view text)
{
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	xmlRelaxNGValidCtxtPtr valid = xmlRelaxNGNewValidCtxt(r);
	xmlDocPtr doc = NULL;
	int rc = -1;

	if (parser && valid)
		doc = xmlCtxtReadMemory(
			parser, (const char *)text.p, (int)text.n, NULL, NULL,
			XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc) {
		xmlRelaxNGSetValidStructuredErrors(valid, on_error, NULL);
		rc = xmlRelaxNGValidateDoc(valid, doc);
		xmlFreeDoc(doc);
	}
	if (valid)
		xmlRelaxNGFreeValidCtxt(valid);
	if (parser)
		xmlFreeParserCtxt(parser);
	return rc < 0 ? -1 : rc == 0;
}
