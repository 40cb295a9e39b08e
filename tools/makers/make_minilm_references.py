"""Enters: a folder with all-MiniLM-L6-v2 as published. Leaves: a vector of each line of texts.txt, float32, by sentence-transformers.

    python make_minilm_references.py MODEL_FOLDER [TEXTS.txt VECTORS.npy]     needs: pip install sentence-transformers
"""
import pathlib
import sys

import numpy
from sentence_transformers import SentenceTransformer

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "minilm"


def main():
    texts, vectors = sys.argv[2:4] if len(sys.argv) > 2 else (GOLDEN / "texts.txt", GOLDEN / "vectors.npy")
    model = SentenceTransformer(sys.argv[1], device="cpu")
    model.max_seq_length = 512  # as many as it has positions; the folder's own limit would cut the longest text
    lines = pathlib.Path(texts).read_text(encoding="utf-8").splitlines()
    rows = [model.encode(line, normalize_embeddings=True) for line in lines]  # one by one: no padding
    numpy.save(vectors, numpy.stack(rows).astype(numpy.float32))


if __name__ == "__main__":
    main()
