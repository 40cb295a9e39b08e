# A teller with a hero enters each plot; a story with want, trouble and a good end leaves.
"""Plots of friends, of sharing and of work done together."""

from story_cast import Thing


def share(t):
    """The hero keeps a treat, sees a hungry friend, and finds that half is more."""
    t.food(), t.friend(), t.place(), t.elder()
    t.say(
        """{day}, {e} gave {h} {food.a}. "[Thank you|It looks so good|Yum], [{e}|thank you]!" said {h}. {h.He} took it
        {p.to} and sat down {p.spot1}.""",
        t.scene(),
        """[Soon|Then|After a while] {f.intro} came [by|along]. {f} [looked tired and hungry|had no food|had forgotten to
        bring lunch]. "[That looks good|Your {food} smells good]. [May I have some|Can I have a little|Will you share
        it with me]?" asked {f}. "No," said {h}. "It is [mine|all mine|only for me]." {f} [said nothing and walked
        away|looked down and went away|went and sat {p.spot2}, all alone].""",
    )
    t.turn()
    t.say("""{h} [took a bite|looked at {food.the}|wanted to eat]. But [it did not taste good any more|{h.he} was not
        happy|something felt wrong]. {h.He} [saw|thought of] {f}'s sad face. ["I was not kind," thought {h}.|"A friend
        is better than a full tummy," thought {h}.|"I would be sad too," thought {h}.] {h.He} [got up and ran to|went
        over to|called] {f}. "I am sorry," said {h}. "[Here is half for you|Let us share {food.the}|Please have half
        of it]." {f}'s eyes [lit up|grew big|were bright]. "Thank you, {h}!" They [sat side by side and ate|ate
        together in the sun|ate and talked and laughed]. Now {food.the} tasted [much better|very good|better than
        ever]. [The next time, {f} brought {food.a}, and {f.he} gave half of it to {h}.|After that, they always shared
        their food.|{h} learned that sharing makes everything sweeter.|"Sharing makes it taste better," said {h}.]""")


GIFTS = [
    # (gift, three things and who has them, how it is made)
    (
        "cake",
        [
            ("flour", "the miller"),
            ("eggs", "the hen"),
            ("honey", "the bees"),
            ("milk", "the cow"),
            ("berries", "the gardener"),
        ],
        "mixed everything in a bowl and baked it in the oven",
    ),
    (
        "kite",
        [("paper", "the teacher"), ("string", "the tailor"), ("long sticks", "the old tree"), ("glue", "the painter")],
        "tied and glued everything together",
    ),
    (
        "pot of soup",
        [("carrots", "the rabbit"), ("potatoes", "the farmer"), ("salt", "the cook"), ("beans", "the gardener")],
        "put everything in a pot and let it cook",
    ),
    (
        "birdhouse",
        [("wood", "the beaver"), ("nails", "the smith"), ("paint", "the painter"), ("straw", "the farmer")],
        "put everything together and painted a sun on it",
    ),
    (
        "warm pillow",
        [("cloth", "the tailor"), ("feathers", "the goose"), ("thread", "the spider"), ("wool", "the sheep")],
        "sewed everything together",
    ),
    (
        "crown of flowers",
        [
            ("daisies", "the gardener"),
            ("ribbon", "the tailor"),
            ("green leaves", "the old tree"),
            ("little bells", "the smith"),
        ],
        "wove everything together",
    ),
]


FAVORS = [
    "sweep the floor",
    "carry the basket",
    "water the plants",
    "find my glasses",
    "close the gate",
    "sing me a song",
    "fill the bucket",
    "pull out the weeds",
    "hold the ladder",
]


