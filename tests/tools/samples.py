#!/usr/bin/env python3
"""Cuts the sample messages that ship with the project out of the corpus (public domain, see its README).

usage: samples.py ham.mbox.gz src/MessageStore.Engine/Samples/samples.mbox.gz

Takes the first messages of every kind that a mail store should have met - encoded words, raw 8-bit, multipart, lines that need mbox quoting, no final
line end, long and short - and then evenly spread ones, 60 in all and at most 400 KB, in the order of the corpus. The result is the same on every run.
"""
import gzip
import re
import sys

COUNT = 60
LIMIT = 400_000
PER_KIND = 3
KINDS = [
    rb"(?mi)^(subject|from|to):.*=\?",
    rb"(?mi)^subject:.*[\x80-\xff]",
    rb"(?mi)^from:.*[\x80-\xff]",
    rb"[\x80-\xff]",
    rb"(?mi)^content-type:\s*multipart/mixed",
    rb"(?mi)^content-type:\s*multipart/alternative",
    rb"(?mi)^content-type:\s*multipart/signed",
    rb"(?mi)^content-type:\s*text/html",
    rb"(?mi)^content-transfer-encoding:\s*base64",
    rb"(?mi)^content-transfer-encoding:\s*quoted-printable",
    rb"(?mi)^content-type:.*charset=.?iso-2022",
    rb"(?m)^>+From ",
    rb"(?mi)^date: \d",
    rb"(?mi)^date:.*\b(EDT|PDT|GMT|EST|PST)\s*$",
    rb"\r\n",
    rb"[^\n]\n\Z",
]


def main():
    data = gzip.open(sys.argv[1], "rb").read()
    starts = [match.start() for match in re.finditer(rb"(?m)^From ", data)]
    entries = [data[start:end] for start, end in zip(starts, starts[1:] + [len(data)])]
    chosen = set()

    def take(number):
        if len(chosen) < COUNT and sum(len(entries[n]) for n in chosen | {number}) <= LIMIT:
            chosen.add(number)

    for kind in KINDS:
        for number in [n for n, entry in enumerate(entries) if len(entry) < 20_000 and re.search(kind, entry[:6000])][:PER_KIND]:
            take(number)
    by_length = sorted(range(len(entries)), key=lambda n: len(entries[n]))
    take(by_length[0])
    take(next(n for n in by_length if len(entries[n]) > 60_000))
    for number in range(7, len(entries), 97):
        if len(entries[number]) < 12_000:
            take(number)
    result = b"".join(entries[n] for n in sorted(chosen))
    with open(sys.argv[2], "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.write(result)
    print(f"{len(chosen)} messages, {len(result)} bytes")


main()
