"""Checks a disclosure with nothing but Python's library: the commitment, the record's hash, the way up to the root.

Usage: disclosure.py FILE. Prints the index, the field and the root in base64; fails where something doesn't fit.
"""
import base64
import hashlib
import json
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


text = open(sys.argv[1], "rb").read()
head, proof = text.split(b"\n\n", 1)
lines = head.split(b"\n")
assert lines[0] == b"secure-runtime-disclosure/1" and len(lines) == 5
field, salt, value, record = (
    line[len(label):] if line.startswith(label) else sys.exit("expected " + label.decode())
    for label, line in zip((b"field ", b"salt ", b"value ", b"record "), lines[1:]))
salt = base64.b64decode(salt, validate=True)
value = base64.b64decode(value, validate=True)
parsed = json.loads(record)
commitment = parsed["commitments"][field.decode()]
assert len(salt) == 16 and len(value) == commitment["bytes"]
assert sha256(salt + field + b"\0" + value).hex() == commitment["sha256"], "the value is not the one committed to"

way, note = proof.split(b"\n\n", 1)
way = way.decode().split("\n")
assert way[0] == "c2sp.org/tlog-proof@v1"
index = int(way[1].removeprefix("index "))
assert index == parsed["seq"]
path = [base64.b64decode(line) for line in way[2:]]
origin, size, root = note.decode().split("\n")[:3]

# RFC 9162, section 2.1.3.2
node, last, digest = index, int(size) - 1, sha256(b"\0" + record)
assert node <= last
for sibling in path:
    assert last > 0
    if node & 1 or node == last:
        digest = sha256(b"\1" + sibling + digest)
        while node and not node & 1:
            node >>= 1
            last >>= 1
    else:
        digest = sha256(b"\1" + digest + sibling)
    node >>= 1
    last >>= 1
assert last == 0 and base64.b64encode(digest).decode() == root, "the path doesn't lead to the root"
print("index", index, "field", field.decode(), "root", root)
