"""Enters: nothing but a seed. Leaves: tests/golden/unigram/*.gguf, tiny SentencePiece Unigram vocabularies, and *.jsonl,
texts with the ids that SentencePiece gives them.

    pip install sentencepiece protobuf gguf && python3 tools/makers/make_unigram_golden.py [--full-charsmap FOLDER]

--full-charsmap writes one more pair with Unicode's whole compatibility normalization there (a quarter of a megabyte, too
large to keep).
"""
import io
import json
import pathlib
import sys
import tempfile

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as model_pb2

from golden_texts import sentences, texts

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/unigram"
TYPES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6}  # SentencePiece's numbers and GGUF's are the same

# A few rules of every kind: one to one, one to many, many to one, to a space, to nothing, one that begins another.
RULES = [
    ("ﬁ", "fi"), ("ﬂ", "fl"), ("ﬀ", "ff"), ("½", "1⁄2"), ("²", "2"), ("…", "..."), ("\t", " "), ("\n", " "), ("\r", " "),
    ("\u00a0", " "), ("\u3000", " "), ("\u200b", ""), ("\ufeff", ""), ("e\u0301", "é"), ("a\u0308", "ä"), ("ｶ", "カ"),
    ("ｶﾞ", "ガ"), ("ハﾟ", "パ"), ("１", "1"), ("Ａ", "A"), ("ﷺ", "صلى الله عليه وسلم"), ("\u2028", " "), ("™", "TM"),
] + [(chr(0xFF21 + i), chr(65 + i)) for i in range(1, 26)]


def rules_file(path):
    path.write_text("".join(
        " ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in RULES))
    return str(path)


def train(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(list(sentences(4000))), model_writer=model, model_type="unigram", num_threads=1,
        character_coverage=0.9995, minloglevel=2, **options)
    return model.getvalue()


def write_gguf(path, proto):
    writer = gguf.GGUFWriter(path, "t5")
    writer.add_tokenizer_model("t5")
    writer.add_token_list([p.piece.encode() for p in proto.pieces])
    writer.add_token_scores([p.score for p in proto.pieces])
    writer.add_token_types([TYPES[p.type] for p in proto.pieces])
    spec = proto.normalizer_spec
    writer.add_add_space_prefix(spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(spec.remove_extra_whitespaces)
    if spec.precompiled_charsmap:
        writer.add_precompiled_charsmap(spec.precompiled_charsmap)
    trainer = proto.trainer_spec
    if trainer.bos_id >= 0:
        writer.add_bos_token_id(trainer.bos_id)
    writer.add_eos_token_id(trainer.eos_id)
    writer.add_unk_token_id(trainer.unk_id)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def make(folder, name, **options):
    model = train(**options)
    proto = model_pb2.ModelProto.FromString(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    write_gguf(folder / f"{name}.gguf", proto)
    with open(folder / f"{name}.jsonl", "w") as out:
        for text in texts(260):
            json.dump({"text": text, "ids": processor.encode(text)}, out, ensure_ascii=True, separators=(",", ":"))
            out.write("\n")
    return processor


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryDirectory()
    rules = rules_file(pathlib.Path(scratch.name) / "rules.tsv")
    t5 = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    make(FOLDER, "rules", vocab_size=600, normalization_rule_tsv=rules, **t5)
    make(FOLDER, "bytes", vocab_size=900, byte_fallback=True, normalization_rule_name="identity",
         remove_extra_whitespaces=False, **t5)
    make(FOLDER, "bare", vocab_size=500, add_dummy_prefix=False, normalization_rule_tsv=rules, unk_id=0, bos_id=1, eos_id=2)
    make(FOLDER, "across", vocab_size=700, split_by_whitespace=False, normalization_rule_name="identity",
         remove_extra_whitespaces=False, **t5)
    if "--full-charsmap" in sys.argv:
        folder = pathlib.Path(sys.argv[sys.argv.index("--full-charsmap") + 1])
        make(folder, "nmt_nfkc", vocab_size=600, normalization_rule_name="nmt_nfkc", **t5)
        make(folder, "nfkc_cf", vocab_size=600, normalization_rule_name="nfkc_cf", **t5)
