#!/usr/bin/env python3
"""Prints what Python's `email` reads in the headers of an mboxrd file, for comparison with our header reader.

usage: headers.py FILE.mbox[.gz] > expected.tsv

One line a message, tab-separated: number, From, To, Subject, Message-ID, Date. Fields are read with policy compat32 and decoded with
decode_header and make_header; Date is parsedate_to_datetime, in seconds since 1970 (a date without zone counts as UTC), `-` where there is none or
Python cannot read it. Values are unfolded (RFC 5322 2.2.3: line ends removed) and stripped; a tab in a value is written \\t, a line end \\n,
a backslash \\\\. A value that decode_header or make_header refuses is written `!` and the name of the exception.
"""
import email
import email.header
import email.policy
import email.utils
import gzip
import re
import sys
from datetime import timezone

SEPARATOR = re.compile(rb"^From ", re.M)


def messages(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        data = file.read()
    starts = [match.start() for match in SEPARATOR.finditer(data)]
    for start, end in zip(starts, starts[1:] + [len(data)]):
        body = data[data.index(b"\n", start) + 1:end]
        if body.endswith(b"\n\n") or body == b"\n":
            body = body[:-1]
        yield re.sub(rb"^>(>*From )", rb"\1", body, flags=re.M)


def decoded(message, name):
    value = message[name]
    if value is None:
        return ""
    try:
        text = str(email.header.make_header(email.header.decode_header(value)))
    except Exception as error:  # a charset that nobody knows, base64 that is none
        return "!" + type(error).__name__
    return re.sub(r"\r\n|\r|\n", "", text).strip(" \t")


def seconds(message):
    value = message["Date"]
    if value is None:
        return "-"
    try:
        date = email.utils.parsedate_to_datetime(str(value))
        if date.tzinfo is None:
            date = date.replace(tzinfo=timezone.utc)
        return str(int(date.timestamp()))
    except Exception:
        return "-"


def escaped(text):
    text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def main():
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for number, raw in enumerate(messages(sys.argv[1]), 1):
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        cells = [decoded(message, name) for name in ("From", "To", "Subject", "Message-ID")]
        print("\t".join([str(number), *map(escaped, cells), seconds(message)]))


main()
