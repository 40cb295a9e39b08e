"""Enters: nothing but a seed. Leaves: tests/golden/tokenizers_json/: tiny tokenizer.json files of the kinds that models
carry, texts.json, and for each tokenizer the ids that Hugging Face's tokenizers give those texts, special tokens
included, and what it decodes them to without unknown ones (null where that is the text itself; absent where decoding is cosmetic).

    pip install tokenizers gguf && python3 tools/makers/make_tokenizers_json_golden.py

The Unigram vocabularies are those of make_unigram_golden.py, which runs first.
"""
import json
import pathlib

from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from golden_texts import sentences, texts

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests/golden"
FOLDER = GOLDEN / "tokenizers_json"
TEXTS = texts(200)
MARK = "\u2581"

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def pieces(*steps):
    return pre_tokenizers.Sequence(list(steps))


def norm(*steps):
    return normalizers.Sequence(list(steps))


def template(tokenizer, before=(), after=()):
    ids = [(t, tokenizer.token_to_id(t)) for t in dict.fromkeys(before + after)]
    return processors.TemplateProcessing(single=" ".join(before + ("$A",) + after), special_tokens=ids)


def llama_decoder():
    return decoders.Sequence(
        [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(sentences(2500), trainer)
    return tokenizer


def bpe(model, normalizer=None, pre=None, decoder=None, size=420, special=(), alphabet=False, **trainer):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    if decoder:
        tokenizer.decoder = decoder
    if alphabet:
        trainer["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    return train(tokenizer, trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), show_progress=False, **trainer))


BYTE_TOKENS = [f"<0x{b:02X}>" for b in range(256)]


def byte_fallback(tokenizer):
    """Trainers make no byte tokens, so they are put where they stand in real files, and take part in the model."""
    state = json.loads(tokenizer.to_str())
    specials = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    state["added_tokens"] = specials
    state["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(state))


def gpt2():
    t = bpe(models.BPE(), None, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel(), alphabet=True)
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.add_special_tokens([AddedToken("<|x|>", normalized=False)])
    t.add_tokens([AddedToken("<u>"), AddedToken("<|y|>", single_word=True)])
    return t


def llama3():
    t = bpe(models.BPE(ignore_merges=True), None,
            pieces(pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)),
            decoders.ByteLevel(), alphabet=True, size=600)
    t.add_special_tokens([AddedToken("<|x|>", normalized=False), AddedToken("<s>", normalized=False)])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template(t, ("<s>",))])
    return t


def qwen2():
    t = bpe(models.BPE(), normalizers.NFC(),
            pieces(pre_tokenizers.Split(Regex(GPT4.replace("{1,3}", "")), "isolated"),
                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)),
            decoders.ByteLevel(), alphabet=True)
    t.add_special_tokens([AddedToken("<|x|>", normalized=False)])
    t.add_tokens([AddedToken("<u>", normalized=False, lstrip=True, rstrip=True)])
    return t


def deepseek():
    t = bpe(models.BPE(), None,
            pieces(pre_tokenizers.Split(Regex("[\r\n]"), "isolated"), pre_tokenizers.Split(Regex(r"\s?\p{L}+"), "isolated"),
                   pre_tokenizers.Split(Regex(r"\s?\p{P}+"), "isolated"), pre_tokenizers.Split(Regex("[一-龥ࠀ-一가-퟿]+"), "isolated"),
                   pre_tokenizers.Digits(individual_digits=True),
                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)),
            decoders.ByteLevel(), alphabet=True)
    t.add_special_tokens([AddedToken("<|x|>", normalized=True)])
    return t


def roberta():
    t = bpe(models.BPE(), None, pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel(), alphabet=True,
            special=("<s>", "<pad>", "</s>", "<unk>"))
    t.add_special_tokens([AddedToken("<|x|>", lstrip=True, normalized=False)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, True)
    return t


def llama2():
    t = bpe(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
            norm(normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)), pre_tokenizers.Split(MARK, "merged_with_next"),
            llama_decoder(), size=700, special=["<unk>", "<s>", "</s>"] + BYTE_TOKENS)
    t.pre_tokenizer = pre_tokenizers.Sequence([])
    t = byte_fallback(t)
    t.add_tokens([AddedToken("<u>", normalized=True)])
    t.post_processor = template(t, ("<s>",))
    return t


def mistral():
    t = bpe(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), None,
            pre_tokenizers.Metaspace(MARK, "first", True), llama_decoder(), size=700, special=["<unk>", "<s>", "</s>"] + BYTE_TOKENS)
    t.pre_tokenizer = pre_tokenizers.Metaspace(MARK, "first", False)
    t = byte_fallback(t)
    t.add_special_tokens([AddedToken("<|x|>", normalized=False)])
    t.post_processor = template(t, ("<s>",))
    return t


