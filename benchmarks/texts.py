"""Measures of texts on texts that people have rated or coded, beside peers.

    python benchmarks/texts.py                             (all of it, without a network or a model)
    python benchmarks/texts.py --sentiment MODEL --toxicity MODEL

Scoring rule. Data: what comes with VADER (tweets, snippets of film and product reviews and of editorials, each with the
mean of 20 raters' sentiment from -4 to 4). Sentiment: Pearson's r with that mean, and how much of the sign is right
where the mean is beyond 1. Swear words: a tweet counts as coarse if there is a swear word, an obscenity or a slur in
it, however meant ("sucks", "stupid" and "god" are none); mild if there is only damn, crap, piss, bloody, bastard.
Coded by a language model, which read each once, not by people, and nobody measured how far people agree with it: so
the figures order finders of words, and are no accuracy. It read the 500 of 4,200 tweets in which any of three lists
(LDNOOBW, Surge AI, cuss) or a pattern of masked spellings finds something; the rest counts as not coarse, so recall is
an upper bound, above all for `profanity`, whose English list is one of the three. A tweet is found if the count is 1
or more. The other sets nobody coded: the share of texts with a hit, and the commonest hits, show what is
over-reported.

Peers, where they are installed: better-profanity (a list, with substituted letters), alt-profanity-check (a linear
classifier of words, trained on 180,000 comments; from .5 on).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fetch

from studium.errors import StudiumError
from studium.measure.profanity import Profanity
from studium.measure.sentiment import Sentiment
from studium.measure.text_presets import SentimentMultilingual, Toxicity

SETS = ("tweets", "movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets")
STRONG = """
    22 30 42 55 60 68 74 77 79 108 115 134 135 139 157 178 179 186 190 208 213 231 237 240 243 247 249 261 270 285
    299 301 311 361 454 459 484 486 528 557 594 636 642 703 744 811 820 922 924 938 1028 1044 1047 1055 1057 1153
    1173 1228 1293 1323 1357 1387 1402 1514 1525 1590 1601 1646 1727 1769 1933 1940 1997 1998 2002 2051 2129 2169
    2172 2204 2215 2216 2217 2218 2219 2220 2251 2281 2364 2368 2387 2443 2444 2446 2454 2466 2477 2489 2545 2573
    2582 2594 2620 2627 2657 2661 2755 2794 2801 2804 2807 2819 2854 2868 2876 2915 2957 3004 3123 3165 3193 3200
    3201 3202 3203 3204 3205 3221 3224 3237 3280 3339 3372 3383 3411 3523 3535 3573 3583 3586 3625 3626 3638 3639
    3695 3727 3751 3770 3771 3775 3776 3777 3781 3784 3803 3807 3837 3850 3918 3919 3930 3969 3977 4018 4042 4046
    4089 4105 4148 4156 4194
"""
MILD = """
    7 14 20 28 82 114 166 174 203 214 225 246 251 260 273 319 352 383 494 509 589 608 740 752 758 768 803 862 894
    1255 1262 1280 1290 1371 1374 1421 1441 1442 1443 1444 1445 1604 1630 1683 1705 1767 1782 1818 1819 1820 1821
    1822 1823 1824 1825 1826 1827 1861 1862 1863 1864 1865 1866 1898 1906 1918 1920 1923 2037 2042 2097 2182 2257
    2298 2383 2439 2557 2629 2694 2774 2828 2832 2905 2913 2963 2966 3002 3051 3079 3080 3096 3170 3207 3208 3209
    3210 3211 3212 3455 3473 3489 3541 3562 3581 3582 3808 4070 4078 4158
"""
"""Numbers of the tweets, as their file has them."""

Finder = Callable[[Sequence[str]], list[bool]]


def rated(name: str) -> tuple[list[int], list[float], list[str]]:
    """Numbers, mean ratings and texts of a set."""
    lines = (fetch.rated() / f"{name}_GroundTruth.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 2) for line in lines if line.count("\t") >= 2]
    return [int(row[0].split("_")[0]) for row in rows], [float(row[1]) for row in rows], [row[2] for row in rows]


def ours(*languages: str) -> Finder:
    return lambda texts: [bool(count) for count in Profanity(languages)(texts)["profanity_count"]]


def peers() -> dict[str, Finder]:
    found: dict[str, Finder] = {}
    try:
        from better_profanity import profanity

        found["better-profanity"] = lambda texts: [profanity.contains_profanity(text) for text in texts]
    except ImportError:
        print("better-profanity is not installed")
    try:
        from profanity_check import predict_prob

        found["alt-profanity-check"] = lambda texts: [probability >= 0.5 for probability in predict_prob(list(texts))]
    except ImportError:
        print("alt-profanity-check is not installed")
    return found


def coarse(found: Sequence[bool], numbers: Sequence[int]) -> str:
    strong, mild = ({int(number) for number in block.split()} for block in (STRONG, MILD))
    hit = {number for number, said in zip(numbers, found, strict=True) if said}
    precision = len(hit & (strong | mild)) / len(hit)
    recall = len(hit & strong) / len(strong), len(hit & mild) / len(mild)
    return f"{precision:9.2f} {recall[0]:15.2f} {recall[1]:13.2f} {len(hit):7}"


def swearing(toxicity: str) -> None:
    numbers, _, tweets = rated("tweets")
    finders = {"profanity, en": ours("en"), "profanity, auto": ours(), **peers()}
    if toxicity:
        finders["toxicity from .5"] = lambda texts: [p >= 0.5 for p in Toxicity(toxicity)(texts)["toxicity"]]
    print(f"\n{'coarse tweets':24} precision  recall: strong          mild    hits")
    for name, find in finders.items():
        print(f"{name:24} {coarse(find(tweets), numbers)}")
    lists = Profanity()(tweets)["profanity_lists"]
    print(f"profanity, auto: of {len(tweets)} tweets {lists.count('[]')} are in no language that it knows a list for, "
          f"{lists.count(json.dumps(['en']))} are read as English")  # fmt: skip
    print(f"\n{'over-reported':24} texts  with a hit  commonest hits of profanity, en")
    for name in SETS[1:]:
        said = [json.loads(words) for words in Profanity(("en",))(rated(name)[2])["profanity_words"]]
        common = Counter(word for words in said for word in words).most_common(6)
        listed = ", ".join(f"{word} {count}" for word, count in common)
        print(f"{name:24} {len(said):5} {np.mean([bool(words) for words in said]):11.3f}  {listed}")


def sentiment(model: str) -> None:
    measures = {"sentiment (VADER)": (Sentiment(), "sentiment")}
    if model:
        measures["sentiment_multilingual"] = (SentimentMultilingual(model), "sentiment_multilingual")
    print(f"\n{'sentiment':24} {'set':24} texts      r  sign")
    for name in SETS:
        _, means, texts = rated(name)
        mean = np.array(means)
        clear = np.abs(mean) > 1
        for label, (measure, column) in measures.items():
            found = np.array(measure(texts)[column])
            sign = np.mean(np.sign(found[clear]) == np.sign(mean[clear]))
            print(f"{label:24} {name:24} {len(texts):5} {np.corrcoef(found, mean)[0, 1]:6.2f} {sign:5.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentiment", default="", help="a checkpoint for sentiment_multilingual")
    parser.add_argument("--toxicity", default="", help="a checkpoint for toxicity")
    asked = parser.parse_args()
    sentiment(asked.sentiment)
    swearing(asked.toxicity)


if __name__ == "__main__":
    try:
        main()
    except StudiumError as error:
        sys.exit(str(error))
