# A teller with a hero enters each plot; a story with want, trouble and a good end leaves.
"""Plots of growing: of courage, patience and truth."""

from story_cast import Thing


def broken(t):
    """The hero breaks something, is afraid, and tells the truth."""
    t.elder(), t.toy(among=["ball", "drum", "kite", "train", "car", "balloon", "robot"])
    t.put(
        v=Thing(
            t.pick(["vase", "cup", "lamp", "plate", "bowl", "pot", "flower pot", "teapot"]),
            t.pick(["blue", "white", "pretty", "old", "big", "yellow"]),
        )
    )
    t.say("""{day}, {h} was playing [inside|in the house|at home] with {o.a}. "[Be careful|Please play outside|Not so
        fast], {h}," said {e}. But {h} did not [listen|stop]. {h.He} [ran|jumped] [around|about] the room and [bumped
        into the table|hit the shelf]. Crash! {v.full} fell down and broke. It was {e}'s [favorite|best] {v}. {h} was
        [scared|afraid|very scared]. {h.He} [hid the pieces under the bed|pushed the pieces under the rug|put the
        pieces in a box].""")
    t.turn()
    t.say("""[All day|At dinner|That evening], {h} could not [eat|smile|play]. {h.His} tummy felt [heavy|funny|bad]. ["I
        must tell the truth," {h.he} thought.|{h.He} knew that hiding it was wrong.] So {h} went to {e} [with the
        pieces|with tears in {h.his} eyes]. "I broke your {v}," {h.he} said. "I am [so |very |]sorry." {e} [was quiet
        for a moment|looked at {h}|took a deep breath]. Then {e.he} [hugged {h}|smiled a little|took {h.his} hand].
        "Thank you for telling [me |]the truth," said {e}. "That was brave." [Together they glued the pieces, one by
        one|They fixed {v.the} together with glue|They sat down and put the pieces together again]. [It was not
        perfect, but {e} said it was even better now.|It had a few lines, but it could stand again.|Soon {v.the} stood
        on the shelf again.] [After that, {h} played with {o.the} outside.|From then on, {h} took {o.the} outside to
        play.|And {h} never ran in the house again.]""")
    t.maybe(
        "{h} learned that telling the truth makes the heart light.",
        "{h} felt light and free.",
        "It is always better to tell the truth.",
    )


FEARS = [
    # (fear, when it comes, what the brave one says, what they do, how it ends)
    (
        "the dark",
        "At night, when the light went out, {h} hid under the blanket.",
        '"The dark only hides what was there in the day," said {e}. "Let us look together."',
        "{e} took {h.his} hand and lit a small lamp. They looked under the bed and behind the door. "
        "There was only [a sock|a box of toys|a pair of shoes].",
        'Then {e} blew out the lamp and they looked at the stars. "Without the dark, we could not see'
        ' the stars," said {h}. That night, {h} fell asleep without a light.',
    ),
    (
        "thunder",
        "{day}, dark clouds came and the thunder went boom! {h} hid behind the chair.",
        '"Thunder is only a big noise," said {e}. "Let us count and hear how far away it is."',
        'A flash came. "One, two, three," they counted. Boom! The next time they counted to six, and then to ten.',
        '"The storm is going away!" said {h}. {h.He} was not afraid any more. When the next storm '
        'came, {h} sat by the window and counted.',
    ),
    (
        "the water",
        "{day}, all the others were swimming in the lake, but {h} sat on the shore and only watched.",
        '"You can go slowly," said {e}. "I will hold your hand."',
        "First {h} put one toe into the water. It was cool and nice. Then {h.he} went in up to the "
        "knees, and then up to the tummy.",
        '[A little fish swam by and made {h.him} laugh.|{e} held {h.him} and {h.he} began to float.] '
        '"I am in the water!" {h} cried. Soon {h.he} did not want to come out any more.',
    ),
    (
        "the big slide",
        "{day}, {h} stood under the big slide in the playground. It was very high.",
        '"We can climb it one step at a time," said {e}.',
        "{h} climbed one step, and then one more, and one more. At the top {h.he} could see [the "
        "whole town|all the trees|the roof of {h.his} house].",
        '{h} took a deep breath and let go. Whoosh! Down {h.he} went. "Again, again!" {h} cried, and '
        '{h.he} went down the slide ten times.',
    ),
    (
        "the big dog next door",
        "{day}, the big dog next door barked, and {h} ran away.",
        '"A dog barks to say hello," said {e}. "Let us say hello too."',
        "They walked slowly to the fence. {e} showed {h} how to hold out a hand. The big dog sniffed "
        "it and wagged its tail.",
        "{h} touched the dog's soft ear, and the dog licked {h.his} hand. {h} laughed. From that day "
        "on, {h} and the big dog were friends.",
    ),
    (
        "the wind",
        "{day}, the wind went whoo around the house, and {h} could not sleep.",
        '"The wind is only singing," said {e}. "Listen to its song."',
        "They sat at the window and listened. The wind shook the leaves and rang the little bell at "
        "the door. {e} sang along with it.",
        'Soon {h} sang too. "It is a nice song," {h.he} said. In the morning {h} took a kite outside,'
        ' and the wind carried it high into the sky.',
    ),
]


