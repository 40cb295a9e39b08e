# Templates and a seed enter; sentences about a consistent cast leave.
"""The teller keeps a cast (beings, things, places) and expands templates:
[one|two] is a choice, may nest and may be empty; {h.he} is a property of somebody in the cast."""

import random
import re

import lexicon as lex

INNERMOST_CHOICE = re.compile(r"\[([^\[\]]*)\]")
FEELINGS = {"{sad}": "[sad|very sad|worried|upset]", "{glad}": "[happy|very happy|glad|so happy]"}
SENTENCE_START = re.compile(r'((?:^|[.!?] |\." |\n|(?:^|(?<=[^,] ))")\s*)([a-z])', re.M)
VOWEL_AFTER_A = re.compile(r"\b([Aa]) (?=[aeiou])")


class Being:
    """Somebody with a name, a kind and pronouns that never change within a story."""

    def __init__(self, name, kind, he, adjective):
        self.name, self.kind, self.he, self.adjective = name, kind, he, adjective
        self.him, self.his, self.himself = {"he": ("him", "his", "himself"), "she": ("her", "her", "herself")}[he]
        self.He, self.His = he.capitalize(), self.his.capitalize()
        self.friend_of = None  # set while unknown to the reader; the first {x.intro} then introduces it
        self.can, self.family, self.coat = lex.KINDS.get(kind, ("", "child", ""))

    def __str__(self):
        return self.name

    @property
    def a(self):
        return f"a {self.adjective} {self.kind}"

    @property
    def intro(self):
        if self.friend_of is None:
            return self.name
        owner, self.friend_of = self.friend_of, None
        return f"{owner.his} friend {self.name}" + ("" if self.family == "child" else f" the {self.kind}")


class Thing:
    def __init__(self, noun, adjective="", use=""):
        self.noun, self.adjective, self.use = noun, adjective, use.format(it=f"the {noun}")
        self.the = f"the {noun}"
        self.a = f"a {adjective} {noun}".replace("  ", " ")
        self.full = f"the {adjective} {noun}".replace("  ", " ")

    def __str__(self):
        return self.noun


class Place:
    def __init__(self, name, preposition, spots):
        self.name, self.at, self.to = name, f"{preposition} {name}", f"to {name}"
        self.spot1, self.spot2, self.spot3, self.spot4 = spots[:4]

    def __str__(self):
        return self.name


