"""Prints, for some words of a packed mboxrd file, the numbers of the messages that Python's email package finds them in: where (subject or text), word, numbers with spaces between, cells
behind tabs. A text is a text/plain part; for it only words are taken that stand in no other text part of any message, so that HTML is left to others."""
import email
import email.header
import gzip
import re
import sys

WORD = re.compile(r"[a-z0-9]+")
EVERY = 211


def messages(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    for entry in re.split(rb"(?:\A|\n)From [^\n]*\n", data)[1:]:
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", entry)


def words(text):
    text = text.lower()
    # A word that touches a letter beyond ASCII is not compared: folding is our own.
    return {w.group() for w in WORD.finditer(text) if not (text[w.start() - 1:w.start()] > "\x7f" or text[w.end():w.end() + 1] > "\x7f")} if text else set()


found = {"subject": {}, "text": {}}
elsewhere = set()
for number, raw in enumerate(messages(sys.argv[1]), 1):
    message = email.message_from_bytes(raw)
    subject = message["Subject"]
    if subject is not None:
        try:
            subject = str(email.header.make_header(email.header.decode_header(subject)))
        except Exception:
            subject = ""
        for word in words(re.sub(r"[\r\n]", "", subject)):
            found["subject"].setdefault(word, []).append(number)
    here = set()
    for part in message.walk():
        if part.is_multipart():
            elsewhere |= words(" ".join(str(part[f] or "") for f in ("From", "To", "Cc", "Subject", "Sender"))) if part is not message else set()
            continue
        text = (part.get_payload(decode=True) or b"").decode("latin-1")
        if part.get_content_type() == "text/plain":
            here |= words(text)
        else:
            elsewhere |= words(text)
    for word in here:
        found["text"].setdefault(word, []).append(number)

for where, index in found.items():
    for word in sorted(index)[::EVERY]:
        if where == "subject" or (word not in elsewhere and len(word) <= 40):
            print(where, word, " ".join(map(str, index[word])), sep="\t")
