#!/usr/bin/env python3
"""Enters: nothing. Leaves: tests/golden/sampler.jsonl: settings, logits and the token that the definitions pick from them.

The steps of SamplingOptions written down once more, from their papers and without any shortcut, in Python integers, fractions
and doubles: every f32 operation is exact and then rounded once. Needs nothing but Python:

    python3 tools/makers/make_sampler_goldens.py
"""

import json
import math
import random
import struct
from fractions import Fraction
from pathlib import Path

INF = math.inf


def f32(x):
    """The nearest float, ties to even, of a double or a fraction; beyond the largest it is infinite."""
    if isinstance(x, float) and (math.isinf(x) or math.isnan(x)):
        return x
    exact = Fraction(x)
    if exact == 0:
        return 0.0
    exponent = max(math.frexp(float(abs(exact)))[1] - 24, -149)
    while abs(exact) / Fraction(2) ** exponent >= 1 << 24:
        exponent += 1
    value = round(exact / Fraction(2) ** exponent) * Fraction(2) ** exponent  # round() of a fraction ties to even
    if abs(value) >= Fraction(2) ** 128:
        return INF if value > 0 else -INF
    return float(value)


def add(a, b):
    return a + b if math.isinf(a) or math.isinf(b) else f32(Fraction(a) + Fraction(b))


def mul(a, b):
    return a * b if math.isinf(a) or math.isinf(b) else f32(Fraction(a) * Fraction(b))


def div(a, b):
    return a / b if math.isinf(a) else f32(Fraction(a) / Fraction(b))


def fma(a, b, c):
    return f32(Fraction(a) * Fraction(b) + Fraction(c))


EXP_SERIES = [f32(c) for c in (0.00137805939, 0.00837312452, 0.0416695364, 0.166664720, 0.499999851, 1.0, 1.0)]


def exp32(x):
    """exp for x <= 0, as ARITHMETIC.md has it."""
    if x <= -87.0:
        return 0.0
    n = float(round(Fraction(mul(x, f32(1.44269504)))))
    r = fma(-n, f32(0.693145752), x)
    r = fma(-n, f32(1.42860677e-6), r)
    p = EXP_SERIES[0]
    for c in EXP_SERIES[1:]:
        p = fma(p, r, c)
    return f32(Fraction(p) * Fraction(2) ** int(n))


LN2 = float.fromhex("0x1.62e42fefa39efp-1")


def log64(x):
    m, e = math.frexp(x)
    m, e = m * 2.0, e - 1
    if m > 1.4142135623730951:
        m, e = m / 2.0, e + 1
    t = (m - 1.0) / (m + 1.0)
    series = 0.0
    for n in range(25, 0, -2):
        series = series * (t * t) + 1.0 / n
    return float(e) * LN2 + 2.0 * t * series


def exp64(x):
    scaled = x / LN2
    if scaled <= -1022.5:
        return 0.0
    n = int(scaled - 0.5 if scaled < 0 else scaled + 0.5)
    r = x - float(n) * LN2
    series = 1.0
    for k in range(16, 0, -1):
        series = series * r / k + 1.0
    return series * 2.0**n


def philox(counter, key):
    mask = 0xFFFFFFFF
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & mask, (a >> 32) ^ counter[3] ^ key[1], a & mask]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return counter


def uniform(s, position, draw):
    mask = 0xFFFFFFFF
    words = philox([position & mask, position >> 32, s["choice"], draw], [s["seed"] & mask, s["seed"] >> 32])
    return (words[0] >> 8) / 2.0**24


def running(weights):
    total = 0.0
    for w in weights:
        total = add(total, w)
    return total


def lane_sum(values):
    lanes = [0.0] * 16
    for i, v in enumerate(values):
        lanes[i % 16] += v
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [lanes[i] + lanes[i + half] for i in range(half)]
    return lanes[0]


def weights_of(logits):
    return [exp32(add(x, -logits[0])) for x in logits]


