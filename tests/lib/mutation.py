"""What tests/mutation.sh asks of the corpus. usage: mutation.py BUILD WORK WORD
SPDX-License-Identifier: Apache-2.0"""
import difflib
import glob
import json
import os
import re
import shutil
import subprocess
import sys

build, work, word = sys.argv[1:4]
root = os.getcwd()
skipped = {'args', 'fix-args', 'oracle-skip', 'not-portable', 'expect.1', 'expect.2', 'expect.plan'}
HOW = {'.xml': 'xml', '.yaml': 'yaml', '.yml': 'yaml', '.json': 'json', '.pkr.json': 'hcljson',
       '.pkr.hcl': 'hcl', '.sh': 'sh', '.conf': 'sh', '.service': 'unit', '.plist': 'xml', '.cfg': 'ini'}


def syntax(name):
    base = os.path.basename(name)
    for ending in sorted(HOW, key=len, reverse=True):
        if base.endswith(ending):
            return HOW[ending]
    return None


def prepare(case):
    """A copy of the case with its images; returns the input's name."""
    shutil.rmtree(work)
    os.mkdir(work)
    given = None
    for name in os.listdir(case):
        source = os.path.join(case, name)
        if name in skipped or name.startswith(('fixed.', 'README')):
            continue
        if name.startswith('in.') and not name.endswith('.recipe'):
            given = name
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(work, name))
        elif not name.endswith('.recipe'):
            shutil.copy(source, os.path.join(work, name))
    for recipe in glob.glob(case + '/**/*.recipe', recursive=True):
        to = os.path.join(work, os.path.relpath(recipe, case))[:-len('.recipe')]
        subprocess.run([build + '/tools/mkimg', recipe, to], check=True)
        if os.path.exists(to + '.recipe'):
            os.remove(to + '.recipe')
    return given


