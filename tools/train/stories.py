# A seed enters; one little English story leaves, always the same for the same seed.
#   python stories.py [first seed] [count]     prints stories
import sys

import plots
from story_cast import Teller


def story(seed):
    t = Teller(seed)
    t.opening()
    # A fifth of the stories has two episodes, which fills the longer half of the context.
    episodes = t.random.sample(plots.fitting(t.cast["h"]), 2 if t.random.random() < 0.2 else 1)
    for number, plot in enumerate(episodes):
        if number:
            t.next_episode()
        t.put(day=t.expand(plots.NEXT_DAYS if number else plots.DAYS))
        plot(t)
    if t.random.random() < 0.45:
        t.say(t.pick(plots.ENDINGS))
    return t.text()


if __name__ == "__main__":
    first, count = (int(a) for a in (sys.argv[1:] + ["0", "5"][len(sys.argv) - 1 :])[:2])
    for seed in range(first, first + count):
        print(story(seed), end="\n\n")
