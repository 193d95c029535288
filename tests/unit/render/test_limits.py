#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SEMANTICS 8.3: subtitles that we cut are readable.

Thousands of generated jobs are rendered by render_tool (the path in GLADIAFS_RENDER_TOOL), parsed
by pysrt and webvtt-py, and compared with the limits: lines, columns, durations, reading speed."""

import random
import re
import unicodedata
from html import unescape

import pysrt
import pytest
import webvtt
from render_jobs import (SHORT, SPACED, WORDS, conversation, hostile, job_of, render, run_tool, said, say,
                         two_channels, utterances_of, visible)

ROUNDS = 4 if SHORT else 25
JOBS = 10  # of a round
COLUMNS = 42
SHORTEST, LONGEST = 833, 7000  # milliseconds
SPEED = 20  # characters a second
ISOLATES = re.compile("[\u2068\u2069]")


def columns(line):
    """The columns of a line on a terminal, in which emoji are wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF"
               else c == "\ufe0f" or unicodedata.category(c) not in ("Mn", "Me", "Cf") for c in line)


def continues(text):
    """True if a text begins in the middle of what people see as one character."""
    return text and (unicodedata.category(text[0]) in ("Mn", "Me") or text[0] in "\u200d\ufe0f"
                     or "\U0001f3fb" <= text[0] <= "\U0001f3ff")


def milliseconds(text):
    hours, minutes, seconds = text.split(":")
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)


def read_srt(text):
    cues = pysrt.from_string(text, error_handling=pysrt.ERROR_RAISE) if text else []
    return [(cue.start.ordinal, cue.end.ordinal, cue.text) for cue in cues]


def read_vtt(path):
    return [(milliseconds(cue.start), milliseconds(cue.end), unescape(cue.text))
            for cue in webvtt.read(path)]


def check_cue(begin, end, text, following):
    """Compares a cue with the limits. `following` is the beginning of the next one."""
    lines = text.split("\n")
    assert 1 <= len(lines) <= 2
    for line in lines:
        assert line == line.strip() and line
        # Only what cannot be divided is longer.
        assert columns(ISOLATES.sub("", line)) <= COLUMNS
        assert not continues(line) and not line.endswith("\u200d")
    assert begin < end <= following
    assert end - begin <= LONGEST
    if end < following:
        assert end - begin >= SHORTEST
        assert len(text) <= SPEED * (end - begin) / 1000


def check(job, tmp_path):
    """Checks the subtitles of a job. Returns their cues."""
    cues = read_srt(render(job, "srt"))
    begins = [begin for begin, _, _ in cues[1:]] + [359999999]
    for (begin, end, text), following in zip(cues, begins):
        check_cue(begin, end, text, following)
    path = tmp_path / "job.vtt"
    path.write_text(render(job, "vtt"), encoding="utf-8", newline="")
    shown = read_vtt(path)
    assert [cue[:2] for cue in shown] == [cue[:2] for cue in cues]
    for (_, _, one), (_, _, other) in zip(shown, cues):
        assert ISOLATES.sub("", one) == ISOLATES.sub("", other)
    return cues


def without_marks(characters):
    return [c for c in characters if c not in "-\u2068\u2069"]


def no_dashes(cues):
    return [re.sub("^- ", "", ISOLATES.sub("", text), flags=re.M) for _, _, text in cues]


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("make", [conversation, two_channels, hostile])
def test_limits(make, seed, tmp_path):
    """SEMANTICS 8.3.1"""
    for number in range(JOBS):
        job = make(random.Random(f"{make.__name__} {seed} {number}"))
        cues = check(job, tmp_path)
        if make is not hostile:
            # Nothing is lost.
            shown = visible("".join(text for _, _, text in cues))
            assert without_marks(shown) == without_marks(said(job))


@pytest.mark.parametrize("make", [conversation, two_channels, hostile])
def test_formats_made_together(make):
    """All formats that are made at once have the same bytes as each of them made alone."""
    for seed in range(ROUNDS):
        job = make(random.Random(f"{make.__name__} {seed}"))
        alone = {name: render(job, name) for name in ("srt", "vtt", "txt")}
        for names in (("srt", "vtt"), ("vtt", "txt", "srt")):
            assert render(job, ",".join(names)) == "".join(alone[name] for name in names)