def fear(t):
    """A fear becomes small when somebody looks at it together with the hero."""
    what, comes, wise, act, end = t.pick(
        [
            f
            for f in FEARS
            if not (
                f[0] == "the water"
                and t.cast["h"].family == "water"
                or "dog" in f[0]
                and t.cast["h"].kind in ("dog", "puppy", "wolf")
            )
        ]
    )
    t.elder(), t.put(fear=what)
    t.say(
        """[{h} was afraid of only one thing, and that was {fear}.|{h} was afraid of {fear}.|There was one thing {h} did
        not like. {h.He} was afraid of {fear}.]""",
        comes,
        """["What is wrong, {h}?" asked {e}.|{e} came and sat next to {h.him}. "Why are you shaking?" {e.he} asked.|{e}
        saw {h.him} and asked, "Are you all right?"] "I am [scared|afraid] of {fear}," said {h}[| in a small voice].""",
    )
    t.turn()
    t.say(
        wise,
        """[{h} was not sure, but {h.he} nodded.|"All right, but stay with me," said {h}.|{h} took a deep breath. "I will
        try," {h.he} said.]""",
        act,
        end,
    )
    t.maybe(
        '[{e} was proud of {h}.|"You are very brave," said {e}.]',
        "{h} learned that being brave means to try even when you are scared.",
        "Being brave had made {h.him} [feel tall|very happy].",
    )


SKILLS = [
    # (skill, what goes wrong, the tip, what goes right)
    (
        "ride a bike",
        "the bike wobbled and fell over",
        "Look ahead and not at your feet",
        "rode all the way down the road",
    ),
    ("whistle", "only air came out", "Make your lips small and round", "whistled a whole song"),
    ("swim", "water went up {h.his} nose", "Kick slowly and breathe out", "swam across the pond"),
    ("skate", "{h.his} feet slid away", "Bend your knees and lean forward", "made a big circle on the ice"),
    (
        "jump rope",
        "the rope got stuck on {h.his} feet",
        "Jump when you hear the rope hit the ground",
        "jumped twenty times",
    ),
    (
        "paint a tree",
        "it looked like a broom",
        "Look at the tree for a long time before you paint",
        "painted a tree with a hundred leaves",
    ),
    (
        "bake bread",
        "the bread was as hard as a stone",
        "Let the dough sleep before you bake it",
        "baked a soft and golden bread",
    ),
    ("tie a bow", "the string fell apart", "Make two ears and cross them", "tied a bow on every box in the house"),
    (
        "play the flute",
        "it made a terrible squeak",
        "Blow as softly as if you cool your soup",
        "played a slow and sweet song",
    ),
    (
        "throw a ball far",
        "the ball went only to the next flower",
        "Turn your whole body and not only your arm",
        "threw the ball over the fence",
    ),
    (
        "build a tower",
        "it fell down with a crash",
        "Put the biggest blocks at the bottom",
        "built a tower as tall as the door",
    ),
    (
        "catch a ball",
        "the ball bounced off {h.his} nose",
        "Watch the ball all the way into your hands",
        "caught the ball every time",
    ),
]