def penalise(s, logits, history):
    recent = history if s["repeat_last"] < 0 else history[max(0, len(history) - s["repeat_last"]) :]
    for token in sorted(set(recent)):
        x = logits[token]
        x = div(x, s["repeat_penalty"]) if x > 0 else mul(x, s["repeat_penalty"])
        less = add(mul(float(recent.count(token)), s["frequency_penalty"]), s["presence_penalty"])
        logits[token] = add(x, -less)


def dry(s, logits, history, breaks):
    recent = history if s["dry_last"] < 0 else history[max(0, len(history) - s["dry_last"]) :]
    n, longest = len(recent), {}
    for at in range(n):  # recent[at] is the token that went on; how many of the newest stand just before it?
        length = 0
        while length < at and recent[at - 1 - length] == recent[n - 1 - length] and recent[n - 1 - length] not in breaks:
            length += 1
        if at < n and length >= s["dry_allowed"]:
            longest[recent[at]] = max(longest.get(recent[at], 0), length)
    for token, length in longest.items():
        if token in breaks or logits[token] == -INF:
            continue
        penalty = s["dry_multiplier"]
        for _ in range(length - s["dry_allowed"]):
            penalty *= s["dry_base"]
        logits[token] = f32(max(logits[token] - penalty, -3.4028234663852886e38))


def typical(s, logits, weights):
    n = sum(w >= 2.0**-24 for w in weights)
    total = running(weights[:n])
    surprise = [log64(total) + (logits[0] - x) for x in logits[:n]]
    entropy = 0.0
    for w, bits in zip(weights[:n], surprise):
        entropy += w * bits
    entropy /= total
    order = sorted(range(n), key=lambda i: (abs(surprise[i] - entropy), i))
    wanted, kept, mass = mul(s["typical_p"], total), [], 0.0
    for i in order:
        kept.append(i)
        mass = add(mass, weights[i])
        if mass >= wanted:
            break
    return sorted(kept)


def top_p(s, weights):
    wanted, mass = mul(s["top_p"], running(weights)), 0.0
    for n, w in enumerate(weights):
        mass = add(mass, w)
        if mass >= wanted:
            return range(n + 1)
    return range(len(weights))


def xtc(s, weights, position):
    if not uniform(s, position, 1) < s["xtc_probability"]:
        return range(len(weights))
    least = mul(s["xtc_threshold"], running(weights))
    n = sum(w >= least for w in weights)
    return range(max(n - 1, 0), len(weights))


def dynamic_temperature(s, logits):
    if len(logits) == 1:
        return s["temp"]
    weights = weights_of(logits)
    total, entropy = running(weights), 0.0
    for w, x in zip(weights, logits):
        entropy += w * (log64(total) + (logits[0] - x)) if w > 0 else 0.0
    part = min(entropy / total / log64(float(len(logits))), 1.0)
    raised = exp64(s["dynatemp_exponent"] * log64(part)) if part > 0 else 0.0
    low, high = max(s["temp"] - s["dynatemp_range"], 0.0), s["temp"] + s["dynatemp_range"]
    return f32(max(low + (high - low) * raised, 2.0**-64))


def mirostat_keeps(s, scaled, weights, n_vocab, mu):
    if s["mirostat"] == 2:
        log_total = log64(running(weights))
        return max(1, sum(log_total + (scaled[0] - x) <= mu * LN2 for x in scaled))
    if n_vocab == 1:
        return 1
    products = squares = 0.0
    for i in range(100):
        if i + 1 >= len(weights) or weights[i + 1] < 2.0**-24:
            break
        t = log64((i + 2) / (i + 1))
        products, squares = products + t * (scaled[i] - scaled[i + 1]), squares + t * t
    exponent = max(products / squares if squares > 0 else 0.0, 1e-6)
    e, log_n = exponent - 1.0, log64(float(n_vocab))
    factor = 1.0 / log_n if -1e-6 < e < 1e-6 else e / (1.0 - exp64(-e * log_n))
    log_k = (log64(factor) + mu * LN2) / exponent
    return n_vocab if not log_k < log_n else int(exp64(log_k) + 0.5) + 1


