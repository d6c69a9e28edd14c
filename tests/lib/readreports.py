"""Reads the reports of vmend with parsers that others wrote, and says what each holds.

usage: readreports.py findings FORMAT FILE    one line per finding: path, rule, severity, line
       readreports.py apply SARIF FOLDER      writes the fixes of a SARIF report into the files
       readreports.py schema SCHEMA FILE      validates with python3-jsonschema
SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ET


def load(name):
    with open(name, encoding="utf-8") as f:
        return json.load(f)


suppressed = 0


def is_suppressed(yes):
    global suppressed
    suppressed += bool(yes)
    return yes


def show(path, rule, severity, line):
    print(f"{path}\t{rule}\t{severity}\t{line if line is not None else '-'}")


def of_json(name):
    o = load(name)
    for f in o["suppressed"]:
        is_suppressed(f["rule"])
    for f in o["findings"]:
        show(f["path"], f["rule"], f["severity"], f["line"])


def of_jsonl(name):
    with open(name, encoding="utf-8") as f:
        for line in f.read().split("\n")[:-1]:
            o = json.loads(line)
            is_suppressed(o["type"] == "suppressed")
            if o["type"] == "finding":
                show(o["path"], o["rule"], o["severity"], o["line"])


def uri(o):
    path = urllib.parse.unquote(o["uri"], errors="surrogateescape")
    return path[len("file://"):] if path.startswith("file://") else path


def of_sarif(name):
    run = load(name)["runs"][0]
    known = {r["id"] for r in run["tool"]["driver"]["rules"]}
    for r in run["results"]:
        assert r["ruleId"] in known, r["ruleId"]
        if is_suppressed(r.get("suppressions")):
            continue
        at = r["locations"][0]["physicalLocation"]
        show(uri(at["artifactLocation"]), r["ruleId"], r["level"],
             at.get("region", {}).get("startLine"))


def of_gitlab(name):
    words = {"critical": "error", "minor": "warning", "info": "note"}
    seen = set()
    for f in load(name):
        assert f["fingerprint"] not in seen, "a fingerprint twice: GitLab drops one"
        seen.add(f["fingerprint"])
        show(f["location"]["path"], f["check_name"], words[f["severity"]],
             f["location"]["lines"]["begin"])


def of_junit(name):
    from junitparser import JUnitXml
    for suite in JUnitXml.fromfile(name):
        cases = list(suite)
        assert suite.tests == len(cases), "the number of cases"
        assert suite.failures == sum(r.__class__.__name__ == "Failure" for c in cases
                                     for r in c.result), "the number of failures"
        for case in cases:
            if " at " not in case.name or is_suppressed(
                    case.result and case.result[0].__class__.__name__ == "Skipped"):
                continue
            rule, place = case.name.split(" at ")
            kind = case.result[0].type if case.result else "note"
            line = place.split(":")[0] if not place.startswith(("0x", "guest")) else None
            show(case.classname, rule, kind, line)


def of_checkstyle(name):
    words = {"error": "error", "warning": "warning", "info": "note"}
    for f in ET.parse(name).getroot().iter("file"):
        for e in f.iter("error"):
            if e.get("source") == "vmend.skipped":
                continue
            show(f.get("name"), e.get("source")[len("vmend."):], words[e.get("severity")],
                 e.get("line"))


def of_github(name):
    words = {"error": "error", "warning": "warning", "notice": "note"}
    unescape = lambda s: urllib.parse.unquote(s, errors="surrogateescape")
    with open(name, encoding="utf-8", errors="surrogateescape") as f:
        for line in f.read().split("\n")[:-1]:
            head, _, _ = line[2:].partition("::")
            command, _, properties = head.partition(" ")
            p = dict(x.split("=", 1) for x in properties.split(","))
            if p["title"] == "vmend skipped":
                continue
            show(unescape(p["file"]), p["title"][len("vmend "):], words[command],
                 p.get("line"))


def offset(text, line, column):
    """Of a place in a text, in characters; a byte order mark is none."""
    at = 0
    for _ in range(line - 1):
        at = text.index("\n", at) + 1
    return at + column - 1 + (at == 0 and text.startswith("\ufeff"))


def changed(raw, replacements):
    edits = []
    for r in replacements:
        d, new = r["deletedRegion"], r.get("insertedContent", {})
        if "byteOffset" in d:
            at, n = d["byteOffset"], d["byteLength"]
            edits.append((at, at + n, base64.b64decode(new.get("binary", ""))))
            continue
        text = raw.decode("utf-8", "surrogateescape")
        begin = offset(text, d["startLine"], d["startColumn"])
        end = offset(text, d["endLine"], d["endColumn"])
        size = lambda n: len(text[:n].encode("utf-8", "surrogateescape"))
        edits.append((size(begin), size(end), new.get("text", "").encode()))
    for begin, end, new in sorted(edits, reverse=True, key=lambda e: e[:2]):
        raw = raw[:begin] + new + raw[end:]
    return raw


def apply(name, folder):
    """The first fix of each file: others are about the file as it was."""
    done = set()
    for r in load(name)["runs"][0]["results"]:
        for fix in r.get("fixes", [])[:1]:
            for change in fix["artifactChanges"]:
                path = os.path.join(folder, uri(change["artifactLocation"]))
                if path in done:
                    continue
                done.add(path)
                with open(path, "rb") as f:
                    raw = f.read()
                with open(path, "wb") as f:
                    f.write(changed(raw, change["replacements"]))
    print(len(done))


def schema(schema_name, name):
    import jsonschema
    s = load(schema_name)
    v = jsonschema.validators.validator_for(s, default=jsonschema.Draft4Validator)(s)
    for e in list(v.iter_errors(load(name)))[:5]:
        print("/".join(map(str, e.path)), e.message[:300])


def main():
    sys.stdout.reconfigure(errors="surrogateescape")
    what = sys.argv[1]
    if what == "findings":
        kind = sys.argv[2].replace("-", "_")
        globals()["of_" + {"sarif_github": "sarif"}.get(kind, kind)](sys.argv[3])
        print(suppressed, file=sys.stderr)
    elif what == "apply":
        apply(sys.argv[2], sys.argv[3])
    else:
        schema(sys.argv[2], sys.argv[3])


main()
