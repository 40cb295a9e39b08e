#!/usr/bin/env python3
"""Enters: Python's jinja2. Leaves: tests/golden/jinja.jsonl: templates and what they render, or null where they are errors.

usage: make_jinja_goldens.py > tests/golden/jinja.jsonl    (needs python3-jinja2)

Each line is [template, text or null] or [template, text or null, variables]. The environment is the one that chat templates
are made for: a sandbox in which nothing can be changed, trim_blocks, lstrip_blocks, loopcontrols, the tag generation, tojson
without HTML's escapes, raise_exception and strftime_now with the clock at 2026-11-22T09:30:00.
"""
import datetime
import json
import sys

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime(2026, 11, 22, 9, 30).strftime(f)
    return env


USERS = {"users": [{"name": "Eve", "age": 31, "city": "Bonn"}, {"name": "adam", "age": 7, "city": "aachen"},
                   {"name": "Bob", "age": 31, "city": "bonn", "tags": ["x", "y"]}], "none_value": None, "empty": [],
         "text": "Grüße, 世界 🙂!", "nested": {"a": {"b": [1, 2, {"c": "deep"}]}, "items": 3}, "f": 2.5, "n": 42}

# Expressions: each becomes {{ … }}.
EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2
7 // 2 ~ ' ' ~ -7 // 2 ~ ' ' ~ 7 // -2 ~ ' ' ~ -7 // -2
7 % 3 ~ ' ' ~ -7 % 3 ~ ' ' ~ 7 % -3 ~ ' ' ~ -7 % -3
7.5 // 2 ~ ' ' ~ -7.5 // 2 ~ ' ' ~ 7.5 % -2 ~ ' ' ~ -7.5 % 2
0.0 // -1
2 ** 10 ~ ' ' ~ 2 ** -2 ~ ' ' ~ 2.0 ** 3 ~ ' ' ~ (-2) ** 3
2 ** 3 ** 2
-2 ** 2
10 / 4 ~ ' ' ~ 10 / 5
1 / 0
1 // 0
1 % 0
1.0 / 0
0 ** -1
[true + true, true * 3]
[1 + 1.5, 3 - 0.1]
'a' + 1
1 + 'a'
'a' + none
'a' * 3 ~ '|' ~ 3 * 'ab' ~ '|' ~ 'a' * -1
[[1, 2] + [3], [0] * 3]
(1, 2) + (3,)
[1] + (2,)
'a' - 'b'
- 'a'
+5 ~ ' ' ~ -(-5) ~ ' ' ~ -n
1_000_000 ~ ' ' ~ 0x1f ~ ' ' ~ 0b101 ~ ' ' ~ 0o17
1e3 ~ ' ' ~ 1.5e-7 ~ ' ' ~ 1e16 ~ ' ' ~ 123456789012345.0 ~ ' ' ~ 1e15 ~ ' ' ~ 0.0001 ~ ' ' ~ 0.00001
1e22 ~ ' ' ~ 1.7976931348623157e308 ~ ' ' ~ 5e-324 ~ ' ' ~ 0.1 + 0.2 ~ ' ' ~ 100.0 ~ ' ' ~ -0.0
1.0 ~ ' ' ~ 2.50 ~ ' ' ~ 1e100
'1' == 1
[1 == 1.0, true == 1, none == false, [1, 2] == [1, 2.0], (1,) == [1]]
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
[1 < 2 < 3, 1 < 3 < 2, 1 == 1 == 1]
['a' < 'b', 'B' < 'a', 'ä' > 'z', [1, 2] < [1, 3], (1,) < (1, 0)]
'a' < 1
none < 1
[1] < 'a'
[1 <= 1, 2 >= 3, 1 != 2]
[2 in [1, 2], 'a' in 'cat', 'x' not in {'x': 1}, 1 in (1,), 3 in range(5), '' in 'a']
1 in 'a1'
1 in 5
[1] in {}
'a' in missing
[not true, not [], not not 0]
true and 'x' ~ '' ~ (0 or 'y') ~ (0 and 1) ~ ('' or [] or {})
false or none
true and false or true
'yes' if n > 41 else 'no'
'yes' if n > 42
('yes' if n > 42) is undefined
1 if false else 2 if false else 3
'a' 'b' "c"
'it''s'
"tab\there\nnew\\ \x41 \u00e9 \U0001F642 \101 \q"
'\'"' ~ "'"
[1, 'two', 3.0, none, true, [4], (5,), {'k': 'v'}]
[]
()
(1,)
(1, 2)
1, 2
{}
{'a': 1, 2: 'b', none: [], 1.5: true}
{'a': 1, 'a': 2}
{1: 'a', 1.0: 'b', true: 'c'}
{[1]: 2}
{(1, 2): 'tuple'}[(1, 2)]
['it\'s', "say \"hi\"", 'both \' and "', 'back\\slash', 'nl\n', 'tab\t', '\x00\x1f\x7f', 'é世🙂', '\u200b\xa0\u2028']
text
text[0] ~ text[-1] ~ text[2] ~ text[7]
text[0:5] ~ '|' ~ text[-3:] ~ '|' ~ text[::-1] ~ '|' ~ text[::2] ~ '|' ~ text[5:2] ~ '|' ~ text[-100:100]
text | length
[0, 1, 2, 3, 4][1:3] ~ '' ~ [0, 1, 2, 3, 4][::-2] ~ '' ~ [0, 1, 2, 3, 4][10:] ~ '' ~ [0, 1, 2][-2:] ~ [0, 1, 2][:-1]
[1, 2, 3][::0]
(1, 2, 3)[1:]
[1, 2][5]
[1, 2][5] is undefined
[1, 2][-2] ~ [1, 2][-3]
[1, 2]['a']
range(10)[2] ~ ' ' ~ range(10)[-1] ~ ' ' ~ range(10)[2:4]
range(3) ~ ' ' ~ range(1, 10, 3) ~ ' ' ~ range(3) | list ~ ' ' ~ range(5, 0, -2) | list
range(0) | list
range(1, 2, 0)
range(1000000)
range('a')
range(5) | length
nested.a.b[2].c ~ nested['a']['b'][0] ~ nested.a.b.1
nested.items() | list | length
nested['items']
nested.missing
nested.missing.deeper
missing
missing.attribute
missing[0]
missing()
missing + 1
missing ~ 'x'
missing == missing2
missing is defined
missing | length
missing | list
missing | default('d') ~ nested.a.zz | default('e')
none.x
none | default('d') ~ '|' ~ '' | default('e') ~ '|' ~ '' | default('e', true) ~ '|' ~ none | d('f', boolean=true)
none ~ true ~ false
n.real_attribute is defined
users[0].name ~ users[0]['age'] ~ users | length
users.0.name
users[-1].tags.1
'abc'.upper() ~ 'ABC'.lower() ~ 'hello world'.title() ~ 'hELLO'.capitalize() ~ 'aBc'.swapcase()
'straße'.upper() ~ 'İ'.lower() ~ 'ÉCOLE'.lower() ~ 'ǆ'.title() ~ 'ﬁx'.capitalize()
"they're bill's".title()
'  x '.strip() ~ '|' ~ '  x '.lstrip() ~ '|' ~ '  x '.rstrip() ~ '|' ~ 'xxaxx'.strip('x') ~ '|' ~ '\u3000ä\xa0'.strip()
'abcba'.strip('ab') ~ '|' ~ 'abcba'.lstrip('ba') ~ '|' ~ 'äbä'.rstrip('ä') ~ '|' ~ 'abc'.strip('')
'a b  c'.split() ~ 'a,b,,c'.split(',') ~ ''.split() ~ ''.split(',') ~ 'a b c'.split(' ', 1) ~ 'a  b c'.split(none, 1)
'a b  c '.rsplit(none, 1) ~ 'a,b,c'.rsplit(',', 1) ~ 'a,b,c'.rsplit(',') ~ ' a b '.rsplit()
' a b '.split(none, 1) ~ ' a b '.rsplit(none, 1) ~ ' a b '.rsplit() ~ ' a b '.split(none, 0) ~ '  '.rsplit(none, 2) ~ ' a b '.split(none, 5)
'abc'.split('')
'<think>x</think>y'.split('</think>')[-1] ~ 'k=v=w'.split('=', maxsplit=1)
'a\nb\r\nc\rd\n'.splitlines() ~ 'a\nb\n'.splitlines(true) ~ ''.splitlines() ~ 'a\x0bb\u2028c'.splitlines()
'hello'.startswith('he') ~ 'hello'.endswith(('x', 'lo')) ~ 'hello'.startswith('l', 2) ~ 'hello'.startswith('l', 2, 3) ~ ''.startswith('')
'hello'.startswith(1)
'hello'.startswith('', 6)
'aXbX'.replace('X', '-') ~ 'aXbX'.replace('X', '-', 1) ~ 'abc'.replace('', '.') ~ 'abc'.replace('', '.', 2) ~ 'aaa'.replace('aa', 'b')
'a'.replace('a')
'hello'.find('l') ~ 'hello'.rfind('l') ~ 'hello'.find('z') ~ 'äöü'.find('ü') ~ 'hello'.find('l', 3) ~ 'hello'.find('', 5) ~ 'hello'.find('', 6)
'hello'.index('l')
'hello'.index('z')
'hello'.count('l') ~ 'aaa'.count('aa') ~ 'abc'.count('') ~ 'abcabc'.count('a', 1)
'-'.join(['a', 'b']) ~ ''.join([]) ~ ', '.join('abc') ~ '-'.join({'x': 1, 'y': 2})
'-'.join([1, 2])
'{} and {1} {name!r:>5} {{}}'.format('a')
'{} and {}'.format('a', 1)
'{0} {1} {0} {name!r:>5} {{}}'.format('a', 2, name='x')
'{:>8}|{:<8}|{:^8}|{:*^9}|{:08.3f}|{:+d}|{:,}|{:x}|{:#x}|{:b}|{:%}|{:e}'.format('r', 'l', 'c', 'm', 3.14159, 5, 1234567, 255, 255, 5, 0.25, 12345.678)
'{:.3}|{:5.1f}|{:g}|{:G}|{:_}|{:05d}|{: d}|{:<5}|{:c}'.format('abcdef', 2.25, 1e10, 1e-10, 1000000, -42, 7, true, 65)
'{0[a]} {0[b][1]} {1.x}'.format({'a': 1, 'b': [2, 3]}, namespace(x=9))
'{a}'.format(b=1)
'{'.format()
'{:d}'.format('x')
'{:10}|{!s}|{}'.format(none, [1, 'a'], 1.0)
'%s is %d years and %.2f' % ('Bob', 42, 3.14159)
'%5s|%-5s|%05d|%+d|% d|%x|%X|%o|%#x|%e|%g|%%|%c|%r' % ('a', 'b', 42, 42, 42, 255, 255, 8, 255, 12345.678, 0.0001, 'z', 'q')
'%(a)s-%(b)d' % {'a': 'x', 'b': 2}
'%s' % [1, 2]
'%s %s' % 'a'
'%s' % ('a', 'b')
'%d' % 'a'
'%d %i %u' % (3.99, -3.99, true)
'%*d|%.*f|%-*d|' % (5, 42, 2, 3.14159, 4, 7)
'%.3s|%10.4f|%G|%E' % ('abcdef', 3.14159265, 1e-10, 1.0)
'%q' % 1
'%' % 1
'%s' % missing
'123'.isdigit() ~ '12a'.isdigit() ~ ''.isdigit() ~ '²'.isdigit() ~ '²'.isdecimal() ~ '٣'.isdecimal() ~ 'abc'.isalpha() ~ 'ab1'.isalnum() ~ ' \t'.isspace() ~ 'é'.isalpha()
'AB'.isupper() ~ 'Ab'.isupper() ~ 'ab1'.islower() ~ '1'.islower() ~ 'Ab Cd'.istitle() ~ 'Ab cd'.istitle() ~ 'é'.isascii()
'42'.zfill(5) ~ '-42'.zfill(5) ~ '+1'.zfill(4) ~ 'abc'.zfill(2)
'ab'.center(5) ~ '|' ~ 'ab'.center(6, '*') ~ '|' ~ 'abc'.center(6) ~ '|' ~ 'a'.ljust(3, '.') ~ '|' ~ 'a'.rjust(3, 'é')
'abc'.removeprefix('ab') ~ 'abc'.removesuffix('bc') ~ 'abc'.removeprefix('x')
'a=b=c'.partition('=') ~ 'a=b=c'.rpartition('=') ~ 'abc'.partition('=') ~ 'abc'.rpartition('=')
'a\tb'.expandtabs(4) ~ '|' ~ 'ab\tc'.expandtabs()
'x'.unknown_method()
'x'.unknown_method is undefined
{'a': 1, 'b': 2}.items() | list ~ {'a': 1}.keys() | list ~ {'a': 1}.values() | list
{'a': 1}.items() ~ {'a': 1}.keys() ~ {'a': 1}.values()
{'a': 1}.get('a') ~ {'a': 1}.get('b') ~ {'a': 1}.get('b', 'c')
{'a': 1}.copy() ~ [1].copy() ~ [1, 2, 1].count(1) ~ [1, 2].index(2) ~ (1, 2).index(1) ~ (1, 1).count(1)
[1].index(5)
[1].append(2)
{'a': 1}.update({'b': 2})
{'a': 1}.pop('a')
[3, 1].sort()
{'a': 1}.setdefault('b', 2)
[1].append is defined
''.__class__
''.__class__.__mro__
{'_x': 1}._x
[].__len__()
dict(a=1, b='x') ~ dict({'k': 1}, k2=2) ~ dict([('p', 1), ['q', 2]])
dict(1)
namespace(a=1).a ~ namespace({'z': 2}).z
namespace(a=1).b
namespace(a=1)
cycler('a', 'b').next()
cycler()
joiner()() ~ joiner('|')()
raise_exception('boom')
raise_exception()
strftime_now('%Y-%m-%d %H:%M:%S %y %b %B %a %A %j %p %I %d %-d %e %% %F %T %D %R %u %w %U %W %V %G')
strftime_now('%d %b %Y')
strftime_now()
unknown_function()
n()
'abc' | upper ~ 'ABC' | lower ~ 'hELLO wORLD' | capitalize ~ "hello-world (foo) [bar] it's" | title
42 | upper ~ none | upper ~ true | lower
'  a ' | trim ~ '|' ~ 'xax' | trim('x') ~ '|' ~ 5 | trim
'aXbX' | replace('X', 'y') ~ 'aXbX' | replace('X', 'y', 1) ~ 123 | replace(2, 9) ~ 'a' | replace('a', none)
'abc' | length ~ [1, 2] | count ~ {'a': 1} | length
5 | length
none | length
[1, 2, 3] | first ~ [1, 2, 3] | last ~ 'abc' | first ~ 'abc' | last ~ {'k': 1} | first ~ {'k': 1, 'l': 2} | last
[] | first
[] | first is undefined
[] | last
range(3) | map('string') | last
'abc' | list ~ {'a': 1} | list ~ (1, 2) | list
5 | list
[1, 2, 3] | join ~ '|' ~ [1, 'b', none] | join(', ') ~ '|' ~ users | join('/', attribute='name') ~ '|' ~ 'abc' | join('-')
[1, 2] | join(0)
[[1], {'a': 'b'}] | join(';')
42 | string ~ '' ~ [1] | string ~ none | string
'42' | int + 1
'abc' | int ~ ' ' ~ '12.7' | int ~ ' ' ~ 3.9 | int ~ ' ' ~ -3.9 | int ~ ' ' ~ '' | int(7) ~ ' ' ~ none | int ~ ' ' ~ true | int ~ ' ' ~ ' 12 ' | int ~ ' ' ~ '1_000' | int ~ ' ' ~ '+5' | int ~ ' ' ~ '--5' | int(1)
'0x1f' | int(0, 16) ~ ' ' ~ 'ff' | int(base=16) ~ ' ' ~ '0b11' | int(0, 2) ~ ' ' ~ '0o17' | int(0, 8) ~ ' ' ~ 'zz' | int(0, 36) ~ ' ' ~ '0x1f' | int ~ ' ' ~ '12' | int(0, 0)
'1e3' | int ~ ' ' ~ [] | int(3) ~ ' ' ~ 'nan' | int(4) ~ ' ' ~ 'inf' | int(5)
missing | int
['abc' | float, 3 | float, '1e3' | float, none | float(2.5), 'inf' | float, '-inf' | float, 'nan' | float, ' 2 ' | float, '1e999' | float]
-5 | abs ~ ' ' ~ (-5) | abs ~ ' ' ~ (-2.5) | abs
'a' | abs
42.55 | round ~ ' ' ~ 42.55 | round(1) ~ ' ' ~ 42.55 | round(1, 'floor') ~ ' ' ~ 42.51 | round(1, 'ceil') ~ ' ' ~ 2.5 | round ~ ' ' ~ 3.5 | round ~ ' ' ~ 42 | round ~ ' ' ~ 1234.5 | round(-2) ~ ' ' ~ 1250 | round(-2) ~ ' ' ~ 2.675 | round(2) ~ ' ' ~ 42 | round(1, 'floor')
42.5 | round | int
1 | round(0, 'up')
[3, 1, 2] | sort ~ ['b', 'A', 'c'] | sort ~ ['b', 'A', 'c'] | sort(case_sensitive=true) ~ [3, 1, 2] | sort(reverse=true) ~ 'hello' | sort
users | sort(attribute='age') | map(attribute='name') | list
users | sort(attribute='age,name') | map(attribute='name') | list ~ users | sort(true, attribute='age') | map(attribute='name') | join(',')
[1, 'a'] | sort
[none, 1] | sort
{'b': 1, 'A': 3, 'c': 2} | dictsort ~ {'b': 1, 'A': 3} | dictsort(true) ~ {'b': 1, 'a': 3} | dictsort(by='value') ~ {'b': 1, 'a': 3} | dictsort(reverse=true) ~ {'b': 1, 'a': 0} | dictsort(false, 'value')
[1] | dictsort
{'a': 1} | dictsort(by='size')
[1, 2, 1, 3] | unique | list ~ ['a', 'A', 'b'] | unique | list ~ ['a', 'A'] | unique(true) | list ~ users | unique(attribute='age') | map(attribute='name') | list
[[1], [1]] | unique | list
'abc' | reverse ~ [1, 2, 3] | reverse | list ~ {'a': 1, 'b': 2} | reverse | list ~ (1, 2) | reverse | list
[3, 1, 2] | min ~ [3, 1, 2] | max ~ ['b', 'A'] | min ~ ['b', 'A'] | min(case_sensitive=true) ~ users | max(attribute='age') | attr('x') ~ (users | min(attribute='age')).name
[] | min
[1, 2, 3] | sum ~ ' ' ~ [1, 2.5] | sum ~ ' ' ~ users | sum(attribute='age') ~ ' ' ~ [] | sum ~ ' ' ~ [1] | sum(start=10) ~ ' ' ~ [[1], [2]] | sum(start=[])
['a'] | sum
[1, 2, 3, 4, 5] | batch(2) | list ~ [1, 2, 3] | batch(2, 'x') | list ~ [] | batch(2) | list
[1, 2, 3, 4, 5, 6, 7] | slice(3) | list ~ [1, 2, 3, 4] | slice(3, 'x') | list ~ [] | slice(2) | list
users | groupby('age') | map('first') | list
users | groupby('city') | map(attribute='grouper') | list ~ (users | groupby('city'))[1].list | length ~ users | groupby('tags.0', default='-') | map(attribute=0) | list
(users | groupby('age'))[0]
'a\nb\n\nc' | indent ~ '|' ~ 'a\nb' | indent(2, true) ~ '|' ~ 'a\n\nb' | indent(2, blank=true) ~ '|' ~ 'a\nb\n' | indent('> ') ~ '|' ~ '' | indent(2, true)
5 | indent
'hello big world out there' | wordcount ~ ' ' ~ "it's a_b c-d" | wordcount ~ ' ' ~ '' | wordcount
'foo bar baz qux' | truncate(9) ~ '|' ~ 'foo bar baz qux' | truncate(9, true) ~ '|' ~ 'foo bar baz qux' | truncate(11) ~ '|' ~ 'foo bar baz qux' | truncate(11, false, '...', 0) ~ '|' ~ 'äöüäöüäöüäöüäöü' | truncate(5, true, '…', 0)
'x' | truncate(1)
'abcdef' | truncate(2, true, '...', 0)
'the quick brown fox jumps over the lazy dog' | wordwrap(10) ~ '|' ~ 'abcdefghijkl mn' | wordwrap(5) ~ '|' ~ 'abcdefghijkl mn' | wordwrap(5, false) ~ '|' ~ 'one two\nthree  four' | wordwrap(8, wrapstring='//') ~ '|' ~ 'well-known time-out' | wordwrap(7)
'ab' | center(6) ~ '|' ~ 'abc' | center(6) ~ '|' ~ 'x' | center(4) ~ '|'
'%s-%s' | format(1, 'b') ~ '%(x)s' | format(x=5)
'%s' | format(1, x=2)
'<a href="x">&\'' | escape ~ '<b>' | e ~ '<b>' | forceescape ~ ('<b>' | e | forceescape)
'<b>' | safe ~ '<i>'
('<b>' | safe) + '<i>' ~ '' ~ '<i>' + ('<b>' | safe)
('<b>' | safe) is escaped ~ '<b>' is escaped
('<b>%s' | safe) % '<i>' is escaped
'<p>Hello <b>big</b>\n  world</p><!-- no -->&amp;' | striptags
'a b&c/d?é~' | urlencode ~ ' ' ~ {'q': 'a b', 'x/y': 1} | urlencode ~ ' ' ~ [('a', 'b c')] | urlencode ~ ' ' ~ 5 | urlencode
{'class': 'a b', 'id': none, 'x': '<"'} | xmlattr ~ '|' ~ {'a': 1} | xmlattr(false) ~ '|' ~ {} | xmlattr
{'a b': 1} | xmlattr
1 | filesizeformat ~ ' ' ~ 999 | filesizeformat ~ ' ' ~ 13000 | filesizeformat ~ ' ' ~ 4100000 | filesizeformat ~ ' ' ~ 1024 | filesizeformat(true) ~ ' ' ~ 5000000000 | filesizeformat(true)
{'a': 1}.items() | map('first') | list ~ {'a': 1} | items | list ~ missing | items | list
[1] | items | list
users | map(attribute='name') | list ~ users | map(attribute='tags.0', default='-') | list ~ ['a', 'b'] | map('upper') | list ~ [1, 2] | map('string') | join ~ [[1, 2], [3]] | map('sum') | list ~ ['a-b'] | map('replace', '-', '+') | list
users | map('nofilter') | list
users | map() | list
['1.5' | float, ('1.5' | float) + 1]
(1 + 2) | string ~ 'x'
('%s, %s' | format('a', 'b'))
[1, 2] | select('odd') | list | length
none | map('upper') | list ~ none | select | list ~ missing | selectattr('x') | list
[0, 1, '', 'a', none] | select | list ~ [1, 2, 3] | select('odd') | list ~ [1, 2, 3] | reject('odd') | list ~ [1, 5] | select('gt', 3) | list ~ [1, 5] | select('>', 3) | list ~ [1, none] | reject('none') | list
users | selectattr('tags') | map(attribute='name') | list ~ users | selectattr('age', 'equalto', 31) | list | length ~ users | rejectattr('tags', 'defined') | list | length ~ users | selectattr('name', 'in', ['Eve']) | list | length ~ users | selectattr('age', '==', 7) | map(attribute='name') | first
[1] | select('notest') | list
users | selectattr() | list
[1, 2] | select('odd')| length
{'a': 1} | attr('a') ~ 'x' | attr('nothing') is undefined
{'a': [1, 2.0, 'ü"\n\\/', none, true], 'b': {}} | tojson
{'a': [1, {'b': []}], 'c': {}} | tojson(indent=2)
[1, [2]] | tojson(indent='\t') ~ [] | tojson(indent=2) ~ [1] | tojson(indent=0)
{'b': 1, 'a': 2} | tojson(sort_keys=true) ~ {'a': 1, 'b': [1, 2]} | tojson(separators=(',', ':')) ~ 'é🙂\x7f\x1f' | tojson(ensure_ascii=true) ~ '</script>\u2028' | tojson
{1: 'a', none: 'b', true: 'c', 1.5: 'd'} | tojson ~ (1, 2) | tojson ~ 1e20 | tojson ~ 5 | tojson ~ none | tojson
missing | tojson
range(3) | tojson
{(1,): 2} | tojson
[1] | map('string') | tojson
{'a': 1}.items() | tojson
namespace(a=1) | tojson
('<b>' | safe) | tojson
{'b': 1, 2: 2} | tojson(sort_keys=true)
'inf' | float | tojson
1 is odd ~ 2 is odd ~ 2 is even ~ 9 is divisibleby 3 ~ 9 is divisibleby(2) ~ 1.0 is odd
'a' is odd
none is none ~ missing is none ~ missing is undefined ~ n is defined ~ none is defined
'a' is string ~ 1 is string ~ 1 is number ~ 1.5 is number ~ true is number ~ 1 is integer ~ true is integer ~ 1.5 is float ~ 1 is float
true is boolean ~ 1 is boolean ~ true is true ~ 1 is true ~ false is false ~ 0 is false
{} is mapping ~ [] is mapping ~ [] is sequence ~ 'a' is sequence ~ {} is sequence ~ 1 is sequence ~ (1,) is sequence ~ range(3) is sequence ~ missing is sequence ~ none is sequence ~ {}.items() is sequence
[] is iterable ~ 'a' is iterable ~ {} is iterable ~ 1 is iterable ~ none is iterable ~ missing is iterable ~ ([] | map('upper')) is iterable ~ ([] | map('upper')) is sequence
range is callable ~ n is callable ~ 'a'.upper is callable ~ missing is callable
1 is eq 1 ~ 1 is equalto(2) ~ 1 is ne 2 ~ 1 is lt 2 ~ 1 is gt 2 ~ 1 is le 1 ~ 1 is ge 2 ~ 1 is lessthan 2 ~ 1 is greaterthan 0
1 is in [1, 2] ~ 'a' is in('abc') ~ 1 is not in [2]
none is sameas none ~ true is sameas true ~ 1 is sameas true
'AB' is upper ~ 'ab' is lower ~ 'Ab' is upper
'upper' is filter ~ 'nope' is filter ~ 'odd' is test ~ 'nope' is test
n is not none and n is defined
n is not string
'a' is string and 1 is number or false
1 is notatest
1 | notafilter
'x' if true else 1 | notafilter
(1 | notafilter) if false else 'lazy'
users | map(attribute='name') | map('upper') | join(' ')
[1, 2, 3] | map('float') | sum
'a,b' . split ( ',' ) [ 1 ]
[ 1 , 2 , ] | length
{'a':1,}.a
n.__class__
(n)
((((1))))
[[[[[1]]]]][0][0][0][0]
'}}' ~ "%}" ~ '{{'
{'a': {'b': 1}}['a']['b']
foo(bar)
'%c' % 256
'abc'['length']
'abc'.1
(1, 2).0
[1, 2, 3] | length > 2
1 + 2 | string
-1 | abs
not n is string
1 if 1 else
n[
)(
1 +
'open
9223372036854775807
'a' ~ 1 ~ 1.0 ~ none ~ true ~ [1]
1 == missing
users == users
[missing] | string
[1, 2] is sameas [1, 2]
dict(**{'a': 1}) ~ dict(*[{'b': 2}], c=3)
range(*[1, 4]) | list
dict(**[1])
'x' is defined(1)
"a" "b" | upper
[1, 2, 3][true] ~ {true: 'y'}[1]
[1,2,3] | batch(0) | list
'a b c' | replace(' ', '') | upper | list
'ß' | upper | lower
'Dž'.lower()
"'" ~ '"' | tojson
"x" * 0 ~ [] * 5
''[0]
''[0] is undefined
''[:5] ~ '|' ~ 'abc'[1:][0]
'abc' > 'abd' or 'abc' == 'abc'
[1, [2, [3]]] | tojson == '[1, [2, [3]]]'
none == none ~ none != none
1.0 == 1 and 1.5 > 1
'%s' % ((1, 2),)
'%s, %s' % ['a', 'b'] | string
users[0] | tojson
users[0].items() | list | tojson
users | map(attribute='city') | unique | sort | join(',')
nested.a | tojson(indent=4)
text | tojson(ensure_ascii=true)
text | upper ~ text | lower ~ text | title ~ text | reverse
text.split(' ') ~ text.find('世') ~ text.replace('世', 'X') ~ text.count('ü')
'12' % missing ~ '-' ~ 'a' % [] ~ 'b' % {'x': 1} ~ 'c' % range(2)
'12' % 1
nested[::2]
n[1:]
[1, 2] | truncate(5) ~ none | default | truncate(3)
n | truncate(5)
n | wordwrap
'straße ǅ ﬁ'.casefold()
range(4).index(2) ~ range(4).count(9)
'12' | filesizeformat
'x' | filesizeformat
range(2) | urlencode
f | round(1) ~ f | int ~ f | string ~ f * 2 ~ f // 1
""".strip("\n").split("\n")

# Whole templates: statements and white space.
TEMPLATES = [
    "", "plain", "a\n", "a\n\n", "a\r\nb\rc\n", "  {{ 1 }}  ", "{{1}}\n{{2}}\n",
    "{% if true %}\nyes\n{% endif %}\nend\n", "  {% if true %}  \n  yes\n  {% endif %}  \nend",
    "a {%- if true %} b {%- endif %} c", "a\n  {%- if true -%}\n  b\n  {%- endif -%}\n  c", "a {{- 1 -}} b {{ 2 -}}\n\n c",
    "  {%+ if true %}x{% endif +%}\ny", "{% if true +%}\nx{% endif %}", "a\n   {# c #}\nb", "a {#- c -#} b", "a\n{# c #}\n\nb {# d #} e",
    "a {#+ c +#}\nb", "{#- a -#}{# unclosed", "x{# -#}  y", "{% raw %}{{ x }}{% if %}{% endraw %}", "a\n  {% raw %}\n  b {{ }}\n  {% endraw %}\nc",
    "{%- raw -%}  x  {%- endraw -%}  y", "{{ 'a' }}{{- ' b ' -}}{{ 'c' }}", "{{+ 1 }}", "{{ 1 +}}",
    "{% for i in [1,2,3] %}{{ i }},{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}", "{% for i in [1] %}x{% else %}none{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in {'a': 1} %}{{ k }}{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% for i in range(5) if i is odd %}{{ i }}/{{ loop.index }}/{{ loop.length }}/{{ loop.last }} {% endfor %}",
    "{% for c in 'aé🙂' %}[{{ c }}]{% endfor %}", "{% for i in missing %}x{% else %}e{% endfor %}", "{% for i in none %}x{% endfor %}", "{% for i in 5 %}x{% endfor %}",
    "{% for i in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for i in [1,2,3] %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "{% for i in [1,2,3] %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for i in [1,1,2,2] %}{{ loop.changed(i) }}{{ loop.cycle('a','b','c') }} {% endfor %}", "{% for i in [1,2] %}{% for j in [1,2] %}{{ loop.depth }}{{ loop.depth0 }}{{ loop.index }}{% endfor %}|{{ loop.index }} {% endfor %}",
    "{% for i in [[1,[2]],3] recursive %}{% if i is iterable %}({{ loop(i) }}){% else %}{{ i }}:{{ loop.depth }}{% endif %}{% endfor %}",
    "{% for n in [{'v':1,'c':[{'v':2,'c':[]}]}] recursive %}<{{ n.v }}@{{ loop.depth0 }}{{ loop(n.c) }}>{% else %}leaf{% endfor %}",
    "{% for i in [1] %}{{ loop([1]) }}{% endfor %}", "{% for i in range(10) %}{% if i == 3 %}{% break %}{% endif %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1,2] %}a{% break %}{% else %}b{% endfor %}", "{% for i in [1,2] %}a{% continue %}{% else %}b{% endfor %}", "{% for i in [1,2] %}a{% if i == 2 %}{% break %}{% endif %}{% else %}b{% endfor %}",
    "{% break %}", "{% for i in [1,2,3] %}{% filter upper %}a{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfilter %}{% endfor %}", "{% for i in [1,2] %}{% set x %}a{% if i == 1 %}{% continue %}{% endif %}{% endset %}[{{ x }}]{% endfor %}",
    "{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% for i in [1,2] %}{% for j in [1,2] %}{% break %}{% endfor %}{{ i }}{% endfor %}",
    "{% set x = 0 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(x=0) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = [ns.a] %}{{ ns.b }}", "{% set d = {} %}{% set d.a = 1 %}", "{% set undefined_ns.a = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set (a, b) = 'xy' %}{{ b }}{{ a }}", "{% set a = 1, %}{{ a }}", "{% set t = 1, 2 %}{{ t }}",
    "{% set x %}a{{ 1 + 1 }}b{% endset %}{{ x }}|{{ x | length }}", "{% set x | upper | replace('A', 'z') %}abc{% endset %}{{ x }}", "{% set ns = namespace() %}{% set ns.t %}in{% endset %}{{ ns.t }}",
    "{% set x = 1 %}{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ y }}", "{% if false %}{% set q = 1 %}{% endif %}{{ q is defined }}", "{% if true %}{% set q = 1 %}{% endif %}{{ q }}",
    "{% set users = 5 %}{{ users }}", "{% for users in [1] %}{{ users }}{% endfor %}{{ users | length }}", "{% for x in [1] %}{% endfor %}{{ x is defined }}{{ loop is defined }}",
    "{% if n == 1 %}a{% elif n == 42 %}b{% elif true %}c{% else %}d{% endif %}", "{% if missing %}a{% else %}b{% endif %}", "{% if not missing and n %}x{% endif %}",
    "{% macro m(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }} {{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a, b) %}{{ a }}{{ b is defined }}{% endmacro %}{{ m(1) }}",
    "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m(x) %}{{ x }}{% if x > 0 %}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "{% macro m() %}{{ later }}{% endmacro %}{% set later = 'now' %}{{ m() }}",
    "{% macro m() %}  x\n{% endmacro %}[{{ m() }}]", "{% macro m(a, b='d') %}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{{ caller(3) }}{% endmacro %}{% call(a, b='-') m() %}[{{ a }}{{ b }}]{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{{ m() }}{% call m() %}c{% endcall %}", "{% macro m() %}x{% endmacro %}{% call m() %}b{% endcall %}", "{% call 5 %}{% endcall %}",
    "{% set v = 'outer' %}{% macro m() %}{% set v = 'inner' %}{{ v }}{% endmacro %}{{ m() }}{{ v }}", "{% for i in [1,2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% filter upper %}abc {{ 'd' }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aXa{% endfilter %}", "{% filter nofilter %}x{% endfilter %}", "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z is defined }}", "{% generation %}abc{% set g = 1 %}{% endgeneration %}{{ g is defined }}", "{%- generation -%} x {%- endgeneration -%} y",
    "{% block b %}in{% endblock %}", "{% block b scoped %}in{% endblock b %}", "{% autoescape false %}<{% endautoescape %}", "{% do 1 %}", "{% unknown %}", "{% endif %}", "{% if true %}", "{% for %}", "{% for i in [1] %}", "{% if true %}{% endfor %}", "{% set %}", "{% set x = %}", "{% set 1 = 2 %}", "{% set true = 2 %}", "{{ }}", "{{ 1", "{% if", "{# ", "{{ 'a }}", "{% macro %}{% endmacro %}",
    "{% for i in [1,2,3] -%}\n  {{ i }}\n{%- endfor %}", "{% for i in [1,2] %}\n  - {{ i }}\n{% endfor %}\nend", "    {% for i in [1,2] %}\n    - {{ i }}\n    {% endfor %}\nend", "x  {% if true %}y{% endif %}", "\t{% if true %}y{% endif %}\t\n z", "{{ 1 }}  {% if true %}\n  {% endif %}\n",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}", "{% set j = joiner(', ') %}{% for i in [1,2,3] %}{{ j() }}{{ i }}{% endfor %}",
    "{% for u in users %}{{ u.name }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for u in users | sort(attribute='name') %}{{ u.name }} {% endfor %}", "{% for g, l in users | groupby('age') %}{{ g }}:{{ l | map(attribute='name') | join('+') }};{% endfor %}", "{% for u in users if u.tags %}{{ u.name }}{{ u.tags | tojson }}{% endfor %}",
    "{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}", "{% set g = [1, 2, 3] | select('odd') %}{% for x in g %}{{ x }}{% endfor %}|{% for x in g %}{{ x }}{% endfor %}", "{{ [1,2,3] | map('string') | first }}",
    "{% set ns = namespace(found=false) %}{% for i in range(5) if not ns.found %}{{ i }}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}", "{{ raise_exception('a \"quoted\" message') }}", "{% if false %}{{ 1 | nofilter }}{% endif %}ok", "{% if false %}{{ 1 is notest }}{% endif %}ok", "{% if false %}{% for i in [] %}{{ 1 | nofilter }}{% endfor %}{% endif %}ok", "{% for i in [] %}{{ 1 | nofilter }}{% endfor %}ok",
    "{{ '{{' }}{{ '}}' }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': 1}['a']}}", "{{ '%}' }}{% if '%}' %}x{% endif %}", "{{ x }}{% set x = 1 %}{{ x }}", "{% set x = 1 %}{% include 'a' %}", "{% import 'a' as b %}", "{% extends 'a' %}",
    "{{ 'é' }}é{# ü #}{% if 'ü' == 'ü' %}世{% endif %}", "{%if true%}a{%endif%}", "{%-if true-%} a {%-endif-%}", "{% if true %}a{% else %}b{% endif %}\n\n{% if false %}{% endif %}\n\nz", "{% for i in range(3) %}{{ i }}{{ '\\n' }}{% endfor %}", "{% set x = 'a' if n else 'b' %}{{ x }}", "{% for i in [1,2] if n %}{{ i }}{% endfor %}", "{% for x in ([1,2] if n else []) %}{{ x }}{% endfor %}", "{% for x in [1,2], [3] %}{{ x }}{% endfor %}", "{% for x in 1, 2 %}{{ x }}{% endfor %}",
    "{% set a = [] %}{% set a = a + [1] %}{% set a = a + ['b'] %}{{ a }}", "{% set m = {'role': 'x'} %}{% set m = dict(m, content='y') %}{{ m }}", "{{ users[1:] | map(attribute='name') | list }}", "{{ users[0]['name'] ~ (users[0].missing or 'dflt') }}", "{% if 'tags' in users[2] and users[2].tags is not none %}t{% endif %}", "{% if users is iterable and users is not mapping %}list{% endif %}", "{% if users[0].content is string %}s{% else %}n{% endif %}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% macro a(x) %}{% for i in x %}{{ i }}{{ loop.index }}{% endfor %}{% endmacro %}{{ a([7,8]) }}", "{% set s = namespace(l=[]) %}{% for i in range(3) %}{% set s.l = s.l + [i * 2] %}{% endfor %}{{ s.l | join(',') }}", "{% macro m() -%}\n a\n{%- endmacro %}[{{ m() }}]", "{% set f = 'x'.upper %}{{ f() }}", "{{ (1 if n else 2) + 1 }}", "{{ [x for x in users] }}", "{{ lambda: 1 }}", "{% if n is defined and n is not none and n != 0 %}q{% endif %}", "{% raw %}a{% endraw %}\nb\n{% raw %}\nc{% endraw %}",
]


def case(env, template, variables):
    try:
        text = env.from_string(template).render(**variables)
    except Exception:
        text = None
    return [template, text] + ([variables] if variables else [])


def main():
    env = environment()
    for line in EXPRESSIONS:
        uses = any(word in line for word in USERS)
        print(json.dumps(case(env, "{{ " + line + " }}", USERS if uses else {}), ensure_ascii=False, separators=(",", ":")))
    for template in TEMPLATES:
        uses = any(word in template for word in ("users", "n ", "n)", "n %", "nested"))
        print(json.dumps(case(env, template, USERS if uses else {}), ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    sys.exit(main())