def pick(s, logits, position, history, breaks, allowed, mu):
    """The token, and mirostat's mu after it."""
    logits = [x if allowed is None or i in allowed else -INF for i, x in enumerate(logits)]
    for token, bias in s["logit_bias"]:
        logits[token] = add(logits[token], bias)
    for token in s["banned"]:
        logits[token] = -INF
    penalise(s, logits, history)
    if s["dry_multiplier"] > 0:
        dry(s, logits, history, breaks)
    order = sorted((i for i, x in enumerate(logits) if x > -INF), key=lambda i: (-logits[i], i))
    if s["temp"] == 0:
        return order[0], mu
    cuts = s["mirostat"] == 0
    if cuts and s["top_n_sigma"] > 0:
        possible = [x for x in logits if x > -INF]
        mean = lane_sum([x if x > -INF else 0.0 for x in logits]) / len(possible)
        squares = lane_sum([(x - mean) * (x - mean) if x > -INF else 0.0 for x in logits])
        least = f32(logits[order[0]] - s["top_n_sigma"] * math.sqrt(squares / len(possible)))
        order = [i for i in order if logits[i] >= least]
    if cuts and s["top_k"] > 0:
        order = order[: s["top_k"]]

    def keep(chosen):
        return [order[i] for i in chosen]

    def weights():
        return weights_of([logits[i] for i in order])

    if cuts and s["typical_p"] < 1:
        order = keep(typical(s, [logits[i] for i in order], weights()))
    if cuts and s["top_p"] < 1:
        order = keep(top_p(s, weights()))
    if cuts and s["min_p"] > 0:
        order = keep(i for i, w in enumerate(weights()) if i == 0 or w >= s["min_p"])
    if cuts and s["xtc_probability"] > 0:
        order = keep(xtc(s, weights(), position))
    left = [logits[i] for i in order]
    temp = dynamic_temperature(s, left) if s["dynatemp_range"] > 0 else s["temp"]
    scaled = [div(x, temp) for x in left]
    w = weights_of(scaled)
    n = min(len(w), len(w) if cuts else mirostat_keeps(s, scaled, w, len(logits), mu))
    threshold, mass, drawn = mul(uniform(s, position, 0), running(w[:n])), 0.0, n - 1
    for i in range(n):
        mass = add(mass, w[i])
        if mass > threshold:
            drawn = i
            break
    if not cuts:
        bits = (log64(running(w)) + (scaled[0] - scaled[drawn])) / LN2
        mu = mu - s["mirostat_eta"] * (bits - s["mirostat_tau"])
    return order[drawn], mu


DEFAULTS = {
    "temp": 0.0, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0,
    "typical_p": 1.0, "top_n_sigma": 0.0, "xtc_probability": 0.0, "xtc_threshold": f32(0.1), "repeat_penalty": 1.0,
    "repeat_last": 64, "presence_penalty": 0.0, "frequency_penalty": 0.0, "dry_multiplier": 0.0, "dry_base": 1.75,
    "dry_allowed": 2, "dry_last": -1, "mirostat": 0, "mirostat_tau": 5.0, "mirostat_eta": f32(0.1), "logit_bias": [],
    "banned": [], "seed": 0, "choice": 0,
}  # fmt: skip