def skill(t):
    """Trying, failing, a tip, practice, and the day it works."""
    what, wrong, tip, right = t.pick([s for s in SKILLS if not (s[0] == "swim" and t.cast["h"].family == "water")])
    teacher = t.elder() if t.random.random() < 0.5 else t.friend()
    t.put(skill=what, wrong=t.expand(wrong), tip=tip, right=right, T=teacher)
    t.say(
        """[{h} wanted to learn to {skill}.|There was one thing {h} wanted to learn. {h.He} wanted to {skill}.|More than
        anything, {h} wanted to {skill}.] {day}, {h.he} tried. But {wrong}. {h.He} tried again, and [again |once more
        ]{wrong}. "I [can not|will never] do it!" {h.he} [cried|said]."""
    )
    t.turn()
    t.say(
        """{T.intro} [saw|was watching] {h.him}. "I could not {skill} at first," said {T}. "[Let me tell you a secret|I
        will give you a tip|Try this]. {tip}." {h} [nodded|listened] and tried again. It was [still hard|a little
        better|not good yet], but {h.he} did not give up. {h.He} practiced [every day|day after day|in the morning and
        in the evening] [for a week|for many days|until the sun went down]. And then, one [day|morning|evening], it
        worked! {h} {right}. "I did it! I did it!" {h.he} [shouted|cried|sang]. "I knew you could do it," said {T}.
        [{h} hugged {T}.|{T} clapped {T.his} hands.|{T} was very proud.]"""
    )
    t.maybe(
        "{h} learned that nobody is good at everything on the first day.",
        'Now {h} teaches others to {skill}, and {h.he} always says, "{tip}."',
        '"You only have to try again," said {h}.',
        "The next thing {h} wanted to learn was even harder, but {h.he} was not worried.",
    )


TRADES = [
    ("the baker", "loaf of bread"),
    ("the farmer", "bag of apples"),
    ("the tailor", "warm coat"),
    ("the fisher", "fresh fish"),
    ("the smith", "iron key"),
    ("the potter", "clay pot"),
    ("the weaver", "basket"),
    ("the candle maker", "candle"),
    ("the gardener", "bunch of roses"),
    ("the shoemaker", "pair of shoes"),
]


def trade(t):
    """A chain of wishes: each neighbor has what the one before needs."""
    t.elder()
    (A, a), (B, b), (C, c) = t.random.sample(TRADES, 3)
    t.put(
        A=A,
        a=a,
        B=B,
        b=b,
        C=C,
        c=c,
        favor=t.pick(
            [
                "swept the floor",
                "carried the water",
                "washed the windows",
                "fed the hens",
                "chopped some wood",
                "picked up all the nails",
            ]
        ),
    )
    t.say(
        """{day}, {h} wanted to get a {a} for {e}, [because it was {e.his} birthday|because {e} was ill|to make {e.him}
        happy]. But {h} had no money. {h.He} went to {A}. "May I have a {a}?" {h.he} asked. "Bring me a {b}, and you
        can have a {a}," said {A}. So {h} went to {B}. "May I have a {b} for {A}?" {h.he} asked. "Bring me a {c}, and
        you can have a {b}," said {B}. So {h} went to {C}. "May I have a {c} for {B}?" [{h.he} asked|asked {h}].
        "[Help me a little|Work for me for an hour|I am so tired today. Help me], and you can have a {c}," said {C}."""
    )
    t.turn()
    t.say(
        """{h} {favor} for {C}, and {C} gave {h.him} a {c}. {h} [ran|hurried|went back] to {B} with the {c}, and {B} gave
        {h.him} a {b}. {h} [ran|hurried|went back] to {A} with the {b}, and {A} gave {h.him} a {a}. [At last!|{h}
        danced for joy.|It was a long way, but {h} was happy.] {h} brought the {a} home to {e}. "[How did you get
        this|Where did you get this]?" asked {e}. "I had no money," said {h}, "but I had [two hands|two feet and a lot
        of time|good neighbors]." {e} [laughed and hugged {h.him}|was so proud of {h.him}|gave {h.him} a big kiss]."""
    )