def gift(t):
    """Three things from three givers, one favor, one gift."""
    what, sources, made = t.pick([g for g in GIFTS if all(t.cast["h"].kind not in owner for _, owner in g[1])])
    t.friend()
    sources = [s for s in sources if t.cast["f"].kind not in s[1]]
    (a, A), (b, B), (c, C) = t.random.sample(sources, 3)
    t.put(gift=what, a=a, A=A, b=b, B=B, c=c, C=C, made=made, favor=t.pick(FAVORS))
    t.put(did=t.cast["favor"].replace("my", "the").replace("me ", ""))
    t.say("""{day}, {h} [remembered something|looked at the calendar|woke up early]. It was almost the birthday of
        {f.intro}. ["I will make a {gift} for {f}," {h.he} said.|{h} wanted to make a {gift} for {f}.|"A {gift} would
        be a nice present," {h.he} thought.] [For that|To make it], {h.he} needed {a}, {b} and {c}.""")
    t.turn()
    t.say("""First {h} went to {A}. "May I have some {a}?" {h.he} asked. "[Of course|Yes, take what you need|Here you
        are]," said {A}. Then {h} went to {B}. "May I have some {b}[, please|]?" And {B} [smiled and |]gave {h.him}
        the {b}. Last, {h} went to {C}. "You can have {c}," said {C}. "But first, please {favor}." So {h} helped to
        {did}, and {C} gave {h.him} the {c}.""")
    t.turn()
    t.say("""At home, {h} {made}. [It took all evening.|It was a lot of work.|{h.He} worked until it was dark.] [At
        last|Finally] the {gift} was [done|ready]. On the birthday, {h} gave the {gift} to {f}. "[Did you make this
        for me|Is this for me]?" asked {f}. "[It is the best {gift} in the world|It is beautiful|I love it]!" ["Many
        friends helped me," said {h}.|{h} told {f} about {A}, {B} and {C}.] [So they invited {A}, {B} and {C} to the
        party.|They thanked {A}, {B} and {C}, and everybody danced.|And all of them came to the party and sang for
        {f}.]""")


def rainy_picnic(t):
    """Rain spoils a plan, and an idea makes a better one."""
    t.friend(), t.food("x"), t.food("y"), t.place(among=["the meadow", "the beach", "the lake", "the park", "the hill"])
    t.put(
        shelter=t.pick(
            [
                "under the big table",
                "in the old barn",
                "in the kitchen",
                "under a tent made of blankets",
                "in the attic",
            ]
        )
    )
    t.say(
        """{day}, {h} and {f.intro} planned a picnic {p.at}. {h} packed {x.a}, and {f} brought {y.a}. But [just as they
        wanted to go|when they opened the door|on the way], [big gray clouds came|the sky turned gray]. Drip, drop,
        drip! It began to rain. "[Now we can not have our picnic|Our picnic is spoiled|Oh no, not today]," said {f}.
        {f.He} was {sad}."""
    )
    t.turn()
    t.say("""{h} looked at the [rain|basket|clouds] and thought. Then {h.he} had an idea. "[We can have our picnic
        inside|Let us make a picnic without the sun|Who says a picnic needs the sun]!" said {h}. They put [a blanket|a
        big cloth|pillows] {shelter}. They put {x.the} and {y.the} in the middle. [{f} drew a big yellow sun on
        paper.|{h} put a lamp there, and it was their sun.|They put flowers in a cup.] The rain [sang on the roof|went
        tap, tap, tap on the window], and they ate and [told stories|told jokes|sang songs]. "[This is more fun than
        outside|This is the best picnic ever|I like the rain now]!" said {f}. [When the rain stopped, there was a
        rainbow in the sky.|Later, they ran outside and jumped in all the puddles.|Then the sun came out, and they saw
        a rainbow.|When the rain stopped, they did not even notice.]""")


TROUBLES = {
    "beetle": "beetle that lay on its back",
    "bird": "bird with a thorn in its foot",
    "snail": "snail in the middle of the road",
    "butterfly": "butterfly in a spider web",
    "frog": "frog with its leg under a stone",
}


RESCUES = {
    "beetle": "{h.He} turned the beetle over with one finger.",
    "bird": "{h.He} pulled the thorn out very softly.",
    "snail": "{h.He} carried the snail to the soft grass.",
    "butterfly": "{h.He} freed the butterfly from the web, very softly.",
    "frog": "{h.He} rolled the stone away.",
}


