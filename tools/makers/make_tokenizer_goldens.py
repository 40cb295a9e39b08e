#!/usr/bin/env python3
"""Enters: unpacked Python packages that ship official tokenizers. Leaves: tests/golden/tokenizer_*.json, small golden files.

A whole vocabulary is 2 to 5 MB; a golden file holds what its texts can touch: every token that is a piece of one of them (and
all 256 bytes), in the official order but numbered anew, and every merge between those. Nothing else can take part in merging
these texts, so the ids are the official ones under another number, and a text cut at the wrong place shows at once. The
reference is `tiktoken` with the vocabulary and pattern that the package itself uses; for DeepSeek, Hugging Face's `tokenizers`.
The texts were written for this file. Run by hand, in an environment that has tiktoken and tokenizers:

    pip download --no-deps llama-models==0.3.0 dashscope==2.0.2 mistral-common==1.13.1 litellm    # then unzip all into one folder
    tools/makers/make_tokenizer_goldens.py FOLDER tests/golden
"""
import ast
import base64
import json
import os
import sys

import tiktoken
import tokenizers

TEXTS = [
    "The kettle sang while rain ran down the window, and nobody minded.",
    "She said: \"We're late, aren't we? I'LL drive, you'd better sleep.\" THEY'VE gone; IT'S 5'S turn.",
    "Numbers: 7, 42, 365, 1024, 65536, 1234567, 3.14159, -0.5e-10, 1,000,000 and 2026-11-22.",
    "def mean(values):\n    total = 0\n    for v in values:\n        total += v  # sum\n    return total / len(values)\n",
    "int main(int argc, char** argv) {\n\tif (argc < 2) return 1;\n\tstd::cout << argv[1] << '\\n';\n}\n",
    "{\"name\": \"hearth\", \"tags\": [\"c++\", \"gguf\"], \"size\": null, \"ok\": true}",
    "camelCase HTTPServer parseJSONFile snake_case_name SCREAMING_CASE kebab-case iPhone eBay McDonald",
    "https://example.org/a/b/c.html?x=1&y=2#top user@example.org C:\\temp\\file.txt ../up/and/down/",
    "   leading, trailing   \n\n\n  and   inner    spaces\t\ttabs \r\nwindows lines\r\n\r\n  end  ",
    "Größe, naïve café, façade, Ångström, łódź, žluťoučký kůň, Pijamalı hasta, Ærøskøbing, þorn",
    "Привет, как дела? Сегодня хорошая погода, и мы идём в парк.",
    "Καλημέρα κόσμε! Το ταξίδι ήταν μακρύ.",
    "今天天气很好，我们去公园散步吧。一共有12个人，花了300元。",
    "東京の夜は静かで、カフェの灯りがやわらかい。ひらがなとカタカナ。",
    "안녕하세요, 오늘은 날씨가 좋네요. 커피 한 잔 할까요?",
    "مرحبا بالعالم، كيف حالك اليوم؟ ١٢٣٤٥",
    "שלום עולם, מה שלומך היום?",
    "नमस्ते दुनिया, आज मौसम अच्छा है। १२३",
    "สวัสดีชาวโลก วันนี้อากาศดีมาก",
    "Xin chào, hôm nay trời đẹp quá! Tiếng Việt có nhiều dấu.",
    "😀😃 👍🏽 👩‍👩‍👧‍👦 🇩🇪🇯🇵 🏴‍☠️ ❤️ ☕️ emoji😀inside😀words",
    "½ ² ³ Ⅷ ① 〇 ٣ १ 𝟙 ½cup 2² x₁₂",
    "e\u0301 a\u0308 n\u0303 combining; o\u0302\u0323 two; \u0301alone",
    "ǅ ʰ ª º ſ 'ſ it'ſ DON'T don't Don'T 'sneaky 'tis 'RE 'll'll",
    "no\u00a0break\u2003em\u2009thin\u3000ideographic\u0085next\u2028line\u200bzero\u180evowel\ufeffbom",
    "!!! ??? ... --- *** /// ### $$$ %%% ^^^ &&& ((( ))) [[[ ]]] {{{ }}} <<< >>> === +++ ~~~ ``` \"\"\" '''",
    "a.b,c;d:e!f?g(h)i[j]k{l}m<n>o/p\\q|r`s~t@u#v$w%x^y&z*0-1_2=3+4",
    " .word ,word -word (word) [word] \"word\" 'word' /word/ _word_ *word* #word $word @word",
    "line one\nline two\n\nline four\n \nline six\n  \n\n  line nine",
    "\n", " ", "  ", "\t", "\n\n\n\n", "     ", " \n \n", "\r\n", "a", " a", "1", "12345678901234567890",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "================================================================================================================",
    "中文和English混在一起，还有数字123和标点！以及emoji😀。",
    "ΑΒΓ αβγ АБВ абв ABC abc ÀÉÎ àéî ǄǅǆǇ ﬁﬂ ℵℶ ℝℂ 𝔘𝔫𝔦",
    "I.e. e.g. Dr. Smith's Ph.D. (U.S.A.) O'Neill's rock'n'roll y'all'd've",
    "\u0000\u0001\u001b[31m\u007f control",
    "<b>bold</b> <!-- no --> &amp; <|not_a_token|> <s> [INST]",
]


