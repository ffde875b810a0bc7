"""Prints, for every message of a packed mboxrd file, the parts without parts of their own as Python's email package sees them: number of the message,
media type, file name, and SHA-256 of the decoded content with its line ends made LF and none at its end. One line a part, cells behind tabs."""
import email
import gzip
import hashlib
import re
import sys


def messages(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    for entry in re.split(rb"(?:\A|\n)From [^\n]*\n", data)[1:]:
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", entry)


def cell(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def name(part):
    try:
        return part.get_filename() or ""
    except Exception:
        return "?"


for number, raw in enumerate(messages(sys.argv[1]), 1):
    inside = 0
    for part in email.message_from_bytes(raw).walk():
        if inside > 0:  # Python makes messages of the blocks of a delivery status; they are none
            inside -= 1
            continue
        if part.get_content_type() == "message/delivery-status":
            inside = len(part.get_payload())
            print(number, "message/delivery-status", cell(name(part)), "-", sep="\t")
            continue
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True) or b""
        content = re.sub(rb"\r\n|\r", b"\n", content).rstrip(b"\n")
        print(number, cell(part.get_content_type()), cell(name(part)), hashlib.sha256(content).hexdigest(), sep="\t")
