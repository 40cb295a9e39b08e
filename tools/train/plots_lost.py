# A teller with a hero enters each plot; a story with want, trouble and a good end leaves.
"""Plots of losing, looking and finding."""


def lost_and_found(t):
    """The hero loses a toy, and a question helps to remember where."""
    t.toy(), t.place(), t.friend(), t.food()
    t.say(
        """{h} had {o.a}. [{h.He} took it everywhere.|It was {h.his} favorite thing.|It was a gift from {h.his}
        grandmother.|{h} loved it very much.] {day}, {h} took {o.the} {p.to}. There {h.he} began to {o.use}.""",
        t.scene(),
        "Then {h} got hungry, so {h.he} sat [down |]{p.spot1} and ate {food.a}.",
    )
    t.turn()
    t.say(
        """When it was time to go home, {o.the} was gone! ["Oh no!" cried {h}.|"Oh no, where is my {o}?" cried {h}.|{h}
        looked at {h.his} empty hands.] {h.He} was {sad}. {h} looked {p.spot2}[, but it was not there|. It was not
        there]. {h.He} looked {p.spot3}[, but there was only [a leaf|an old shoe|a sleepy snail|a gray stone]|. No
        {o}]! Just then, {f.intro} came by. "[Why are you so sad|What is the matter|What is wrong], {h}?" asked {f}.
        "I lost my {o}," said {h}. ["I looked and looked."|"I can not find it anywhere."|"It is nowhere."] {f} thought
        [for a moment|hard|about it]. "Where did you sit down to eat?" [asked {f}|{f} asked]. "I ate my {food}
        {p.spot1}!" said {h}."""
    )
    t.turn()
    t.say("""[They ran there together|They hurried back|Together they ran back]. And there, {p.spot1}, was {o.full}!
        ["Hooray!" they shouted.|"You found it!" said {h}.|"There it is!" said {f}.] [{h} hugged {o.the} and then
        {h.he} hugged {f}.|{h} gave {f} a big hug.|"Thank you, {f}," said {h}. "You ask good questions."] [Then they
        took turns to {o.use}.|From that day on, {h} always looked around before going home.|After that, {h} [took
        good care of|always kept an eye on] {o.the}.]""")


HELP = {
    # where: (what gets there, how, a try that fails, {who can help: how})
    "tree": (
        ["kite", "balloon", "hat", "scarf", "umbrella"],
        "[the wind blew|a gust of wind took] {o.the} high up into a [tall|big|leafy] tree.",
        "{h} jumped and jumped, but the branch was too high.",
        {
            "fly": "{f} flew up to the branch, took {o.the} in {f.his} beak and flew down again.",
            "climb": "{f} climbed up the tree, branch by branch, and "
            "[brought {o.the} down|dropped {o.the} into the arms of {h}].",
            "reach": "{f} stretched {f.his} long neck up to the branch and took {o.the} down.",
        },
    ),
    "pond": (
        ["boat", "ball", "hat", "balloon", "bucket"],
        "{o.the} fell into the pond and floated [far away|away from the shore|to the middle].",
        "{h} tried to reach it with a stick, but the stick was too short.",
        {"swim": "{f} jumped into the water, swam to {o.the} and pushed it back to the shore."},
    ),
    "hole": (
        ["ball", "marble", "bell", "whistle", "shell"],
        "{o.the} rolled away and fell into a deep [and dark |]hole.",
        "{h} reached down as far as {h.he} could, but the hole was too deep.",
        {
            "dig": "{f} dug and dug until the hole was wide, and then {f.he} pulled {o.the} out.",
            "squeeze": "{f} was small enough to climb down the narrow hole, and soon {f.he} pushed {o.the} out.",
        },
    ),
    "log": (
        ["ball", "hat", "kite", "scarf", "bucket", "drum"],
        "a [heavy|big] log rolled down and {o.the} was stuck under it.",
        "{h} pushed the log with all {h.his} might, but it did not move.",
        {"lift": "{f} put both arms around the log, lifted it up, and {h} pulled {o.the} out."},
    ),
}


