"""Enters: a seed. Leaves: sentences to train small tokenizers on, and texts that try what tokenizers stumble over."""
import random

WORDS = (
    "the a an old young small red green cold warm fire hearth wood stone river house story winter night light morning "
    "child mother friend fox bear bird horse king tree leaf snow rain wind road bread water song "
    "walks walked walking sings singing sang runs running told telling burns burning burned makes making made "
    "quickly slowly softly under over through beside without because although never always "
    "der die das kleine Feuer Straße größer über Mädchen schöne Bäume été forêt garçon où l'homme c'est niño año mañana "
    "данные дом огонь зима тихо вода 模型 火 天地 水 山 東京 ありがとう こんにちは 안녕 세계"
).split()
ENDS = [".", ".", ".", "!", "?", ";", ":", ", and", " (so)", ' "yes"', "..."]


def sentences(n, seed=1):
    rng = random.Random(seed)
    for _ in range(n):
        words = [rng.choice(WORDS) for _ in range(rng.randint(3, 12))]
        if rng.random() < 0.3:
            words.insert(rng.randrange(len(words)), str(rng.randrange(10 ** rng.randint(1, 6))))
        if rng.random() < 0.7:
            words[0] = words[0].capitalize()
        yield " ".join(words) + rng.choice(ENDS)


FIXED = [
    "", " ", "  ", "\n", "\t", "\r\n", "a", " a", "a ", "  a  b  ", "a\tb\nc\r\nd", "\n\n\n", " \n \n ", "    indented",
    "Hello world", "Hello, World!", "hello   world", "The fire burns.", "the hearth", "HEARTH Hearth heArth",
    "don't can't we'll I'm you've he'd it's THEY'RE", "3.14159 1,000,000 0x1F 1e-9 33 333 3333", "½ ² Ⅷ ① １２３ ＡＢＣ",
    "ﬁre ﬂoor ﬀ ﷺ", "e\u0301te\u0301 n\u0303 a\u0308 \u0301", "été Été ÉTÉ", "Straße STRASSE ſ ß", "İstanbul ISTANBUL ı",
    "안녕하세요 세계", "नमस्ते दुनिया", "สวัสดีชาวโลก", "مرحبا بالعالم", "שלום עולם", "東京都 模型 火", "ｶﾞｷﾞ ハﾟ が",
    "こんにちは、世界。", "𝕳𝖊𝖑𝖑𝖔 𝓦𝓸𝓻𝓵𝓭", "🔥", "🔥🔥🔥", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪", "a🔥b", "\u200b\u200c\u200d\ufeff", "\u00a0x\u00a0y",
    "a\u2028b\u2029c\u3000d\u1680e", "\u00ad soft\u00adhyphen", "x\u0000y\u0001z\u007f", "\ufffd \ue000 \u0378",
    "!!!???...,,,;;;", "$5 £6 €7 + = < > | ~ ^ `", "«quotes» “curly” ‘single’ – — …", "foo_bar-baz/qux\\quux", "__init__",
    "def f(x):\n    return x**2  # square\n", "{\"json\": [1, 2, {\"k\": null}]}", "https://example.org/a?b=c&d=%20#e",
    "<s>not special</s> <unk> <pad> [CLS] [MASK] [UNK]", "<0x0A> <0xZZ>", "▁ ▁▁ a▁b", "Ġ Ċ Ä", "##ing # ## ###",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a" * 101, "b" * 100, "ab" * 300, "\n" * 70,
    " " * 50 + "x" + " " * 50, "x" + "\u0301" * 40, "🔥" * 40, "user<u>defined <u> <u>", "<|x|>a <|x|> b<|x|>", "mid<|y|>dle",
    "q\u0323\u0307 q\u0307\u0323 \u1e9b\u0323 \u212b \u2126", "\u1100\u1161\u11a8 \uac01", "Ǆ ǅ ǆ ŀ ŉ", "…‥․ ™ ℡ ㎏ ㍿",
]


def texts(n, seed=2):
    """FIXED, sentences, and pieces of both joined at random."""
    rng = random.Random(seed)
    out = list(FIXED) + list(sentences(n // 3, seed + 1))
    parts = [t for t in FIXED if 0 < len(t) < 40] + WORDS + [" ", "  ", "\n", "\t", " \n", "."]
    while len(out) < n:
        out.append("".join(rng.choice(parts) for _ in range(rng.randint(2, 9))))
    return out