def byte_letters():
    """GPT-2's letters for bytes."""
    plain = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    letters, extra = {}, 0x100
    for byte in range(256):
        if byte in plain:
            letters[byte] = chr(byte)
        else:
            letters[byte], extra = chr(extra), extra + 1
    return letters


LETTERS = byte_letters()
BYTES = {letter: byte for byte, letter in LETTERS.items()}


def spelled(token):
    return "".join(LETTERS[byte] for byte in token)


def read_tiktoken(path):
    with open(path, "rb") as file:
        return {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in file if line.strip()}


def constant(path, name):
    """A string that a module assigns, without running the module."""
    with open(path, encoding="utf-8") as file:
        for node in ast.walk(ast.parse(file.read())):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
                return ast.literal_eval(node.value)
    raise SystemExit(f"{path} has no {name}")


def by_tiktoken(ranks, pattern):
    encoding = tiktoken.Encoding("golden", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

    def merges(tokens):
        """Every way to put a token together from two others; tiktoken takes whichever comes."""
        for token in tokens:
            parts = [(token[:i], token[i:]) for i in range(1, len(token))]
            yield from sorted((p for p in parts if p[0] in ranks and p[1] in ranks), key=lambda p: (ranks[p[0]], ranks[p[1]]))

    return ranks, merges, encoding.encode_ordinary


def by_tokenizers(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    whole = tokenizers.Tokenizer.from_file(path)
    ranks = {bytes(BYTES[c] for c in token): rank for token, rank in data["model"]["vocab"].items() if all(c in BYTES for c in token)}
    pairs = [entry if isinstance(entry, list) else entry.split(" ") for entry in data["model"]["merges"]]
    pairs = [tuple(bytes(BYTES[c] for c in part) for part in pair) for pair in pairs if all(c in BYTES for part in pair for c in part)]

    def merges(tokens):
        known = set(tokens)
        return (pair for pair in pairs if pair[0] in known and pair[1] in known and pair[0] + pair[1] in known)

    return ranks, merges, lambda text: whole.encode(text, add_special_tokens=False).ids


def llama3(folder):
    at = os.path.join(folder, "llama_models", "llama3")
    return by_tiktoken(read_tiktoken(os.path.join(at, "tokenizer.model")), constant(os.path.join(at, "tokenizer.py"), "pat_str"))


def qwen(folder):
    at = os.path.join(folder, "dashscope")
    return by_tiktoken(read_tiktoken(os.path.join(at, "resources", "qwen.tiktoken")), constant(os.path.join(at, "tokenizers", "qwen_tokenizer.py"), "PAT_STR"))


def o200k(folder):
    """The file's name is the one that tiktoken's own cache gives it; the pattern is the one that Llama 4's package writes out."""
    ranks = read_tiktoken(os.path.join(folder, "litellm", "litellm_core_utils", "tokenizers", "fb374d419588a4632f3f557e76b4b70aebbca790"))
    return by_tiktoken(ranks, constant(os.path.join(folder, "llama_models", "llama4", "tokenizer.py"), "O200K_PATTERN"))


def tekken(folder):
    with open(os.path.join(folder, "mistral_common", "data", "tekken_240911.json"), encoding="utf-8") as file:
        data = json.load(file)
    config = data["config"]
    n = config["default_vocab_size"] - config["default_num_special_tokens"]
    return by_tiktoken({base64.b64decode(row["token_bytes"]): row["rank"] for row in data["vocab"][:n]}, config["pattern"])


def deepseek(folder):
    return by_tokenizers(os.path.join(folder, "litellm", "litellm_core_utils", "tokenizers", "deepseek_tokenizer.json"))


SOURCES = {"llama-bpe": llama3, "qwen2": qwen, "gpt-4o": o200k, "tekken": tekken, "deepseek-v3": deepseek}


def touched(ranks):
    """Tokens that are pieces of the texts, and all bytes, in the official order."""
    longest = max(map(len, ranks))
    found = {bytes([byte]) for byte in range(256)}
    for text in TEXTS:
        data = text.encode()
        found.update(data[i:j] for i in range(len(data)) for j in range(i + 1, min(len(data), i + longest) + 1) if data[i:j] in ranks)
    return sorted(found, key=ranks.__getitem__)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    for pre, source in SOURCES.items():
        ranks, merges, encode = source(sys.argv[1])
        tokens = touched(ranks)
        number = {ranks[token]: i for i, token in enumerate(tokens)}
        golden = {
            "pre": pre,
            "tokens": [spelled(token) for token in tokens],
            "merges": [spelled(left) + " " + spelled(right) for left, right in merges(tokens)],
            "cases": [{"text": text, "ids": [number[id] for id in encode(text)]} for text in TEXTS],
        }
        path = os.path.join(sys.argv[2], f"tokenizer_{pre}.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("{\n" + ",\n".join(f'"{key}": {json.dumps(value, ensure_ascii=False, separators=(",", ":"))}' for key, value in golden.items()) + "\n}\n")
        print(path, os.path.getsize(path), "bytes,", len(tokens), "tokens,", len(golden["merges"]), "merges")


if __name__ == "__main__":
    main()