def random_case(rng, number):
    """Each case turns on a few steps; every fifth has a flat distribution, so that the cuts keep many."""
    spread = 1.0 if number % 5 == 0 else rng.choice([4.0, 12.0])
    n_vocab = rng.choice([1, 2, 7, 40, 70, 130])
    logits = [round(rng.uniform(-spread, spread), 2) if rng.random() < 0.95 else -INF for _ in range(n_vocab)]
    logits = [f32(x) for x in logits]
    for _ in range(n_vocab // 8):
        logits[rng.randrange(n_vocab)] = logits[rng.randrange(n_vocab)]  # ties
    logits[rng.randrange(n_vocab)] = f32(round(spread * 0.9, 2))
    s = dict(DEFAULTS, seed=rng.getrandbits(64), choice=rng.randrange(3), temp=f32(rng.uniform(0.2, 2.5)))
    few = max(n_vocab // 6, 1)
    turns = {
        "top_k": lambda: rng.randrange(1, 60), "top_p": lambda: f32(rng.random()), "min_p": lambda: f32(rng.random() ** 2),
        "typical_p": lambda: f32(rng.random()), "top_n_sigma": lambda: f32(rng.uniform(0.3, 3)),
        "xtc_probability": lambda: f32(rng.choice([0.5, 1])), "dynatemp_range": lambda: f32(rng.uniform(0.1, 2)),
        "repeat_penalty": lambda: f32(rng.uniform(0.6, 2)), "presence_penalty": lambda: f32(rng.uniform(-2, 2)),
        "frequency_penalty": lambda: f32(rng.uniform(-1, 2)), "dry_multiplier": lambda: f32(rng.uniform(0.2, 4)),
        "mirostat": lambda: rng.choice([1, 2]), "banned": lambda: [rng.randrange(n_vocab) for _ in range(few)],
        "logit_bias": lambda: [[rng.randrange(n_vocab), f32(rng.uniform(-5, 5))] for _ in range(few)],
    }  # fmt: skip
    for name in rng.sample(sorted(turns), rng.choice([1, 1, 2, 3, 4])):
        s[name] = turns[name]()
    s["xtc_threshold"] = f32(rng.choice([0.02, 0.1, 0.3, 0.0]))
    s["dynatemp_exponent"] = f32(rng.choice([0.5, 1, 2]))
    s["dry_base"], s["dry_allowed"], s["dry_last"] = f32(rng.uniform(1, 3)), rng.choice([1, 2, 3]), rng.choice([-1, 0, 12])
    s["repeat_last"] = rng.choice([64, 5, 0, -1])
    s["mirostat_tau"], s["mirostat_eta"] = f32(rng.choice([0, 1.5, 3, 5])), f32(rng.choice([0, 0.1, 1]))
    if rng.random() < 0.1:
        s["temp"] = 0.0
    alphabet = rng.choice([2, 3, n_vocab])
    history = [rng.randrange(min(alphabet, n_vocab)) for _ in range(rng.choice([0, 1, 9, 30]))]
    breaks = [] if rng.random() < 0.5 else [rng.randrange(n_vocab)]
    allowed = None if rng.random() < 0.7 else sorted(rng.sample(range(n_vocab), (n_vocab + 1) // 2))
    position = rng.getrandbits(rng.choice([4, 20, 40]))
    return s, logits, position, history, breaks, allowed


def main():
    rng = random.Random(20261122)
    lines = []
    while len(lines) < 400:
        s, logits, position, history, breaks, allowed = random_case(rng, len(lines))
        possible = {i for i, x in enumerate(logits) if x > -INF and i not in s["banned"]}
        if not possible & set(range(len(logits)) if allowed is None else allowed):
            continue
        mu = 2.0 * s["mirostat_tau"] if rng.random() < 0.5 else rng.uniform(-2, 12)
        token, after = pick(s, logits, position, history, breaks, allowed, mu)
        case = {
            "settings": {k: v for k, v in s.items() if v != DEFAULTS[k]},
            "logits": [None if x == -INF else round(x, 2) for x in logits],  # the float nearest to it
            "position": position, "history": history, "breaks": breaks, "allowed": allowed,
            "mu": mu, "id": token, "mu_after": after,
        }  # fmt: skip
        lines.append(json.dumps(case, separators=(",", ":")))
    path = Path(__file__).resolve().parents[2] / "tests/golden/sampler.jsonl"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
