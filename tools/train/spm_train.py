# Stories enter; a llama-style SPM vocabulary (pieces, scores, types) leaves, with the encoder that reads text by it.
#   python spm_train.py vocab.json
"""Byte-pair merges are learned inside runs of letters (with the space before them) and inside runs of punctuation, so
that no piece crosses a word. Encoding joins, again and again, the adjacent pair whose union has the highest score, the
leftmost first: what llama.cpp and Hearth do. The model is trained on that encoding, not on the order of the merges."""
import collections
import heapq
import json
import re
import sys

SPACE = "\u2581"
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
BOS, EOS, FIRST_BYTE = 1, 2, 3
RUN = re.compile(rf"{SPACE}?[A-Za-z']+|{SPACE}?[^A-Za-z'\n{SPACE}]+|{SPACE}|\n")


def learn_merges(text_counts, count):
    """text_counts: {run: occurrences}. The most frequent pair is merged first; ties go to the smaller string."""
    words = [(list(run), n) for run, n in text_counts.items()]
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for symbols, n in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        union = "".join(best)
        if union not in merges:
            merges.append(union)
        for symbols, _ in words:
            i = 0
            while i + 1 < len(symbols):
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = [union]
                i += 1
    return merges


def build(stories, size):
    runs = collections.Counter()
    for story in stories:
        runs.update(RUN.findall(SPACE + story.replace(" ", SPACE)))
    characters = [SPACE] + [chr(c) for c in range(33, 127)]  # all of ASCII, so that a prompt rarely needs bytes
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    pieces = characters + learn_merges(runs, size - len(special) - len(characters))
    return {"pieces": special + pieces,
            "scores": [0.0] * len(special) + [-float(rank) for rank in range(len(pieces))],
            "types": [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)}


class Tokenizer:
    def __init__(self, vocab):
        self.pieces, self.scores, self.types = vocab["pieces"], vocab["scores"], vocab["types"]
        self.ids = {p: i for i, (p, t) in enumerate(zip(self.pieces, self.types)) if t == NORMAL}
        self.run_cache = {}  # no piece crosses a run, so each run is encoded once

    def encode(self, text):
        """Ids without <s> and </s>."""
        ids = []
        for run in RUN.findall(SPACE + text.replace(" ", SPACE)):
            if run not in self.run_cache:
                self.run_cache[run] = self.encode_whole(run)
            ids += self.run_cache[run]
        return ids

    def encode_whole(self, text):
        """Score-merge over the whole text at once: a linked list of symbols and a heap of possible unions."""
        symbols, before, after = list(text), list(range(-1, len(text) - 1)), list(range(1, len(text))) + [-1]
        heap = []

        def propose(left, right):
            if left >= 0 and right >= 0 and (union := symbols[left] + symbols[right]) in self.ids:
                heapq.heappush(heap, (-self.scores[self.ids[union]], left, right, union))

        for i in range(len(symbols) - 1):
            propose(i, i + 1)
        while heap:
            _, left, right, union = heapq.heappop(heap)
            if after[left] != right or symbols[left] + symbols[right] != union or not symbols[left]:
                continue  # one side has been merged since
            symbols[left], symbols[right] = union, ""
            after[left] = after[right]
            if after[left] >= 0:
                before[after[left]] = left
            propose(before[left], left)
            propose(left, after[left])
        ids = []
        for symbol in filter(None, symbols):
            ids += [self.ids[symbol]] if symbol in self.ids else [FIRST_BYTE + b for b in symbol.encode()]
        return ids

    def decode(self, ids):
        raw = b""
        for i in ids:
            if self.types[i] == BYTE:
                raw += bytes([i - FIRST_BYTE])
            elif self.types[i] == NORMAL:
                raw += self.pieces[i].encode()
        return raw.decode(errors="replace").replace(SPACE, " ").removeprefix(" ")


if __name__ == "__main__":
    import stories
    corpus = [stories.story(seed) for seed in range(20000)]
    vocab = build(corpus, 2048)
    tokenizer = Tokenizer(vocab)
    for text in corpus[:500]:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text and ids == tokenizer.encode_whole(SPACE + text.replace(" ", SPACE))
    with open(sys.argv[1], "w") as file:
        json.dump(vocab, file)
    tokens = sum(len(tokenizer.encode(text)) for text in corpus)
    characters = sum(map(len, corpus))
    print(f"{len(vocab['pieces'])} pieces, {tokens / len(corpus):.1f} tokens a story, {characters / tokens:.2f} characters a token")