class Teller:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.cast = {}
        self.paragraphs = [[]]

    # -- the voice -------------------------------------------------------------------------------------------------
    def expand(self, template):
        for feeling, words in FEELINGS.items():
            template = template.replace(feeling, words)
        choose = lambda match: self.pick(match.group(1).split("|"))
        while "[" in template:
            template = INNERMOST_CHOICE.sub(choose, template)
        return " ".join(template.format(**self.cast).split())

    def say(self, *templates):
        self.paragraphs[-1].extend(self.expand(t) for t in templates)

    def maybe(self, *templates):
        """Says one of the templates, or nothing: small talk that no later sentence relies on."""
        if self.random.random() < 0.6:
            self.say(self.pick(templates))

    def turn(self):
        """Starts a new paragraph."""
        if self.paragraphs[-1]:
            self.paragraphs.append([])

    def text(self):
        paragraphs = [" ".join(sentence for sentence in p if sentence) for p in self.paragraphs if p]
        story = VOWEL_AFTER_A.sub(r"\1n ", "\n".join(paragraphs))
        return SENTENCE_START.sub(lambda m: m.group(1) + m.group(2).upper(), story)

    def next_episode(self):
        """The people stay, the things and places are new."""
        self.turn()
        self.cast = {role: self.cast[role] for role in ("h", "f", "e") if role in self.cast}

    # -- the casting -----------------------------------------------------------------------------------------------
    def put(self, **entries):
        self.cast.update(entries)

    def name(self, he):
        taken = {b.name[0] for b in self.cast.values() if isinstance(b, Being)}
        while True:
            if self.random.random() < 0.15:
                name = self.pick(lex.STARTS) + self.pick(lex.MIDDLES + [""]) + self.pick(lex.ENDS[he])
            else:
                name = self.pick(lex.GIRLS if he == "she" else lex.BOYS)
            if name[0] not in taken:  # different first letters keep characters apart for the reader
                return name

    def being(self, role, kind=None, can=None, friend=True):
        """Casts somebody new. A friend mostly differs from the hero in kind and pronoun."""
        hero = self.cast.get("h")
        he = self.pick(["he", "she"])
        if hero and self.random.random() < 0.8:
            he = "she" if hero.he == "he" else "he"
        taken = {b.kind for b in self.cast.values() if isinstance(b, Being)}
        if kind is None:
            kinds = [
                k for k, (ability, _, _) in lex.KINDS.items() if (can is None or ability in can) and k not in taken
            ]
            child = "girl" if he == "she" else "boy"
            kind = child if can is None and self.random.random() < (0.35 if hero else 0.5) else self.pick(kinds)
        coat = lex.KINDS[kind][2] if kind in lex.KINDS else "little"
        size = self.pick(lex.SIZES)
        adjective = self.pick([size, self.pick(lex.TRAITS), f"{size} {coat}" if kind in lex.KINDS else "little"])
        somebody = Being(self.name(he), kind, he, adjective)
        if hero and friend:
            somebody.friend_of = hero
        self.cast[role] = somebody
        return somebody

    def friend(self, role="f", can=None, known=True):
        """The friend of the first episode stays the friend of the second."""
        return self.cast.get(role) or self.being(role, can=can, friend=known)

    def elder(self, role="e"):
        """A grown-up of the hero's family: Mom for a child, Mama Fox for a fox."""
        if role not in self.cast:
            hero = self.cast["h"]
            title, he = self.pick([("Mom", "she"), ("Dad", "he"), ("Grandma", "she"), ("Grandpa", "he")])
            if hero.family != "child":
                kind = {"kitten": "cat", "puppy": "dog", "lamb": "sheep"}.get(hero.kind, hero.kind)
                title = {"Mom": "Mama", "Dad": "Papa"}.get(title, title) + " " + kind.capitalize()
            self.cast[role] = Being(title, "elder", he, "old")
        return self.cast[role]

    def toy(self, role="o", among=None):
        taken = {t.noun for t in self.cast.values() if isinstance(t, Thing)}
        noun = self.pick([n for n in (among or lex.TOYS) if n not in taken])
        adjectives, use = lex.TOYS[noun]
        self.cast[role] = Thing(noun, self.pick(adjectives + [self.pick(lex.COLORS)] * 3), use)
        return self.cast[role]

    def food(self, role="food"):
        taken = {t.noun for t in self.cast.values() if isinstance(t, Thing)}
        self.cast[role] = Thing(self.pick([n for n in lex.FOODS if n not in taken]), self.pick(lex.FOOD_ADJ))
        return self.cast[role]

    def place(self, role="p", among=None):
        taken = {p.name for p in self.cast.values() if isinstance(p, Place)}
        name = self.pick([n for n in (among or lex.PLACES) if n not in taken])
        preposition, spots = lex.PLACES[name]
        self.cast[role] = Place(name, preposition, self.random.sample(spots, 5))
        return self.cast[role]

    def scene(self):
        """A look around, or nothing."""
        return self.pick(lex.SCENES) if self.random.random() < 0.5 else ""

    # -- the frame -------------------------------------------------------------------------------------------------
    def opening(self):
        h = self.being("h")
        self.put(home=self.pick(lex.HOMES[h.family]), love=self.expand(self.pick(lex.LOVES)))
        self.put(home=self.expand(self.cast["home"]))
        self.say(
            self.pick(
                [
                    "Once upon a time, there was {h.a} named {h}. {h.He} lived {home}.",
                    "Once upon a time, there was {h.a} [named|called] {h}. {h.He} lived {home} and loved {love}.",
                    "Once upon a time, {h.a} [named|called] {h} lived {home}.",
                    "Once there was {h.a} [named|called] {h}, who lived {home}.",
                    "There once was {h.a} [named|called] {h}. {h} loved {love}.",
                    "{h} was {h.a} who lived {home}.",
                    "{h} was {h.a}. {h.He} loved {love}.",
                    "Long ago, {h.a} [named|called] {h} lived {home}.",
                    "In a land not far away, there lived {h.a} [named|called] {h}.",
                    "This is the story of {h}, {h.a} who lived {home}.",
                ]
            )
        )
        if "loved" not in self.paragraphs[-1][-1]:
            self.maybe(
                "{h.He} loved {love}.", "More than anything, {h.he} liked {love}.", "Every day, {h.he} liked {love}."
            )
