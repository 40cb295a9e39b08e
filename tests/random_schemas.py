#!/usr/bin/env python3
# Enters: the built schema_sampler and a number of schemas. Leaves: success when every text drawn from a random schema's grammar is
# valid by python3-jsonschema, and the grammar has every instance made here in the way its policy says.
import json
import random
import subprocess
import sys

import jsonschema

LETTERS = ["a", "b", "name", "value", "é", "\"quoted\"", "back\\slash", "line\nbreak", "€uro", "🙂", "abc", "~/x", "\x01"]
PATTERNS = [("^[a-z]{2,5}$", lambda r: "".join(r.choice("abcxyz") for _ in range(r.randint(2, 5)))),
            ("^(foo|bar)-[0-9]+$", lambda r: r.choice(["foo", "bar"]) + "-" + str(r.randint(0, 999))),
            ("\\d\\d", lambda r: r.choice(["", "x", "é\""]) + str(r.randint(10, 99))),
            ("^[^\"\\\\]*$", lambda r: r.choice(["", "plain", "é🙂"])),
            ("a|b$", lambda r: r.choice(["xab", "a\n", "b"])),
            ("^\\S+ \\w$", lambda r: "\"€ x")]
FORMATS = {"date": "2024-02-29", "time": "23:59:59.5Z", "date-time": "2023-01-31T00:00:00+02:00", "ipv4": "255.0.10.1",
           "uuid": "123e4567-e89b-12d3-a456-426614174000", "ipv6": "fe80::1:2", "email": "a.b@example.org"}


def scalar(r):
    return r.choice([None, True, False, r.randint(-1000, 1000), r.choice([0.5, -2.25, 1e-3]), r.choice(LETTERS)])


def anything(r, depth):
    if depth <= 0 or r.random() < 0.5:
        return scalar(r)
    if r.random() < 0.5:
        return [anything(r, depth - 1) for _ in range(r.randint(0, 3))]
    return {r.choice(LETTERS): anything(r, depth - 1) for _ in range(r.randint(0, 3))}


def bounds(r, low, high):
    a, b = sorted([r.randint(low, high), r.randint(low, high)])
    return r.choice([(None, None), (a, None), (None, b), (a, b)])


def integer(r, depth, defs):
    low, high = bounds(r, -3000, 3000) if r.random() < 0.7 else bounds(r, -(10**17), 10**17)
    schema = {"type": "integer"}
    least, most = -(10**18) + 1 if low is None else low, 10**18 - 1 if high is None else high
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        if r.random() < 0.3:
            schema["exclusiveMaximum"] = high + 1
        else:
            schema["maximum"] = high
    return schema, lambda: r.choice([least, most, r.randint(least, most), min(max(0, least), most)])


def number(r, depth, defs):
    schema = {"type": "number"}
    if r.random() < 0.4:
        return schema, lambda: r.choice([0, -1, 0.1, 1e16, 1.5e-7, -123.456, 2**53])
    low = r.choice([0, -1, 0.25, -12.5, 100, -0.001])
    high = low + r.choice([0.125, 1, 99.75, 100000])
    exclusive = r.random() < 0.5
    schema["exclusiveMinimum" if exclusive else "minimum"] = low
    if r.random() < 0.7:
        schema["exclusiveMaximum" if exclusive else "maximum"] = high
    return schema, lambda: round(low + (high - low) * r.choice([0.5, 0.25, 0.75]), 5)


def string(r, depth, defs):
    kind = r.random()
    if kind < 0.4:
        low, high = bounds(r, 0, 12)
        schema = {"type": "string"}
        if low is not None:
            schema["minLength"] = low
        if high is not None:
            schema["maxLength"] = high
        return schema, lambda: "".join(r.choice("aé€🙂\"\\\n\x01/") for _ in range(r.randint(low or 0, 12 if high is None else high)))
    if kind < 0.7:
        pattern, make = r.choice(PATTERNS)
        return {"type": "string", "pattern": pattern}, lambda: make(r)
    name = r.choice(sorted(FORMATS))
    return {"type": "string", "format": name}, lambda: FORMATS[name]