@pytest.mark.parametrize("language", SPACED)
def test_words_are_not_divided(language, tmp_path):
    """In a script with spaces, lines and cues end at a space."""
    for seed in range(5):
        job = conversation(random.Random(seed), language)
        wanted = " ".join(one["text"] for one in utterances_of(job)).split()
        cues = check(job, tmp_path)
        assert " ".join(no_dashes(cues)).split() == wanted


@pytest.mark.parametrize("language", list(WORDS))
def test_times_of_words(language, tmp_path):
    """A cue begins when its first word is spoken."""
    for seed in range(5):
        rng = random.Random(seed)
        words = [rng.choice(WORDS[language]) for _ in range(80)]
        one = say(words, 0.5, 0.1, 0.12)
        starts = [round(1000 * word["start"]) for word in one["words"]]
        cues = check(job_of([one]), tmp_path)
        at = 0
        for begin, _, text in cues:
            if at in (position for position, _ in positions(words)):
                index = dict(positions(words))[at]
                assert abs(begin - starts[index]) <= 1
            at += len("".join(text.replace("-- >", "-->").split()))


def positions(words):
    """Yields the number of characters before each word, and its index."""
    at = 0
    for index, word in enumerate(words):
        yield at, index
        at += len("".join(word.split()))


def test_long_utterance(tmp_path):
    """One utterance of 36 seconds becomes many cues, which end where sentences do."""
    sentence = "They flew for six years. After that the probe arrived, late but whole. ".split()
    cues = check(job_of([say(sentence * 6, 0.14, 0.06, 0.05)]), tmp_path)
    assert len(cues) >= 6
    assert all(text.endswith(".") for _, _, text in cues)


@pytest.mark.parametrize("piece, times", [("It was late, so we slept. ", 4000), ("漢字です。", 9000),
                                          ("é", 70000)], ids=["spaces", "wordless", "one word"])
def test_very_long_utterance(piece, times, tmp_path):
    """A text that is divided in several parts keeps its limits, and nothing is lost."""
    text = piece * times
    job = job_of([{"text": text, "start": 1, "end": 1 + len(text) / 12}])
    cues = check(job, tmp_path)
    assert "".join("".join(shown for _, _, shown in cues).split()) == "".join(text.split())
    assert cues[-1][1] >= 1000 * len(text) / 12


def test_limits_come_before_sentences(tmp_path):
    """SEMANTICS 8.3.1: a sentence too short to be read is shown with what follows it."""
    text = "Technically, yes. One of them asked for a refund, the others have started to meet for tea."
    cues = check(job_of([say(text.split(), 1, 0.04, 0.09)]), tmp_path)
    assert all(end - begin >= SHORTEST for begin, end, _ in cues)
    assert cues[0][2].replace("\n", " ") == "Technically, yes. One of them asked for a refund,"


def test_short_utterances_are_joined(tmp_path):
    """SEMANTICS 8.3.2: Fragments of one speaker are joined if the gap is under half a second."""
    def fragments(gap):
        first = say(["On", "October", "18,"], 1, speaker=0)
        second = say(["1989,"], first["end"] + gap, speaker=0)
        third = say(["it", "flew."], second["end"] + gap, speaker=0)
        return [text for _, _, text in check(job_of([first, second, third]), tmp_path)]
    assert fragments(0.49) == ["On October 18, 1989, it flew."]
    assert fragments(0.51) == ["On October 18,", "1989,", "it flew."]


def test_a_short_cue_is_held(tmp_path):
    """SEMANTICS 8.3.4"""
    def spoken(following):
        first = {"text": "Yes.", "start": 1, "end": 1.12, "speaker": 0}
        return check(job_of([first, {"text": "A long answer without an end, which fills more than "
                                     "one line of text.", "start": following,
                                     "end": following + 4, "speaker": 1}]), tmp_path)
    assert spoken(1.5)[0][:2] == (1000, 1500)
    assert spoken(9)[0][:2] == (1000, 1834)


