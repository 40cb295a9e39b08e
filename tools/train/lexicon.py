# Nothing enters; the words of the little world leave: who lives there, what they own, eat and love, and where.

GIRLS = (
    """Mia Lily Anna Rosa Emma Zoe Nora Ruby Ivy Clara Ella Lucy Maya Nina Daisy Hazel Olive Poppy Sara Tilly Wren Amy
Bella Cora Dora Eva Fern Gwen Holly Iris Jane June Kate Lola Mona Nell Opal Pia Rita Sue Tess Una Vera Willa Ada Betty
Dot Greta Heidi Inga Jill Lena Molly Penny Sunny Suki Tara Yara Zara""".split()
)
BOYS = """Tom Ben Sam Max Leo Finn Oscar Hugo Jack Theo Otto Milo Noah Paul Ravi Tim Will Adam Bruno Carl Dan Eli Fred
George Henry Ian Jake Kai Luke Marco Nico Owen Pete Quinn Rex Sid Toby Vic Walt Alfie Bob Charlie Dex Emil Frank Gus
Hans Ivan Joe Karl Lars Moe Ned Omar Pip Rudy Stan Tadeo Ugo Zack""".split()
# Some names are made from syllables, so that the model learns to copy any name it meets and not only the ones it knows.
STARTS = """Ba Be Bo Da Do Fi Fa Ga Go Ka Ki Ko La Li Lu Ma Mi Mo Na No Pa Pi Po Ra Ri Ro Sa Si So Ta Ti To Va Vi Wi Za
Zi Zo Bri Flo Gri Plu Tri""".split()
MIDDLES = "ba bi da di ga ki la li lo ma mi na no pa pi ra ri ro sa ta ti va zi".split()
ENDS = {"she": "la na lla ra ssa nia bel lie mi tta".split(), "he": "bo do lo n x rt ck mo rin ton zo ff".split()}

SIZES = "little little little small small tiny young".split()
TRAITS = (
    "kind brave curious cheerful clever gentle playful silly quiet busy friendly merry polite shy happy lively".split()
)

# kind: (what it can do, the family its home belongs to, its coat)
KINDS = {
    "fox": ("dig", "burrow", "red"),
    "rabbit": ("dig", "burrow", "white"),
    "mole": ("dig", "burrow", "black"),
    "badger": ("dig", "burrow", "gray"),
    "mouse": ("squeeze", "burrow", "gray"),
    "hedgehog": ("squeeze", "burrow", "brown"),
    "bear": ("lift", "cave", "brown"),
    "wolf": ("dig", "cave", "gray"),
    "elephant": ("lift", "cave", "gray"),
    "horse": ("lift", "farm", "brown"),
    "ox": ("lift", "farm", "black"),
    "pig": ("dig", "farm", "pink"),
    "goat": ("climb", "farm", "white"),
    "cat": ("climb", "farm", "orange"),
    "kitten": ("climb", "farm", "gray"),
    "puppy": ("dig", "farm", "yellow"),
    "dog": ("dig", "farm", "brown"),
    "lamb": ("jump", "farm", "white"),
    "squirrel": ("climb", "tree", "red"),
    "monkey": ("climb", "tree", "brown"),
    "raccoon": ("climb", "tree", "gray"),
    "owl": ("fly", "tree", "white"),
    "crow": ("fly", "tree", "black"),
    "robin": ("fly", "tree", "brown"),
    "bird": ("fly", "tree", "blue"),
    "parrot": ("fly", "tree", "green"),
    "duck": ("swim", "water", "yellow"),
    "frog": ("swim", "water", "green"),
    "otter": ("swim", "water", "brown"),
    "beaver": ("swim", "water", "brown"),
    "turtle": ("swim", "water", "green"),
    "giraffe": ("reach", "cave", "yellow"),
}
HOMES = {
    "burrow": [
        "in a [snug|cozy|warm] burrow under [a hill|an old oak tree|the roots of a tree]",
        "in a hole at the edge of the meadow",
    ],
    "cave": ["in a [warm|quiet|cozy] cave near the forest", "at the edge of a [green|deep] forest"],
    "farm": ["on a [small|sunny|busy] farm", "in a red barn on a farm", "in a barn at the end of the road"],
    "tree": ["in a [tall|hollow|old] tree", "high up in an oak tree in the forest"],
    "water": ["near a [quiet|blue|cool] pond", "by the river", "in the reeds beside a lake"],
    "child": [
        "in a [small|little|yellow|white|cozy] house [near the forest|by the sea|on a hill|at the end of the road]",
        "in a [small|quiet|busy] village",
        "in a [big|noisy] town",
        "on a farm near the river",
    ],
}
LOVES = [
    "to sing",
    "to run [in the grass|up and down the hill]",
    "to draw pictures",
    "to look at the stars",
    "to jump in puddles",
    "to pick flowers",
    "to tell jokes",
    "to play outside",
    "to help others",
    "to count the clouds",
    "to dance",
    "to read books",
    "to ask questions",
    "to explore",
    "to play hide and seek",
    "to make new friends",
    "to build things",
    "to listen to stories",
]