def listed(r, depth, defs):
    values = [scalar(r) if r.random() < 0.8 else anything(r, 2) for _ in range(r.randint(1, 5))]
    if len(values) == 1:
        return {"const": values[0]}, lambda: values[0]
    return {"enum": values}, lambda: r.choice(values)


def array(r, depth, defs):
    schema, make = {"type": "array"}, []
    item, make_item = any_schema(r, depth - 1, defs)
    prefix = [any_schema(r, depth - 1, defs) for _ in range(r.choice([0, 0, 1, 3]))]
    if prefix:
        schema["prefixItems"] = [p[0] for p in prefix]
    rest = r.random() < 0.7
    if rest:
        schema["items"] = item
    low, high = bounds(r, 0, 5)
    if low is not None:
        schema["minItems"] = low
    if high is not None:
        schema["maxItems"] = high

    def instance():
        most = high if high is not None else (low or 0) + 3
        if prefix and not rest:
            most = min(most, max(len(prefix), low or 0))
        n = r.randint(low or 0, most)
        return [(prefix[i][1] if i < len(prefix) else make_item if rest else lambda: anything(r, 1))() for i in range(n)]

    return schema, instance


def obj(r, depth, defs):
    names = r.sample(LETTERS, r.randint(0, 5))
    members = {name: any_schema(r, depth - 1, defs) for name in names}
    required = [n for n in names if r.random() < 0.5]
    schema = {"type": "object", "properties": {n: members[n][0] for n in names}}
    if required:
        schema["required"] = required
    others = r.choice(["absent", "false", "schema", "absent"])
    other, make_other = any_schema(r, depth - 1, defs)
    if others == "false":
        schema["additionalProperties"] = False
    elif others == "schema":
        schema["additionalProperties"] = other
    if not names:
        del schema["properties"]
    if r.random() < 0.1:
        del schema["type"]

    def instance():
        made = {n: members[n][1]() for n in names if n in required or r.random() < 0.6}
        if others == "schema":
            made.update({n: make_other() for n in ["other", "nam", "abcd"] if r.random() < 0.4})
        return made

    return schema, instance


def any_of(r, depth, defs):
    parts = [any_schema(r, depth - 1, defs) for _ in range(r.randint(1, 3))]
    return {"anyOf": [p[0] for p in parts]}, lambda: r.choice(parts)[1]()


def one_of(r, depth, defs):
    parts = []
    for i in range(r.randint(1, 3)):
        inner, make = any_schema(r, depth - 1, defs)
        parts.append((i, inner, make))
    schema = {"oneOf": [{"type": "object", "properties": {"kind": {"const": i}, "body": s}, "required": ["kind"]}
                        for i, s, _ in parts] + [{"type": "null"}]}

    def instance():
        i, _, make = r.choice(parts)
        return {"kind": i, "body": make()}

    return schema, instance


def one_of_untyped(r, depth, defs):
    """No alternative says that it is an object: what stands beside them may let in what is valid for each."""
    parts = [any_schema(r, depth - 1, defs) for _ in range(r.randint(2, 3))]
    inside = r.random() < 0.3  # what tells them apart is one object further in

    def alternative(i):
        kind = {"properties": {"kind": {"const": i}}, "required": ["kind"]}
        if inside:
            typed = {"type": "object"} if r.random() < 0.8 else {}  # refused without: a null might be let in there too
            kind = {"properties": {"head": {**kind, **typed}}, "required": ["head"]}
        kind["properties"]["body"] = parts[i][0]
        return kind

    schema = {"oneOf": [alternative(i) for i in range(len(parts))]}
    beside = r.choice([{}, {"type": "object"}, {"type": ["object", "null"]}, {"type": ["string", "object", "integer"]},
                       {"minLength": 1}, {"items": {"type": "null"}, "minimum": 0},
                       {"properties": {"head": {"type": ["null", "object"]}}}])
    schema = {**beside, **schema} if r.random() < 0.5 else {"allOf": [beside, schema]}

    def instance():
        i = r.randrange(len(parts))
        return {**({"head": {"kind": i}} if inside else {"kind": i}), "body": parts[i][1]()}

    return schema, instance