def stuck(t):
    """Something is out of reach, and the right helper has the right gift."""
    where = t.pick([w for w in ("tree", "tree", "pond", "hole", "log") if t.cast["h"].can not in HELP[w][-1]])
    lost_there, happens, fails, ways = HELP[where]
    can = t.pick(list(ways))
    if "f" in t.cast and t.cast["f"].can not in ways:
        del t.cast["f"]
    known = "f" in t.cast or t.random.random() < 0.6
    helper = t.friend("f", can=[can], known=known)
    t.toy(among=lost_there)
    t.place(among=["the park", "the forest", "the meadow", "the farm", "the hill", "the garden"])
    t.say(
        "{day}, {h} went {p.to} with {o.a}. {h.He} wanted to {o.use}.",
        t.scene(),
        "[Suddenly|All at once|But then],",
        happens,
        '["Oh no, my {o}!" cried {h}.|"Come back, {o}!" cried {h}.|"Oh dear!" said {h}.]',
        fails,
    )
    wrong = t.random.random() < 0.4
    if wrong:
        t.being(
            "g",
            kind=t.pick([k for k in ("hedgehog", "turtle", "lamb", "pig") if k not in (t.cast["h"].kind, helper.kind)]),
            friend=False,
        )
        t.say("A {g.kind} named {g} [tried|wanted] to help too, but {g.he} could not [do it|get it] either.")
    t.turn()
    t.say(
        "{f.intro} [saw it all|heard the noise and came]."
        if known
        else "Then a {f.kind} named {f} came [along|by|down the path]."
    )
    t.say(
        '["Do not cry. I can help you," said {f}.|"Let me try," said {f}.|"May I help?" asked {f}.]',
        ways[helper.can],
        """["Thank you, {f}!" said {h}.|"You did it!" cried {h}.|"You are a good helper," said {h}.] ["It was easy for
        me," said {f}.|"That is what friends are for," said {f}.|{f} smiled. "I am happy to help."]""",
    )
    t.say(
        """[Then {h} let {f} have a turn too, and they took turns to {o.use}.|{h} and {f} played with {o.the} until the
        sun went down.|{h} asked {f} to play too, and they had a lot of fun.]"""
    )
    if not wrong:
        t.maybe("{h} learned that it is good to ask for help.", "{h} was {glad} to have {o.the} back.")


BABIES = [
    # (baby, where its home is, the clue, a wrong guess that answers, mother)
    ("duckling", "by the pond", "There is cool water and there are tall reeds", ("cow", "moo"), "duck"),
    ("chick", "in the hen house", "There is straw and there are many warm eggs", ("sheep", "baa"), "hen"),
    ("lamb", "in the green field", "There is soft grass and a white fence", ("pig", "oink"), "sheep"),
    ("baby owl", "in the old oak tree", "It is high up, in a hole in a very old tree", ("duck", "quack"), "owl"),
    ("piglet", "in the sty behind the barn", "There is lots of nice, soft mud", ("horse", "neigh"), "pig"),
    ("kitten", "in the baker's house", "It smells like fresh bread there", ("dog", "woof"), "cat"),
    ("puppy", "at the farm house", "There is a red barn and a big gate", ("goat", "maa"), "dog"),
    ("baby mouse", "under the mill", "There is a big wheel that turns in the water", ("hen", "cluck"), "mouse"),
    ("bear cub", "in the cave on the hill", "It is a big hole in the rock", ("cow", "moo"), "bear"),
]