def test_two_voices_at_once(tmp_path):
    """SEMANTICS 8.3.5: what two people say at once is one cue with dashes, or the first is cut."""
    def both(one, other):
        return check(job_of([
            {"text": one, "start": 1, "end": 4, "channel": 0, "speaker": 0},
            {"text": other, "start": 2, "end": 2.5, "channel": 1, "speaker": 1}]), tmp_path)
    question, answer = "Are you there, or is there nobody who can hear me?", "Yes, of course I am there!"
    assert both("Are you there?", "Yes.") == [(1000, 4000, "- Are you there?\n- Yes.")]
    # An interruption divides a cue of two lines. It is not shown before it is spoken.
    assert both(question, "Yes.") == [(1000, 2000, "Are you there, or"),
                                      (2000, 4250, "- Yes.\n- is there nobody who can hear me?")]
    cues = both(question + " " + question, answer + " " + answer)
    assert [cue[0] for cue in cues][:2] == [1000, 2000] and cues[0][1] == 2000


def test_cues_at_the_same_time(tmp_path):
    """Cues that would begin at the same time are shown one after the other."""
    long = "This is a sentence of more than one line, which cannot be joined with another. "
    cues = check(job_of([{"text": long, "start": 0, "end": 9, "speaker": speaker}
                         for speaker in range(3)] +
                        [{"text": long, "start": 9, "end": 12, "speaker": 4}]), tmp_path)
    assert len(cues) >= 4 and cues[-1][0] >= 9000


def test_without_times_of_words(tmp_path):
    """SEMANTICS 8.3.6: the time of an utterance is shared out by characters."""
    text = "one two three four five six seven eight nine ten " * 4
    for words in ([], None, [{"word": "one", "start": 5, "end": 4}]):
        cues = check(job_of([{"text": text, "start": 10, "end": 30, "words": words}]), tmp_path)
        length = len(text.replace(" ", ""))
        at = 0
        for begin, _, part in cues:
            assert abs(begin - (10000 + 20000 * at / length)) <= 1
            at += len("".join(part.split()))


def test_labels(tmp_path):
    """SEMANTICS 8.3.8: text from right to left is isolated after a label, of which .srt has none."""
    job = job_of([{"text": "Hi.", "start": 1, "end": 3, "speaker": 0},
                  {"text": "مرحبا، أنا بخير.", "start": 4, "end": 6, "speaker": 1}])
    assert check(job, tmp_path)
    assert "Speaker" not in render(job, "srt") and "\u2068" not in render(job, "srt")
    vtt = render(job, "vtt")
    assert "\n<v Speaker 0>Hi.\n" in vtt
    assert "\n<v Speaker 1>\u2068مرحبا، أنا بخير.\u2069\n" in vtt
    assert render(job, "txt") == "Speaker 0: Hi.\nSpeaker 1: \u2068مرحبا، أنا بخير.\u2069\n"
    unlabelled = job_of([{"text": "مرحبا", "start": 4, "end": 6}])
    for name in ("txt", "srt", "vtt"):
        assert "\u2068" not in render(unlabelled, name)


def test_translation(tmp_path):
    """SEMANTICS 8.4.1: a translation is cut by the same rules as the transcription."""
    job = conversation(random.Random(1), "en")
    other = conversation(random.Random(2), "ja")
    job["result"]["translation"] = {"results": [
        {"languages": ["xx"]}, {"languages": ["ja"], **other["result"]["transcription"]}]}
    assert run_tool(job)[0] == "ja\n"
    for name in ("txt", "srt", "vtt"):
        assert render(job, name, 1) == render(other, name) != render(job, name)
    assert check(other, tmp_path)
    made = [{"format": "srt", "subtitles": "1\n00:00:01.000 --> 00:00:02.000\nHallo\n"}]
    job["result"]["translation"]["results"][1]["subtitles"] = made
    assert render(job, "vtt", 1) == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHallo\n"