def check(case, given):
    options = []
    if os.path.exists(case + '/args'):
        options = open(case + '/args').read().split('\n')[:-1]
    if '--host-mounts' not in ' '.join(options):
        options += ['--host-mounts', root + '/tests/lib/mountinfo']
    out = subprocess.run([build + '/vmend', 'check', '--format', 'json', *options, given], cwd=work,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return json.loads(out.stdout)['findings']


def variables(text, at, end, how):
    """Texts in which what stands at [at, end) is not known: each a reading of what that is."""
    before, value, after = text[:at], text[at:end], text[end:]
    if how == 'xml':
        if value.startswith(b'<'):
            yield before + value + b'{{ more }}' + after      # what it lacks may come there
            for m in re.finditer(rb'''=(['"])(.*?)\1''', value):
                yield before + value[:m.start(2)] + b'${nowhere}' + value[m.end(2):] + after
            m = re.match(rb'<[^<>]*>([^<>]*)</', value)
            if m:
                yield before + value[:m.start(1)] + b'${nowhere}' + value[m.end(1):] + after
            if before.rstrip().endswith(b'>'):
                yield before + b'{{ more }}' + value + after
        elif re.match(rb'[\w:-]+\s*=', value):
            m = re.search(rb'''(['"])(.*)\1''', value)
            if not m:
                return
            yield before + value[:m.start(2)] + b'${nowhere}' + value[m.end(2):] + after
        else:
            yield before + b'${nowhere}' + after
            yield before + b'${nowhere}' + re.sub(rb'^[^<>]*', b'', after)
    elif how == 'yaml':
        yield before + (b'{{ nowhere }}' if before.endswith((b'"', b"'")) else b'"{{ nowhere }}"') + after
        yield before + b'{{ nowhere }}\n' + value + after
    elif how == 'json':
        yield before + (b'{{user `nowhere`}}' if before.endswith(b'"') else b'"{{user `nowhere`}}"') + after
    elif how == 'hcljson':
        yield before + (b'${var.nowhere}' if before.endswith(b'"') else b'"${var.nowhere}"') + after
    elif how == 'hcl':
        yield before + (b'${var.nowhere}' if before.endswith(b'"') else b'var.nowhere') + after
    elif how == 'sh':
        yield before + b'$(nowhere)' + after
        yield before + value + b' $(nowhere) ' + after
        yield before + b' $(nowhere) ' + value + after
    elif how == 'unit':
        yield before + b'${NOWHERE}' + after
        yield before + value + b' $NOWHERE ' + after


def silent(case, given, findings, rule):
    """Of each finding: one reading of it as unknown is not found any more."""
    mine = [f for f in findings if f['rule'] == rule and f['line'] and syntax(f['path'])]
    for f in mine[:3]:
        path = os.path.join(work, f['path'])
        text = open(path, 'rb').read()
        at = f['byte_offset']
        done = False
        for other in variables(text, at, at + f['byte_length'], syntax(f['path'])):
            open(path, 'wb').write(other)
            if sum(x['rule'] == rule for x in check(case, given)) < sum(x['rule'] == rule for x in findings):
                done = True
                break
        open(path, 'wb').write(text)
        if not done:
            return f"line {f['line']}: {text[at:at + f['byte_length']][:60]!r}"
    return None if mine else 'no finding in a text'


def files(case):
    return {os.path.relpath(f, case): open(f, errors='replace').read().split('\n')
            for f in glob.glob(case + '/**/*', recursive=True)
            if os.path.isfile(f) and os.path.basename(f) not in skipped}


def apart(a, b):
    """At how many places two lists of lines differ."""
    ops = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return sum(o[0] != 'equal' for o in ops)


def words_of(case):
    """Values that this rule's right texts have, by the word before them."""
    found = {}
    for name in glob.glob(os.path.dirname(case) + '/ok-*/in.*') + glob.glob(os.path.dirname(case) + '/*/fixed.*'):
        for m in re.finditer(rb'''([\w.-]+)['"]?\s*[=:>]\s*['"]?([^\s'"<>,]+)''', open(name, 'rb').read()):
            values = found.setdefault(m.group(1), [])
            if m.group(2) not in values:
                values.append(m.group(2))
    return found


def line_bounds(text, at, end):
    return text.rfind(b'\n', 0, at) + 1, (text.find(b'\n', max(at, end - 1)) + 1 or len(text))


def mended(text, at, end, words):
    """Texts that differ from this one at the place that is named."""
    before, value, after = text[:at], text[at:end], text[end:]
    m = re.search(rb'''([\w.-]+)['"]?\s*[=:>]\s*['"]?$''', before)
    for other in words.get(m.group(1), [])[:40] if m else []:
        yield before + other + after
    for other in (b'yes', b'no', b'on', b'off', b'true', b'false', b'0', b'1', b'2', b'4', b'16', b'512', b'none',
                  value[:len(value) // 2], value + b'2', b'x' + value, value.lower(), value[1:], value[:-1]):
        yield before + other + after
    yield before + after
    m = re.search(rb'''\s[\w.:-]+=['"]?$''', before)
    if m:
        yield before[:m.start()] + re.sub(rb'''^['"]''', b'', after)
    m = re.search(rb',[\w.-]+=$', before)
    if m:
        yield before[:m.start()] + after
    first, last = line_bounds(text, at, end)
    yield text[:first] + text[last:]
    up, _ = line_bounds(text, max(0, first - 1), max(0, first - 1))
    yield text[:up] + text[last:]
    # Each attribute of a tag.
    for m in re.finditer(rb'''\s([\w:]+)=(['"])(.*?)\2''', text[first:last]):
        yield text[:first + m.start()] + text[first + m.end():]
        for other in words.get(m.group(1), [])[:40]:
            yield text[:first + m.start(3)] + other + text[first + m.end(3):]
    # The whole block that begins there.
    m = re.match(rb'''\s*<([\w:]+)''', text[first:last])
    if m:
        close = text.find(b'</' + m.group(1) + b'>', first)
        if close > 0:
            yield text[:first] + text[line_bounds(text, close, close + 1)[1]:]


def near(case, given, findings, rule):
    """There is a right text that differs at that place, or where the case says what is related."""
    mine = files(case)
    for name in glob.glob(case + '/fixed.*'):
        if apart(mine[given], open(name, errors='replace').read().split('\n')) == 1:
            return True
    for ok in sorted(glob.glob(os.path.dirname(case) + '/ok-*')):
        other = files(ok)
        if given in other and mine.keys() - other.keys() <= {os.path.basename(f) for f in glob.glob(case + '/fixed.*')} \
                and sum(apart(mine[f], other[f]) if f in mine else 1 for f in other) == 1:
            return True
    path = os.path.join(work, given)
    text = open(path, 'rb').read()
    words, now = words_of(case), [f['rule'] for f in findings]
    places = [(f['byte_offset'], f['byte_length']) for f in findings if f['rule'] == rule and f['path'] == given]
    places += [(r['byte_offset'], 1) for f in findings if f['rule'] == rule for r in f['related'] if r['path'] == given]
    for at, length in places[:4]:
        for other in mended(text, at, at + length, words):
            open(path, 'wb').write(other)
            left = [f['rule'] for f in check(case, given)]
            if left.count(rule) < now.count(rule) and set(left) <= set(now):
                open(path, 'wb').write(text)
                return True
    open(path, 'wb').write(text)
    return False


def main():
    exceptions = {}
    for line in open('tests/mutation.txt'):
        if line.strip() and not line.startswith('#'):
            key, why = line.rstrip('\n').split(None, 1)
            exceptions[key] = why
    used = set()
    for rule in sorted(os.listdir('corpus')):
        if word not in rule:
            continue
        got = {}
        for case in sorted(glob.glob(f'corpus/{rule}/bad-*')):
            case = os.path.join(root, case)
            given = [f for f in os.listdir(case) if f.startswith('in.') and syntax(f)]
            if not given:
                continue
            how = syntax(given[0])
            one = got.setdefault(how, {'alone': False, 'near': False, 'unknown': [], 'ok': 0})
            given = prepare(case)
            findings = check(case, given)
            names = {f['rule'] for f in findings}
            one['alone'] |= names == {rule}
            one['near'] = one['near'] or near(case, given, findings, rule)
            if how != 'ini':
                loud = silent(case, given, findings, rule)
                if loud:
                    one['unknown'].append(os.path.basename(case) + ': ' + loud)
                else:
                    one['ok'] += 1
            else:
                one['ok'] += 1
        for how, one in got.items():
            wrong = []
            if not one['alone']:
                wrong.append(('alone', 'no case in which nothing else is found'))
            if not one['near']:
                wrong.append(('near', 'no right text that differs at one place'))
            if not one['ok']:
                wrong.append(('unknown', 'found although not known: ' + '; '.join(one['unknown'][:2])))
            left = []
            for key, text in wrong:
                full = next((k for k in (f'{rule}/{how}/{key}', f'{rule}/{key}') if k in exceptions), None)
                if full:
                    used.add(full)
                else:
                    left.append(text)
            print('not' if left else 'ok', f'{rule} in {how}' + ('|' + '. '.join(left) if left else ''), flush=True)
    if not word:
        idle = sorted(set(exceptions) - used)
        print('not exceptions that are needed|' + ' '.join(idle) if idle else 'ok exceptions that are needed')


main()