def race(t):
    """A race in which stopping is the better win."""
    t.friend(), t.place(among=["the park", "the forest", "the meadow", "the hill", "the farm"])
    beast, prize = t.pick(list(RESCUES)), t.pick(["cake", "golden cup", "basket of plums", "ribbon", "pie"])
    t.put(
        beast=beast,
        x=t.expand(TROUBLES[beast]),
        prize=Thing(prize, t.pick(["big", "shiny", "lovely"])),
        goal=t.pick(["the old oak tree", "the red gate", "the bridge", "the big rock", "the windmill"]),
    )
    t.say(
        """{day}, there was a [big |]race {p.at}. {h} and {f.intro} both wanted to win. The prize was {prize.a}. "Run to
        {goal}!" [somebody called|called the old goat]. "One, two, three, go!" {h} ran [fast|like the wind|as fast as
        {h.he} could]. Soon {h} was in front. But [then|on the way] {h.he} saw a {x}. "Help!" said the {beast} in a
        small voice. {h} [looked at {goal}|looked back|slowed down]. [If {h.he} stopped, {h.he} would not win.|"If I
        stop, I will lose," thought {h}.] But the {beast} needed help. So {h} stopped."""
    )
    t.turn()
    t.say(
        RESCUES[t.cast["beast"]],
        """"Thank you," said the {beast}. When {h} came to {goal}, {f} was already there. {f} had won {prize.the}. "Why
        were you so slow?" asked {f}. "I had to help a {beast}," said {h}. {f} [was quiet|thought about it|looked at
        {prize.the}]. "Then you are the real winner," said {f}. ["Let us share {prize.the}."|{f} gave {prize.the} to
        {h}.|And {f} wanted to share {prize.the} with {h}.] [Everybody clapped for both of them.|The {beast} came too
        and clapped for {h}.|{h} did not win the race, but {h.he} won a heart.]""",
    )
    if prize == "golden cup":
        t.say("They drank lemonade out of it together.")
    elif prize == "ribbon":
        t.say("They hung it on a tree[ in the middle of the village|], so that everybody could see it.")


def surprise(t):
    """Everybody seems to have forgotten, and nobody has."""
    t.friend(), t.elder(), t.toy()
    t.say("""{day}, {h} woke up with a big smile. It was {h.his} birthday! {h.He} ran to {e}. "[Do you know what day it
        is|Is today a special day]?" {h.he} asked. "[It is washing day|It is a day like any other|Not now, I am
        busy]," said {e}. {h} went to {f.intro}. "Do you want to play?" {h.he} asked. "[Sorry, I have to go|I can not
        today|I have no time]," said {f}, and {f} hid something behind {f.his} back. [Nobody said happy
        birthday.|"They all forgot my birthday," thought {h}.] {h} walked around alone and felt {sad}.""")
    t.turn()
    t.say(
        """When the sun went down, {h} went home. The house was dark and quiet. {h.He} opened the door. ["Hello?" {h.he}
        said.|"Is anybody there?" {h.he} asked.] "Surprise!" The lights went on, and everybody [was there|jumped
        up|began to sing]. There were [balloons|flowers|paper stars] on the walls and a big cake on the table. "Happy
        birthday, {h}!" [they sang|they all shouted]. {f} gave {h.him} a box. Inside was {o.a}. "[That is what I hid
        behind my back|I had to hide it from you this morning]," said {f}. {h} [laughed and cried at the same
        time|hugged {f} tight|could not stop smiling]. "[I thought you forgot|I thought nobody remembered]," said {h}.
        "[We could never forget you,|How could we forget you?]" said {e}. They ate the cake, and then {h} showed them
        how to {o.use}."""
    )