def seed(t):
    """Waiting is work too."""
    t.elder(), t.friend()
    plant, fruit = t.pick(
        [
            ("sunflower", "yellow flower"),
            ("pumpkin plant", "round pumpkin"),
            ("apple tree", "red apple"),
            ("bean plant", "long bean"),
            ("tomato plant", "red tomato"),
            ("strawberry plant", "sweet strawberry"),
            ("rose bush", "pink rose"),
        ]
    )
    t.put(plant=plant, fruit=fruit)
    t.say("""{day}, {e} gave {h} a [tiny|small|little] seed. "[What is it|What will it be]?" asked {h}. "[Wait and
        see|Plant it and wait]," said {e}. {h} dug a hole in the garden and put the seed in. {h.He} gave it some
        water. Then {h.he} sat down and waited. [Nothing happened.|But nothing came out.] "[Why does it not grow|Where
        is it|When will it grow]?" asked {h}. "[A seed needs time|Give it water, sun and time|It is still asleep],"
        said {e}.""")
    t.turn()
    t.say(
        """Every [day|morning], {h} [gave it water|brought it water] and [sang to it|told it a story|said good morning to
        it]. [The sun shone and the rain fell.|Days went by.|A week went by, and then another.] {f.intro} [laughed and
        said, "There is nothing there!"|said, "Maybe it is only a stone."|asked, "Why do you still wait?"] But {h} did
        not give up. Then one [morning|day], there was a [tiny|little] green leaf! ["It is awake!" cried {h}.|"Look,
        look!" cried {h}.] The leaf grew and grew, and it became a {plant}. At last there was a {fruit} on it. {h}
        called {e} and {f}. "[You were right to wait|I am sorry that I laughed|I did not believe it]," said {f}. [{h}
        gave the first {fruit} to {f}, and they both smiled.|{h} looked at the {fruit} for a long time. "Good things
        need time," {h.he} said.|In the {fruit} there were new seeds, and {h} gave one to {f}. "Now you can wait too,"
        said {h}.]"""
    )


def small_hero(t):
    """The one who is too small is the one who fits."""
    if "f" not in t.cast:
        t.being("f", can=["climb", "dig", "jump"])
    t.being("g", can=["lift"], friend=False)
    thing = t.pick(["key", "ring", "coin", "bell"])
    t.put(
        k=thing,
        hole=t.pick(["a crack in the wall", "a gap under the floor", "a hole between two stones", "a narrow pipe"]),
        why={
            "key": "the door of the school could not be opened",
            "ring": "the queen was very sad",
            "coin": "there was no money for bread",
            "bell": "nobody knew when the party began",
        }[thing],
    )
    t.put(
        then={
            "key": "the door was opened",
            "ring": "the queen smiled again",
            "coin": "there was bread for all",
            "bell": "the party could begin",
        }[thing]
    )
    t.say("""{h} was the smallest of all {h.his} friends. "You are too small to [help|play with us|carry anything]," the
        others [often |always |]said. That made {h.him} {sad}. {day}, something bad happened. The golden {k} fell into
        {hole}, and {why}. A big {g.kind} named {g} tried to [reach|get] it. "My [arm|foot] is too big," said {g}.
        Then {f.intro} tried. "[I can not get in|I am too big, too]," said {f}.""")
    t.turn()
    t.say(
        """"Let me try," said {h}. [The others laughed.|"You?" asked {g}.|Nobody said a word.] But {h} [pulled in {h.his}
        tummy|took a deep breath|was not afraid] and went in. It was dark and [narrow|dusty|cold] in there. {h.He}
        felt around, and then {h.he} touched something [cold|smooth and round|shiny]. Out came {h}, gray with dust,
        with the golden {k} in {h.his} hand! Soon {then}. [Everybody cheered.|"Hooray for {h}!" they shouted.] "[I am
        sorry|We were wrong]," said {g}. "You are small, but you [did a big thing|are the biggest hero of all|have a
        big heart]." [{f} lifted {h} up high.|{g} let {h} ride on {g.his} back.|And nobody ever said that {h} was too
        small again.]"""
    )


