# A hero enters; the plots that hero can live through leave, with the words that open and close an episode.
"""Every plot keeps one law: what is introduced is used, what helps is able to help, and the end answers the start."""

from plots_friends import boast, bridge, gift, new_friend, quarrel, race, rainy_picnic, rebuild, share, surprise
from plots_growing import broken, fear, moon, seed, skill, small_hero, trade, wish
from plots_lost import lost_and_found, lost_baby, lost_glasses, messy_room, noise, stuck

DAYS = (
    "[One day|One day|One day|One morning|One sunny day|One sunny morning|One afternoon|One windy day|One"
    " spring morning|One bright day]"
)
NEXT_DAYS = "[The next day|The next morning|A few days later|The week after that|Some days later|Later that week]"
ENDINGS = [
    "And that was a very good day.",
    "It was the best day ever.",
    "{h} smiled all the way home.",
    "That night, {h} slept [very well|like a stone|with a smile].",
    "And they all lived happily ever after.",
    "{h} never forgot that day.",
    "{h} was [very|so] happy.",
    "And {h} was [proud and happy|happy ever after].",
    "When {h} went to bed, {h.he} was still smiling.",
    "What a [happy|lovely|fine] day it was!",
]

SMALL = ("squeeze", "fly", "")  # who may be called the smallest of all: mice, birds, children


def fitting(hero):
    """The plots a hero can be put into."""
    return [plot for plot in PLOTS if plot is not small_hero or hero.can in SMALL]


PLOTS = [
    lost_and_found,
    stuck,
    broken,
    share,
    fear,
    lost_baby,
    gift,
    rainy_picnic,
    skill,
    noise,
    trade,
    race,
    seed,
    small_hero,
    surprise,
    wish,
    new_friend,
    messy_room,
    bridge,
    lost_glasses,
    rebuild,
    boast,
    moon,
    quarrel,
]
