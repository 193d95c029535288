#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SEMANTICS 8.1: other programs can parse our subtitles.

Generated jobs, most of them hostile, are rendered by render_tool (the path in
GLADIAFS_RENDER_TOOL) and then parsed by pysrt, webvtt-py and ffmpeg: each must find every cue with
its times, and no other."""

import random
import re
import subprocess
import time
from html import unescape

import pysrt
import pytest
import webvtt
from render_jobs import SHORT, TIMES, as_line, job_of, render, said, visible

ROUNDS = 20 if SHORT else 60

# Pieces of text that end a line or a cue, or begin a cue, in some format or parser.
PIECES = ["a", "zoë", "こんにちは", "🎙", "1", "-", "->", "-->", "--->", "<i>", "</b>", "&amp;", "&",
          "\n", "\n\n", "\r", "\r\n", "\n2\n00:00:01,000 --> 00:00:02,000\n", "\u2028", "\u0085",
          "\x0b", "\x0c", "\x1c", "\x1e", "\0", "\x7f", " ", "\t", "WEBVTT", "NOTE", "STYLE",
          "X1:1", "00:01.000 --> 00:02.000", "\ud800"]


def make_text(rng):
    text = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 6)))
    # Most texts end with visible characters, because a text without any makes no cue.
    return text + rng.choice(["", "x", "end."])


def make_utterance(rng):
    one = {"text": make_text(rng), "start": rng.choice(TIMES), "end": rng.choice(TIMES)}
    if rng.random() < 0.7:
        one["start"] = rng.randint(0, 400000) / rng.choice([1, 10, 1000])
        one["end"] = one["start"] + rng.randint(-1, 50) / 10
    for name in ("speaker", "channel"):
        if rng.random() < 0.5:
            one[name] = rng.choice([0, 1, 17, -1, None, make_text(rng)])
    return one


def make_job(rng):
    return job_of([make_utterance(rng) for _ in range(rng.randint(0, 12))])


def has_text(job):
    return any(as_line(one["text"]) for one in job["result"]["transcription"]["utterances"])


CUE = re.compile(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}")


def as_milliseconds(text):
    hours, minutes, seconds = text.replace(",", ".").split(":")
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)


def by_pysrt(text):
    cues = pysrt.from_string(text, error_handling=pysrt.ERROR_RAISE)
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    return [(cue.start.ordinal, cue.end.ordinal, cue.text) for cue in cues]


def by_webvtt(path):
    cues = webvtt.read(path) if path.suffix == ".vtt" else webvtt.from_srt(path)
    return [(as_milliseconds(cue.start), as_milliseconds(cue.end), unescape(cue.text))
            for cue in cues]


def by_ffmpeg(path):
    """Returns the beginning and end of each cue that ffmpeg writes when it converts a file to
    SubRip."""
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "warning", "-f", {".vtt": "webvtt"}.get(path.suffix, "srt"),
         "-i", path, "-f", "srt", "-"], capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    return [tuple(map(as_milliseconds, line.split(" --> ")))
            for line in done.stdout.decode().split("\n") if CUE.fullmatch(line)]


@pytest.fixture(name="keep")
def fixture_keep(tmp_path):
    def keep(job, name):
        path = tmp_path / f"job.{name}"
        text = render(job, name)
        path.write_text(text, encoding="utf-8", newline="")
        return path, text
    return keep


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_cue_is_read(keep, seed):
    """SEMANTICS 8.3.9"""
    job = make_job(random.Random(seed))
    srt, text = keep(job, "srt")
    cues = by_pysrt(text)
    assert len(cues) == text.count(" --> ")
    for (_, end, _), (begin, _, _) in zip(cues, cues[1:]):
        assert end <= begin
    assert all(begin < end for begin, end, _ in cues)
    vtt, _ = keep(job, "vtt")
    read = by_webvtt(vtt)
    assert read == cues
    if has_text(job):
        assert [cue[:2] for cue in by_webvtt(srt)] == [cue[:2] for cue in cues]
    if all(begin < 359999000 for begin, _, _ in cues):
        # Only a cue that would be too late is left out. Dashes are those of dialogues, or said.
        shown = visible("".join(text for _, _, text in cues))
        assert [c for c in shown if c != "-"] == [c for c in said(job) if c != "-"]


@pytest.mark.parametrize("name", ["srt", "vtt"])
@pytest.mark.parametrize("seed", range(4))
def test_ffmpeg_reads_every_cue(keep, name, seed):
    rng = random.Random(seed)
    job = make_job(rng)
    while len(by_pysrt(render(job, "srt"))) < 5:
        job = make_job(rng)
    path, _ = keep(job, name)
    wanted = [begin for begin, _, _ in by_pysrt(render(job, "srt"))]
    assert [begin for begin, _ in by_ffmpeg(path)] == wanted


def test_no_cue(keep):
    """Without a transcript, SubRip is empty and WebVTT has only its header."""
    for job in ({}, {"result": {"transcription": {"utterances": []}}}):
        assert keep(job, "srt")[1] == ""
        path, text = keep(job, "vtt")
        assert text == "WEBVTT\n"
        assert by_webvtt(path) == []


def test_long_ones_take_no_time(keep):
    """A day of speech, or an utterance of megabytes, is rendered in time proportional to its
    length; with GLADIAFS_TEST_SHORT a quarter of them."""
    parts = 4 if SHORT else 1
    many = [{"start": n, "end": n + 0.9, "text": "word " * 20, "speaker": n % 3,
             "words": [{"word": " word", "start": n, "end": n, "confidence": 1}] * 20}
            for n in range(20000 // parts)]
    big = [{"start": 1, "end": 2, "text": "<&\n-->" * (1000000 // parts)}]
    for utterances in (many, big):
        job = {"result": {"transcription": {"utterances": utterances}}}
        begin = time.monotonic()
        for name in ("txt", "srt", "vtt", "md"):
            keep(job, name)
        assert time.monotonic() - begin < 60 / parts