def new_friend(t):
    """Two shy ones and one thing they both love."""
    t.put(f=t.being("f", friend=False)), t.toy(), t.place(
        among=["the park", "the garden", "the beach", "the meadow", "the playground", "the lake"]
    )
    t.say(
        """{day}, somebody new came [to live next door|to live nearby]. It was {f.a} named {f}. {h} wanted to say hello,
        but {h.he} was [shy|too shy]. ["What if {f.he} does not like me?" {h.he} thought.|{h.He} only looked from
        behind the curtain.] {f} was shy, too. {f.He} sat alone {p.at}, {p.spot1}, and [looked at the ground|said
        nothing|played with a stick]."""
    )
    t.turn()
    t.say("""Then {h} had an idea. {h.He} took {h.his} {o} and [went outside|went there, too], and began to {o.use}. {f}
        looked up. "[Oh, I have {o.a}, too|I love to {o.use}, too|I like your {o}]," said {f}[| softly]. "Do you want
        to [play with me|play|try]?" asked {h}. {f} [nodded|smiled for the first time|jumped up]. They [played all
        afternoon|laughed and played|played until dinner] and took turns to {o.use}. "I was [so |]afraid to say
        hello," said {h}. "[So was I|Me too|I was, too]," said {f}, and they both laughed. [From that day on, they
        were best friends.|After that, they met {p.at} every day.|Now {h} and {f} are never alone.|"Come again
        tomorrow!" said {h}. And {f} did.]""")


def bridge(t):
    """A stream between friends, and work that many hands can do."""
    t.friend(), t.being("g", can=["lift", "swim", "climb"], friend=False)
    tool = t.pick(["logs", "flat stones", "long branches"])
    t.put(
        tool=tool,
        work={
            "lift": f"lifted the heaviest {tool} as if they were straws",
            "swim": f"swam into the stream and pushed the {tool} into place",
            "climb": f"tied the {tool} together with strong vines from the trees",
        }[t.cast["g"].can],
    )
    t.say("""{h} and {f.intro} lived on two sides of a stream. Every day they met at the old bridge to play. But [one
        day|one morning|one afternoon], [a storm came and the bridge broke|after a lot of rain, the bridge was gone].
        "[I can not come to you!|How can we play now?|I miss you!]" called {h} over the water. "[The water is too
        fast|It is too wide to jump]," {f} called back. They were both {sad}. "Let us build a new bridge," called {h}.
        They [began to carry|brought] {tool}, but the {tool} were heavy, and [two were not enough|they were soon
        tired].""")
    t.turn()
    t.say(
        """A {g.kind} named {g} [came to drink|came along|heard them]. "What are you doing?" asked {g}. "We are building
        a bridge," said {h}. "[I use that way, too|Then I will help]," said {g}. "[Many hands make it light|Three are
        stronger than two]." {g} {work}, {h} pulled on one side, and {f} pulled on the other. [By noon|Before
        dinner|When the sun went down], the bridge was ready. It was [wide and strong|even better than the old one].
        {h} walked from one side and {f} from the other. In the middle they met and [hugged|danced|laughed]. "This is
        the bridge of three friends," said {h}. [And {g} was the first to be asked to play.|"Come and play with us,
        {g}!" said {f}.]"""
    )


def rebuild(t):
    """Something falls down, and the second one is better because more hands build it."""
    what, where, ruin, extra = t.pick(
        [
            (
                "sand castle",
                "on the beach",
                "a big wave came and washed it away",
                "a deep ditch around it for the water",
            ),
            ("snowman", "in the garden", "the warm sun came out and it melted", "a place in the shade"),
            ("tree house", "in the forest", "the wind blew it down", "strong ropes on every side"),
            ("tower of blocks", "in the hall", "the door opened and it fell down", "a wide wall at the bottom"),
            ("hut of branches", "in the meadow", "a cow leaned on it and it fell down", "a fence around it"),
        ]
    )
    t.friend(), t.put(c=what, cat=where, ruin=ruin, extra=extra)
    if what == "snowman":
        t.put(day=t.pick(["One winter day", "One cold day", "One snowy morning"]))
    t.say("""{day}, {h} built a {c} {cat}. {h.He} worked [all morning|for hours|very hard]. [It was big and
        beautiful.|{h.He} was very proud of it.] "[This is the best {c} in the world|Nobody has a {c} like this],"
        said {h}. {f.intro} came and asked, "May I help?" "No," said {h}. "[I can do it alone|It is only mine|You
        would spoil it]." So {f} [sat down and watched|only looked on]. [But then|Suddenly|Then], {ruin}! ["My {c}!"
        cried {h}.|{h} began to cry.|{h} could not believe it.] [All that work was gone.|Nothing was left.]""")
    t.turn()
    t.say("""{f} did not laugh. {f} [sat down next to {h}|put an arm around {h}]. "[We can build a new one|Let us try
        again|I will help you, if you like]," said {f}. {h} [dried {h.his} eyes|looked up]. "I am sorry that I said
        no," {h.he} said. "[Let us do it together|Please help me]." So they built it again. {h} [carried and
        pushed|worked on one side], and {f} [had a good idea|thought about it]. "We need {extra}," said {f}. They made
        that, too. The new {c} was [bigger and stronger than the first|twice as big|the finest of all], and this time
        it did not fall. "[Our {c} is better than my {c}|Two are better than one|It is ours]," said {h}[| with a big
        smile].""")