def all_of(r, depth, defs):
    first, make_first = any_schema(r, depth - 1, defs)
    second, make_second = any_schema(r, depth - 1, defs)
    schema = {"allOf": [{"type": "object", "properties": {"x": first}, "required": ["x"]},
                        {"type": "object", "properties": {"y": second}}]}
    return schema, lambda: {"x": make_first(), **({"y": make_second()} if r.random() < 0.5 else {})}


def reference(r, depth, defs):
    kind = r.random()
    if kind < 0.5 or not defs:
        name = "tree%d" % len(defs)
        defs[name] = None
        leaf, make = any_schema(r, 0, {})
        defs[name] = {"type": "object", "properties": {"leaf": leaf, "next": {"$ref": "#/$defs/" + name}}, "required": ["leaf"]}

        def instance(n=3):
            return {"leaf": make(), **({"next": instance(n - 1)} if n > 0 and r.random() < 0.5 else {})}

        return {"$ref": "#/$defs/" + name}, instance
    return {"type": ["null", "boolean"]}, lambda: r.choice([None, True, False])


def free(r, depth, defs):
    return r.choice([{}, True]), lambda: anything(r, 2)


def any_schema(r, depth, defs):
    simple = [integer, number, string, listed, string]
    kinds = simple if depth <= 0 else simple + [array, obj, obj, any_of, one_of, one_of_untyped, all_of, reference, free]
    return r.choice(kinds)(r, depth, defs)


def made(seed):
    r = random.Random(seed)
    defs = {}
    schema, instance = any_schema(r, 3, defs)
    if isinstance(schema, dict) and defs:
        schema = {**schema, "$defs": defs}
    return schema, [instance() for _ in range(4)]


def numbers_fit(value):
    if isinstance(value, float):
        return len(repr(value).split("e")[0]) < 20
    if isinstance(value, (list, dict)):
        return all(numbers_fit(v) for v in (value if isinstance(value, list) else value.values()))
    return True


def main():
    sampler, count = sys.argv[1], int(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    program = subprocess.Popen([sampler], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    checker = getattr(jsonschema.Draft202012Validator, "FORMAT_CHECKER", None) or jsonschema.draft202012_format_checker
    bad = refused = n_texts = n_instances = 0
    for seed in range(first, first + count):
        schema, instances = made(seed)
        validator = jsonschema.Draft202012Validator(schema, format_checker=checker)
        valid = [i for i in instances if validator.is_valid(i) and numbers_fit(i)]
        style = {"separators": (",", ":")} if seed % 3 == 0 else {"indent": 2} if seed % 3 == 1 else {}
        asked = {"schema": json.dumps(schema), "seed": seed, "instances": [json.dumps(i, ensure_ascii=False, **style) for i in valid]}
        program.stdin.write(json.dumps(asked) + "\n")
        program.stdin.flush()
        reply = json.loads(program.stdout.readline())
        if "error" in reply:
            refused += 1
            print("seed %d refused: %s\n  %s" % (seed, reply["error"], json.dumps(schema)[:400]))
            continue
        for text in reply["texts"]:
            n_texts += 1
            try:
                validator.validate(json.loads(text))
            except Exception as wrong:
                bad += 1
                print("seed %d: not valid: %r\n  %s\n  %s" % (seed, text[:300], json.dumps(schema)[:600], str(wrong)[:300]))
        n_instances += len(valid)
        for i in reply["rejected"]:
            bad += 1
            print("seed %d: the grammar has not %r\n  %s" % (seed, asked["instances"][i][:300], json.dumps(schema)[:600]))
    program.stdin.close()
    print("%d schemas, %d refused; %d texts and %d instances, %d wrong" % (count, refused, n_texts, n_instances, bad))
    enough = n_texts > count and n_instances > count and refused <= count // 10
    return 0 if bad == 0 and enough and program.wait() == 0 else 1


sys.exit(main())