def gemma():
    t = bpe(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), normalizers.Replace(" ", MARK),
            pre_tokenizers.Split(MARK, "merged_with_previous"),
            decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]), size=700,
            special=["<pad>", "<eos>", "<bos>", "<unk>"] + BYTE_TOKENS)
    t = byte_fallback(t)
    t.post_processor = template(t, ("<bos>",))
    return t


def clip():
    t = bpe(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
            norm(normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()),
            pieces(pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", True),
                   pre_tokenizers.ByteLevel(add_prefix_space=False)),
            None, special=("<s>", "</s>", "<unk>"), alphabet=True, end_of_word_suffix="</w>", size=600)
    t.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), False, False)
    return t


def subwords():
    """What real files have seldom: a prefix inside words, unknown tokens one by one, contiguous punctuation."""
    t = bpe(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"),
            norm(normalizers.Strip(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()),
            pieces(pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(False)),
            decoders.WordPiece(), special=("[UNK]",), continuing_subword_prefix="##", limit_alphabet=80, size=300)
    t.add_tokens([AddedToken("<u>", normalized=False, single_word=True)])
    return t


def delimited():
    t = bpe(models.BPE(unk_token="[UNK]"), norm(normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(False, True)),
            pieces(pre_tokenizers.CharDelimiterSplit("-"), pre_tokenizers.Split(Regex("[aeiou]"), "merged_with_previous"),
                   pre_tokenizers.Split(Regex(" +"), "merged_with_next"), pre_tokenizers.Punctuation("removed")),
            None, special=("[UNK]",), limit_alphabet=100, size=300)
    return t


def bert(lowercase=True, **options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    train(t, trainers.WordPieceTrainer(vocab_size=420, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = template(t, ("[CLS]",), ("[SEP]",))
    return t


def bert_cased():
    t = bert(False, strip_accents=None)
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def unigram(name, **parts):
    """A vocabulary of SentencePiece's, which Hugging Face's converters carry over as it is."""
    fields = GGUFReader(GOLDEN / "unigram" / f"{name}.gguf").fields
    read = lambda key: [fields[key].parts[i] for i in fields[key].data]
    tokens = [bytes(t).decode() for t in read("tokenizer.ggml.tokens")]
    scores = [float(s[0]) for s in read("tokenizer.ggml.scores")]
    types = [int(t[0]) for t in read("tokenizer.ggml.token_type")]
    t = Tokenizer(models.Unigram(list(zip(tokens, scores)), unk_id=types.index(2), byte_fallback=6 in types))
    charsmap = fields.get("tokenizer.ggml.precompiled_charsmap")
    steps = list(parts.get("normalizers", []))
    if charsmap:
        steps.insert(0, normalizers.Precompiled(bytes(int(charsmap.parts[i][0]) & 255 for i in charsmap.data)))
    t.normalizer = normalizers.Sequence(steps) if len(steps) != 1 else steps[0]
    t.pre_tokenizer = parts["pre"]
    t.decoder = parts["decoder"]
    t.add_special_tokens([AddedToken(tokens[i], normalized=False) for i, kind in enumerate(types) if kind == 3])
    t.post_processor = template(t, (), ("</s>",))
    return t


def t5():
    return unigram("rules", pre=pre_tokenizers.Metaspace(MARK, "always", True), decoder=decoders.Metaspace(MARK, "always", True))


def xlm_roberta():
    t = unigram("rules", normalizers=[normalizers.Replace(Regex(" {2,}"), " ")],
                pre=pieces(pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(MARK, "always", True)),
                decoder=decoders.Metaspace(MARK, "always", True))
    return t


def unigram_bytes():
    return unigram("bytes", normalizers=[normalizers.NFC()], pre=pre_tokenizers.Metaspace(MARK, "never", True),
                   decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(MARK, "never", True)]))


COSMETIC = {"bert", "bert_cased", "subwords", "delimited", "clip"}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "texts.json").write_text(json.dumps(TEXTS, separators=(",", ":")))
    for make in (gpt2, llama3, qwen2, deepseek, roberta, llama2, mistral, gemma, clip, subwords, delimited, bert, bert_cased,
                 t5, xlm_roberta, unigram_bytes):
        name, tokenizer = make.__name__, make()
        (FOLDER / f"{name}.tokenizer.json").write_text(tokenizer.to_str(pretty=False))
        golden = {"ids": [tokenizer.encode(text).ids for text in TEXTS]}
        if name not in COSMETIC:
            unknown = tokenizer.token_to_id("<unk>")
            decoded = [tokenizer.decode([i for i in ids if i != unknown]) for ids in golden["ids"]]
            golden["decoded"] = [None if text == got else got for text, got in zip(TEXTS, decoded)]
        (FOLDER / f"{name}.golden.json").write_text(json.dumps(golden, separators=(",", ":")))
        print(name, tokenizer.get_vocab_size())