def boast(t):
    """The one who needs nobody gets stuck, and learns to say please."""
    t.friend(), t.being("g", friend=False), t.place(among=["the forest", "the farm", "the meadow", "the hill"])
    trap = t.pick(["deep mud", "a thorn bush", "a big hole", "an old net"])
    t.put(
        trap=trap,
        act={
            "deep mud": "held out a long branch",
            "a thorn bush": "bent the thorns away, one by one",
            "a big hole": "let down a long rope",
            "an old net": "untied the knots, one by one",
        }[trap],
    )
    t.say("""{h} liked to [boast|show off]. "I am the [strongest|fastest|cleverest] of all," {h.he} said [every day|to
        everybody]. "I never need help." {f.intro} [only smiled.|shook {f.his} head.|said, "Everybody needs help
        sometimes."] {day}, {h} went {p.to} alone. [{h.He} did not look where {h.he} was going|{h.He} was looking at
        {h.himself} in a puddle|{h.He} was singing a song about {h.himself}], and suddenly {h.he} fell into {trap}.
        {h.He} pulled and {h.he} pushed, but {h.he} was stuck. A {g.kind} named {g} came by. "Do you need help?" asked
        {g}. "No," said {h}. "I never need help." So {g} went on. [The sun went down.|It got cold.|It began to rain.]
        {h} was still stuck.""")
    t.turn()
    t.say(
        """At last, {h} called out, "Help! Please help me!" {f} heard it and came [running|at once]. {g} came back, too.
        {f} {act}, and {g} pulled. One, two, three, and {h} was free! {h} looked down. "[Thank you|I am sorry],"
        {h.he} said. "I said that I never need help. [That was silly|I was wrong]." "[Being strong means asking,
        too|It is all right|We all need help sometimes]," said {f}. [From that day on, {h} did not boast any more, and
        {h.he} was the first to help others.|After that, {h} said please and thank you, and had more friends than
        ever.|The next day, {h} helped {g} to carry wood, and they became friends.]"""
    )


def quarrel(t):
    """A quarrel, and a first word after it."""
    t.friend(), t.toy()
    t.say(
        """{h} and {f.intro} were best friends. But [one day|one morning|one afternoon], they both wanted to {o.use} at
        the same time. "I was first!" said {h}. "No, I was first!" said {f}. They [pulled and pulled|shouted and
        shouted], and [at last they both went home|then nobody wanted to play any more]. At home, {h} sat [on {h.his}
        bed|at the window]. {h.He} had {o.the}, but [it was no fun alone|it was not the same]. {h.He} missed {f}.
        ["Maybe {f} misses me, too," {h.he} thought.|"A {o} can not laugh with me," {h.he} thought.]"""
    )
    t.turn()
    t.say(
        """So {h} [took a pencil and wrote a letter|drew a picture of two friends]. "I am sorry. Please come and play,"
        {h.he} wrote. {h.He} [ran to {f}'s house and put it under the door|wanted to bring it to {f}]. But [on the
        way|in the middle of the road] {h.he} met {f}. {f} had a letter, too! They [traded letters|read them right
        there] and began to laugh, because both letters said the same thing. "You can be first," said {h}. "No, you
        can be first," said {f}. [So they did it together.|In the end, they counted to three and began together.] [A
        friend is worth more than being first.|They never fought about {o.the} again.|And {o.the} was much more fun
        with two.]"""
    )