COLORS = "red blue green yellow orange purple pink white".split()
# noun: (adjectives beside the colors, what one does with it)
TOYS = {
    "ball": (["bouncy", "round", "new"], "kick {it} up and down the path"),
    "kite": (["big", "new", "bright"], "fly {it} in the wind"),
    "doll": (["pretty", "soft", "old"], "sing to {it}"),
    "boat": (["wooden", "little", "new"], "sail {it} in the big puddle"),
    "drum": (["loud", "round", "little"], "play a song on {it}"),
    "car": (["fast", "shiny", "little"], "race {it} along the floor"),
    "teddy bear": (["soft", "fluffy", "old"], "hug {it}"),
    "hat": (["soft", "warm", "funny"], "throw {it} into the air"),
    "scarf": (["soft", "warm", "long"], "dance with {it} in the wind"),
    "book": (["big", "thick", "old"], "look at all the pictures in {it}"),
    "train": (["wooden", "shiny", "long"], "push {it} around the room"),
    "robot": (["shiny", "funny", "little"], "make {it} walk and beep"),
    "bell": (["shiny", "golden", "little"], "ring {it} and listen"),
    "blanket": (["soft", "warm", "fluffy"], "make a tent out of {it}"),
    "whistle": (["shiny", "silver", "little"], "blow {it} like a bird"),
    "umbrella": (["big", "bright", "new"], "twirl {it} like a wheel"),
    "bucket": (["shiny", "big", "little"], "fill {it} with sand"),
    "truck": (["big", "shiny", "strong"], "load {it} with stones"),
    "shell": (["shiny", "smooth", "pretty"], "listen to the sea in {it}"),
    "marble": (["shiny", "round", "glass"], "roll {it} in the sun"),
    "puppet": (["funny", "soft", "wooden"], "make {it} talk"),
    "balloon": (["big", "round", "shiny"], "run around with {it}"),
}
FOODS = [
    "apple",
    "pear",
    "sandwich",
    "cookie",
    "bun",
    "pie",
    "carrot",
    "banana",
    "muffin",
    "pancake",
    "piece of bread",
    "piece of cheese",
    "slice of cake",
    "bag of nuts",
    "bowl of berries",
    "jar of honey",
    "plum",
    "peach",
]
FOOD_ADJ = ["big", "sweet", "fresh", "tasty", "warm", "yummy", "small", "good"]

# name: (preposition, five spots a thing or a creature can be at)
PLACES = {
    "the park": (
        "in",
        ["under the bench", "behind the big tree", "by the swings", "near the fountain", "beside the gate"],
    ),
    "the forest": (
        "in",
        ["under a bush", "behind a log", "in the tall grass", "beside the stream", "next to a mossy rock"],
    ),
    "the garden": (
        "in",
        ["under the roses", "behind the shed", "by the fence", "near the well", "between the cabbages"],
    ),
    "the beach": (
        "on",
        ["under a towel", "behind a big rock", "near the water", "beside an old boat", "on top of the sand hill"],
    ),
    "the meadow": (
        "in",
        ["under a bush", "behind the old wall", "in the long grass", "by the little bridge", "among the daisies"],
    ),
    "the farm": ("on", ["under the cart", "behind the barn", "in the hay", "by the gate", "near the hen house"]),
    "the hill": (
        "on",
        ["under a pine tree", "behind a gray stone", "on the soft moss", "near the top", "beside the path"],
    ),
    "the market": (
        "at",
        ["under a table", "behind the fish stand", "by the bread stand", "near the clock", "next to the fruit cart"],
    ),
    "the lake": (
        "at",
        ["under a willow tree", "behind the boat house", "in the reeds", "on the wooden dock", "beside a flat rock"],
    ),
    "the playground": (
        "at",
        ["under the slide", "behind the swings", "in the sandbox", "by the fence", "near the big wheel"],
    ),
}

SCENES = [
    "The sun was [warm|bright|high in the sky].",
    "The birds were singing.",
    "The air smelled of [flowers|fresh grass|rain and leaves].",
    "A soft wind [blew|played in the leaves].",
    "White clouds [sailed|moved] across the sky.",
    "A [yellow|blue|white] butterfly flew by.",
    "It was [quiet|warm|cool and quiet] there.",
    "A bee hummed [somewhere|in the flowers].",
    "Far away, a bell rang.",
    "The grass was still wet.",
    "The sky was as blue as [a plum|the sea|a robin's egg].",
    "Somewhere a dog barked.",
]