def lost_baby(t):
    """A lost little one, a clue, and the way home."""
    baby, home, clue, (wrong, sound), mother = t.pick(
        [b for b in BABIES if t.cast["h"].kind not in (b[0], b[3][0], b[4])]
    )
    t.place(among=["the park", "the forest", "the meadow", "the hill", "the market"])
    with_friend = t.random.random() < 0.5
    hero = t.cast["h"]
    t.put(
        b=baby,
        bhome=home,
        clue=clue,
        wrong=wrong,
        sound=sound,
        m=mother,
        knows=hero,
        who=hero.he,
        Who=hero.He,
        whom=hero.him,
        treat="feather" if mother in ("duck", "hen", "owl") else "flower",
    )
    if with_friend:
        t.put(knows=t.friend(), who="they", Who="They", whom="them")
        t.say("{day}, {h} and {f.intro} went {p.to}.", t.scene())
    else:
        t.say("{day}, {h} [went for a walk|went] {p.to}.", t.scene())
    t.say(
        '''[Suddenly {who} heard a small voice.|There was a little cry.] {p.spot1} sat a [tiny|little|small] {b}. It was
        [crying|shaking|all alone]. "[What is wrong|Why are you crying], little {b}?" asked {h}. "I am lost," said the
        {b}. "I [ran after a butterfly|followed a leaf in the wind|went too far]. I want my mother!" "[Do not worry|Do
        not be afraid|Do not cry]," said {h}. "[I will help you|We will find her|We will find your mother]."'''
    )
    t.turn()
    if t.random.random() < 0.6:
        t.say(
            '''[First|Soon] {who} met a {wrong}. "Are you the mother of this {b}?" asked {h}. "No," said the {wrong}. "My
            babies say {sound}."'''
        )
    t.say(""""What does your home look like?" [{h} asked the {b}|asked {h}]. The {b} [stopped crying and |]thought.
        "{clue}," it said. ["I know that place!" said {knows}.|"Then I know where you live!" said {knows}.|{knows}
        jumped up. "I know where that is!"] [{Who} carried the {b}|{Who} took the {b}] [along the path|over the
        bridge|down the road] to the place. And there, {bhome}, was a {m} who was calling and calling. "My baby!"
        cried the {m}. The {b} ran to its mother[| as fast as it could]. "Thank you for bringing my little one home,"
        said the {m}. [She gave {whom} a soft {treat} to keep.|"You can come and play any time," said the {b}.|{h}
        waved and felt warm inside.|The {b} waved until {who} could not be seen any more.]""")


NOISES = [
    (
        "Tap, tap, tap",
        "a branch that knocked on the window in the wind",
        "tied the branch back with a string",
        "It was only a tree that wanted to say good night",
    ),
    (
        "Scratch, scratch",
        "a [cold|wet] little kitten at the door",
        "gave the kitten warm milk and a soft bed by the fire",
        "It was only a kitten that wanted to come in",
    ),
    (
        "Drip, drip, drip",
        "a tap that was not closed",
        "turned the tap until it was quiet",
        "It was only water that could not sleep",
    ),
    (
        "Crunch, crunch",
        "a tiny mouse with a big cracker",
        "gave the mouse a piece of cheese to take home",
        "It was only a mouse that was hungry",
    ),
    (
        "Whoo, whoo",
        "an owl on the roof who had a cold",
        "put a warm scarf around the owl's neck",
        "It was only an owl that needed a scarf",
    ),
    (
        "Bump, bump",
        "a little hedgehog who could not find the way out of the kitchen",
        "opened the door and showed it the way",
        "It was only a hedgehog that wanted to go home",
    ),
    (
        "Buzz, buzz",
        "a bee that was stuck behind the curtain",
        "opened the window and let the bee fly out",
        "It was only a bee that missed the flowers",
    ),
    (
        "Creak, creak",
        "the old rocking chair that moved in the wind",
        "closed the window, and the chair stood still",
        "It was only a chair that liked to dance",
    ),
]


