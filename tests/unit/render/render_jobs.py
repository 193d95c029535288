# SPDX-License-Identifier: MIT
"""Jobs for the tests of text and subtitles, and the program that renders them."""

import json
import os
import re
import subprocess

TOOL = os.environ.get("GLADIAFS_RENDER_TOOL")
SHORT = "GLADIAFS_TEST_SHORT" in os.environ

LATIN = "so then we went home because of rain Zoë’s café 1989, and the 3.5 km; well — yes! No? Oh…"
WORDS = {
    "en": LATIN.split(),
    "long": ["Donaudampfschifffahrtsgesellschaftskapitänsmützenband", "der", "die", "x" * 90 + "."],
    "ja": ["石魚", "森", "川水", "オモ", "キネエム。", "ハハハ", "、", "ひさ", "「えほ」", "Ａ", "の?"],
    "ko": ["우리는", "집에", "갔다.", "비가", "와서,", "그래"],
    "th": ["กว่าจะถึงที่นั่นก็มืดแล้ว", "เราจึงกลับบ้าน", "น้ำ"],
    "ar": ["مرحبا،", "أنا", "بخير.", "وأنت؟", "كِتَابٌ"],
    "he": ["להנב,", "גר", "דמשבק", "זבגס?", "שָׁלוֹם"],
    "hi": ["नमस्ते", "क्या", "हाल", "है।", "किताब"],
    "emoji": ["👍🏽", "👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "❤️", "e\u0301\u0323", "z" + "\u0301" * 12, "🎙🎙🎙", "ok"],
    "hostile": ["-->", "<i>", "</b>", "&amp;", "&", "1", "-", "00:00:01,000", "WEBVTT", "NOTE", "\u2068"],
}
# Scripts in which only a space separates words.
SPACED = ("en", "ko", "ar", "he", "hi")
TIMES = [0, 1, 0.5, 1.4904600000000001, 59.9999, 3599.9995, -1, -0.2, 1e9, 359999.5, 359999.9991, float("1e308"), None, "7", True, [], {}]
BLANKS = re.compile("[\0-\x20\x7f-\x9f\u2028\u2029]+")


def run_tool(job, *args):
    done = subprocess.run([TOOL, *args], input=json.dumps(job).encode(), timeout=60,
                          capture_output=True, check=True)
    return done.stdout.decode(), done.stderr.decode()


def render(job, name, translation=0):
    return run_tool(job, name, str(translation))[0]


def job_of(utterances, **members):
    return {"result": {"transcription": {"utterances": utterances, **members}}}


def utterances_of(job):
    return job["result"]["transcription"]["utterances"]


def say(words, start, rate=0.06, gap=0.05, spaced=True, **members):
    """Returns an utterance whose words are spoken one after the other, as the API writes it."""
    timed = []
    for index, word in enumerate(words):
        end = start + max(0.08, rate * len(word))
        timed.append({"word": (" " if spaced and index else "") + word,
                      "start": round(start, 3), "end": round(end, 3), "confidence": 0.9})
        start = end + gap
    return {"text": (" " if spaced else "").join(words), "start": timed[0]["start"],
            "end": timed[-1]["end"], "channel": 0, "words": timed, **members}


def conversation(rng, language=None):
    """Returns a job as the API makes it: its times are right."""
    language = language or rng.choice(list(WORDS))
    speakers = rng.choice([0, 1, 2, 3])
    start = rng.choice([0, 0.14, 0.25004, 3599])
    utterances = []
    for _ in range(rng.randint(1, 30)):
        words = [rng.choice(WORDS[language]) for _ in range(rng.choice([1, 1, 2, 5, 12, 60]))]
        members = {"speaker": rng.randrange(speakers)} if speakers else {}
        one = say(words, start, rng.choice([0.03, 0.06, 0.12]), rng.choice([0, 0.05, 0.4]),
                  language != "ja", language=language, **members)
        utterances.append(one)
        start = one["end"] + rng.choice([0, 0.02, 0.3, 0.49, 0.51, 2, 30])
    return job_of(utterances)


def two_channels(rng):
    """Returns a job in which two people talk at once."""
    utterances = []
    for channel in range(2):
        start = rng.random()
        for _ in range(rng.randint(1, 12)):
            words = [rng.choice(WORDS["en"]) for _ in range(rng.choice([1, 3, 12, 30]))]
            one = say(words, start, channel=channel)
            utterances.append({**one, "channel": channel})
            start = one["end"] + rng.choice([0, 0.2, 1, 3])
    return job_of(utterances)


def any_time(rng):
    return rng.choice(TIMES) if rng.random() < 0.3 else rng.randint(-500, 60000) / 1000


def hostile_words(rng, words):
    words = words or ["a"]
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice([None, [], {}, "x", [None], [{}], [[]], [{"word": ""}]])
    if kind == 1:
        return [{"word": " " + word, "start": any_time(rng), "end": any_time(rng)} for word in words]
    if kind == 2:
        return [{"word": "", "start": 1, "end": 2}, {"word": " ", "start": -4}, 7] + say(words, 1)["words"]
    if kind == 3:
        return say(words, rng.random() * 50)["words"]
    if kind == 4:
        return [{"word": word, "start": 0, "end": 0} for word in words]
    return say(words[:1], 2)["words"]


def hostile(rng):
    """Returns a job with times and words that make no sense."""
    utterances = []
    for _ in range(rng.randint(0, 25)):
        words = [rng.choice(WORDS[rng.choice(list(WORDS))])
                 for _ in range(rng.choice([0, 1, 2, 5, 40]))]
        one = {"text": rng.choice([" ", "\n", ""]).join(words) if rng.random() < 0.2 else " ".join(words),
               "start": any_time(rng), "end": any_time(rng), "words": hostile_words(rng, words)}
        for name in ("speaker", "channel"):
            if rng.random() < 0.5:
                one[name] = rng.choice([0, 1, 17, -1, None, "Zoë", "x-->y"])
        for name in ("start", "end", "words", "text"):
            if rng.random() < 0.05:
                del one[name]
        utterances.append(one)
    return job_of(utterances)


def as_line(text):
    """Returns a text as a single line."""
    return " ".join(BLANKS.split(text.replace("\ud800", "\ufffd"))).strip()


def said(job):
    """Returns the visible characters of all utterances, sorted: cues may be in another order."""
    texts = [one.get("text") for one in utterances_of(job) if isinstance(one, dict)]
    return visible("".join(as_line(text) for text in texts if isinstance(text, str)))


def visible(text):
    return sorted("".join(text.split()))
