"""Voices of espeak-ng: those of the training corpus, and those reserved for the default recordings."""

from __future__ import annotations

ACCENTS = ("en-us", "en-gb", "en-us-nyc", "en-gb-scotland", "en-gb-x-gbclan", "en-029")

CORPUS_VARIANTS = (
    *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt"),
    *("klatt2", "klatt3", "klatt4", "klatt5", "Alex", "Andrea", "AnxiousAndy", "Denis", "Diogo"),
    *("Gene2", "Henrique", "Hugo", "Marco", "Mike", "Nguyen", "RicishayMax", "Storm", "Tweaky"),
    *("adam", "antonio", "aunty", "belinda", "boris", "croak", "ed", "edward", "edward2"),
    *("grandma", "grandpa", "iven", "iven2", "iven3", "iven4", "john", "max", "michel"),
    *("norbert", "pablo", "paul", "pedro", "quincy", "rob", "steph2", "steph3", "whisper"),
    *("whisperf",),
)
"""The program's variants less its duplicates (caleb and klatt6 are klatt, fast is none), its robots, and ten
left out by judgment while the corpus was made; the cost of each was not measured."""

HELD_OUT_VARIANTS = (
    *("Alicia", "Andy", "Annie", "Gene", "Mario", "Michael", "benjamin", "david", "linda"),
    *("miguel", "robert", "sandro", "steph", "victor"),
)
"""Voices that the corpus never uses; the default recordings use them."""