WISHES = [
    # (wish, what happens, why it is bad, lesson)
    (
        "I wish for a mountain of cookies",
        "the room was full of cookies, up to the roof",
        "the door would not open, and {h} could not get out",
        "enough is better than too much",
    ),
    (
        "I wish to be as big as a house",
        "{h} grew and grew until {h.his} head touched the clouds",
        "{h.he} did not fit into {h.his} bed, and all {h.his} friends ran away",
        "it is good to be just the right size",
    ),
    (
        "I wish that it was always day",
        "the sun stood still in the sky and did not go down",
        "nobody could sleep, and the stars never came out",
        "the night is good too",
    ),
    (
        "I wish that everything was pink",
        "the grass, the trees and even the cats turned pink",
        "{h} could not find anything, not even {h.his} own home",
        "many colors are better than one",
    ),
    (
        "I wish that nobody could tell me what to do",
        "everybody was gone, and the house was empty",
        "there was nobody to play with and nobody to cook dinner",
        "home is where the others are",
    ),
    (
        "I wish that I could fly",
        "{h} went up into the air, higher and higher",
        "{h.he} could not come down again, and it was cold up there",
        "feet on the ground are a fine thing",
    ),
    (
        "I wish that it would snow",
        "it snowed and snowed, up to the windows",
        "all the flowers were cold, and nobody could open the door",
        "every season has its time",
    ),
]


def wish(t):
    """One wish too many, and one to take it back."""
    wished, happens, bad, lesson = t.pick([w for w in WISHES if not ("fly" in w[0] and t.cast["h"].can == "fly")])
    t.place(), t.put(
        m=Thing(
            t.pick(["stone", "shell", "feather", "coin", "lamp", "ring", "bell"]),
            t.pick(["shiny", "golden", "silver", "glowing", "blue"]),
        ),
        wished=wished,
        happens=t.expand(happens),
        bad=t.expand(bad),
        lesson=lesson,
    )
    t.say("{day}, {h} went {p.to}.", t.scene())
    t.say(
        """There {h.he} found {m.a} {p.spot1}. When {h.he} picked it up, {m.the} began to [glow|hum|sing]. "I am [a magic
        {m}|full of magic]," it said. "I can give you two wishes. [Think well|Be careful|Take your time]." {h} did not
        [think for long|wait]. "{wished}!" {h.he} [said|cried]. [Puff!|Zing!|There was a flash of light.] And
        {happens}! At first, {h} [laughed|was very happy|danced around]. But [soon|then] {bad}. "[This is not what I
        wanted!|Oh no, what have I done?|This is no fun at all!]" said {h}."""
    )
    t.turn()
    t.say("""{h} [held {m.the} tight|looked at {m.the}|took {m.the} in both hands]. One wish was left. {h.He} could wish
        for [gold|toys|a castle]. But {h.he} knew what to do. "I wish that everything was as it was before," said {h}.
        [Puff!|Zing!|There was a flash of light.] Everything was [as before|like before|good again]. {m.the} was
        [quiet now|only a plain {m} now]. {h} [put it back {p.spot1}|put it in {h.his} pocket|carried it home and put
        it on a shelf]. Now {h.he} knew that {lesson}.""")


def moon(t):
    """A wish for the moon, and a way to have it."""
    t.elder(), t.friend()
    t.put(thing=t.pick(["bucket", "bowl", "tub", "pot"]))
    t.say(
        """[Every night|Each evening], {h} looked up at the moon. "[I want to hold the moon|I want to have the moon in my
        room|I want to touch the moon]," {h.he} said. {day}, {h.he} [climbed the highest hill|put a ladder on a
        box|jumped from the highest wall], but the moon was still far away. {f.intro} tried to help. {f} [threw a rope
        into the sky|held {h} up high|called the moon by its name]. [It did not work.|But the moon did not come down.]
        {h} was {sad}."""
    )
    t.turn()
    t.say(
        """"Come with me," said {e} [that night|in the evening]. {e.He} [filled a {thing} with water|showed {h} a {thing}
        full of water] and waited until the water was still. "Now look," {e.he} said. {h} looked into the {thing}.
        There was the moon, round and white, in the water! [{h.He} put a finger in, and the moon danced.|{h.He} put
        both hands around it.] "I have the moon!" {h} whispered. "[And everybody else still has it, too|You can share
        it with all the world|It is in every {thing} of the world]," said {e}. {h} called {f}, and [they looked at the
        moon together|they said good night to the moon] until it was time to go to bed."""
    )