def noise(t):
    """A noise at night turns out to be small and in need."""
    sound, cause, fix, moral = t.pick([n for n in NOISES if t.cast["h"].kind not in n[1]])
    t.elder(), t.put(sound=sound, cause=t.expand(cause), fix=fix, moral=moral)
    t.say("""One night, {h} [woke up|could not sleep|lay in bed and heard something]. "{sound}!" it went. [The house was
        dark and still.|The moon was bright.|Everybody else was asleep.] "{sound}!" it went again. ["Is it a monster?"
        {h} thought.|"What can it be?" thought {h}.|{h}'s heart beat fast.] {h.He} [wanted to hide|pulled the blanket
        up to {h.his} nose]. But {h.he} also wanted to know. So {h} took a [little lamp|candle|small light] and
        [walked on tiptoe|went very quietly] [down the stairs|through the hall|to the kitchen].""")
    t.turn()
    t.say(""""{sound}!" it went, [louder now|very near now]. {h} held up the light. And what did {h.he} see? It was
        {cause}! {h} [laughed|had to laugh|began to giggle]. "So it was you!" {h.he} said. {h} {fix}. Then it was
        quiet again. In the morning, {h} told {e} [all about it|everything]. "{moral}," {h.he} said. {e}
        [laughed|smiled]. "[You were brave to look|Next time you may wake me|It is good to look before you are
        afraid]," said {e}.""")


def messy_room(t):
    """What is lost in a mess is found by cleaning it."""
    t.friend(), t.elder(), t.toy()
    t.toy("q"), t.toy("r")
    t.say("""{h}'s room was a mess. There were toys on the bed, socks on the lamp and books on the floor. "Please clean
        up," said {e}. "[Later|Tomorrow|Not now]," said {h}. {day}, {f.intro} called. "Come out and bring your {o}!
        [We want to play|I have time to play]." {h} looked for {o.the}. {h.He} looked on the bed and under the
        [chair|table]. But the mess was so big that {h.he} could not find [anything|it]. ["Where is my {o}?" cried
        {h}.|"It must be here," said {h}.] "A thing without a place is easy to lose," said {e}.""")
    t.turn()
    t.say(
        """So {h} began to clean. {h.He} put the books on the shelf and the socks in the drawer. [Under the socks|Behind
        the pillow] {h.he} found {q.a}. [In a boot|In an old box] {h.he} found {r.a}. "I [looked for you for
        weeks|forgot that I had you]," said {h}. And there, under the very last [shirt|sock|towel], was {o.full}! Now
        the room was clean, and {h} could [see the floor|dance in it]. {h} ran out to {f}, and they took turns to
        {o.use}. [In the evening, {h} put {o.the} back in its place.|That evening, every toy went to bed in its own
        place.|From then on, {h} cleaned up every evening.]"""
    )


def lost_glasses(t):
    """A search with a funny end."""
    t.elder(), t.friend(), t.place(among=["the garden"])
    what, where = t.pick(
        [
            ("glasses", "on your head"),
            ("hat", "on your head"),
            ("pencil", "behind your ear"),
            ("scarf", "around your neck"),
            ("key", "on a string around your neck"),
        ]
    )
    t.put(
        w=what,
        were="are" if what == "glasses" else "is",
        them="them" if what == "glasses" else "it",
        found="they were" if what == "glasses" else "it was",
        where=where,
    )
    t.say(
        """{day}, {e} [walked up and down|looked everywhere]. "Where {were} my {w}?" {e.he} asked. "[I need {them} now|I
        had {them} this morning]." "I will help you," said {h}. {h} looked [under the sofa|behind the clock]. {h.He}
        found only [an old cookie|a red button|a lot of dust]. {h.He} looked in the garden, {p.spot1} and {p.spot2}.
        {f.intro} came to help, and {f} looked [in the teapot|in all the boots|under the cat]. [They turned the whole
        house upside down.|They looked for an hour.|They even asked the neighbors.] But the {w} [could not be
        found|stayed away]."""
    )
    t.turn()
    t.say(
        """{h} sat down [to rest|and thought] and looked up at {e}. Then {h.he} began to laugh. {f} looked, too, and {f}
        laughed [so hard that {f.he} fell over|until {f.his} tummy hurt]. "What is so funny?" asked {e}. "[Touch it
        and you will know|Look in the mirror|Do not move]," said {h}. "Your {w} {were} {where}!" {e} [put up a
        hand|looked in the mirror], and there {found}. {e} laughed the loudest of all. "[Sometimes the thing we look
        for is very near|I looked everywhere but here]," {e.he} said. [Then they all had tea and cookies.|{e} made
        pancakes for the two good helpers.|And {e} gave both of them a big hug.]"""
    )
