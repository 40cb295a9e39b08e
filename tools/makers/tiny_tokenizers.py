"""Enters: the kind of tokenizer a family has. Leaves: one of about 280 tokens, as a tokenizers.Tokenizer and the file beside it.

The patterns that cut a text into words are the published ones, because they say which family a tokenizer belongs to.
"""
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from golden_texts import sentences

LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
          r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
             r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def cut(*patterns):
    return [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]


WORDS = {  # the steps before the bytes become letters; the names are those of tokenizer.ggml.pre
    "gpt-2": None,
    "llama-bpe": cut(LETTERS % "{1,3}"),
    "qwen2": cut(LETTERS % ""),
    "tekken": cut(TEKKEN),
    "gpt-4o": cut(O200K),
    "deepseek-v3": cut(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3),
    "starcoder": [pre_tokenizers.Digits(individual_digits=True)],
}


def byte_level(kind):
    """256 bytes, a few merges and three special tokens: <s> and </s>, and one that texts may hold."""
    t = Tokenizer(models.BPE(ignore_merges=kind in ("llama-bpe", "tekken")))
    steps = WORDS[kind]
    whole_words = steps is None or kind == "starcoder"
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=whole_words)
    t.pre_tokenizer = pre_tokenizers.Sequence([*steps, letters]) if steps else letters
    t.normalizer = normalizers.NFC() if kind == "qwen2" else None
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(sentences(300), trainers.BpeTrainer(
        vocab_size=276, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.add_special_tokens([AddedToken(text, normalized=False) for text in ("<s>", "</s>", "<|turn|>")])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])
    return t


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(sentences(300), trainers.WordPieceTrainer(
        vocab_size=280, limit_alphabet=60, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def last_token_marked():
    """As a model has it that pools its last token: every text ends with </s>."""
    t = byte_level("qwen2")
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", t.token_to_id("</s>"))])
    return t


def tokenizer_of(kind):
    return {"wordpiece": wordpiece, "last-token": last_token_marked}.get(kind, lambda: byte_level(kind))()


def tokenizer_config(kind, n_ctx):
    if kind == "wordpiece":
        return {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": n_ctx, "unk_token": "[UNK]",
                "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    bos = None if kind == "last-token" else "<s>"
    return {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": bos is not None, "bos_token": bos,
            "eos_token": "</s>", "model_max_length": n_ctx, "clean_up_tokenization_spaces": False}
