"""Rebuilds chain and tree of a log from the stored bytes, with nothing but Python's own library."""
import base64
import glob
import hashlib
import json
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


directory = sys.argv[1]
leaves, previous = [], "0" * 64
for name in sorted(glob.glob(directory + "/segments/*.jsonl")):
    with open(name, "rb") as segment:
        for line in segment.read().split(b"\n")[:-1]:
            record = json.loads(line)
            assert record["seq"] == len(leaves) and record["prev"] == previous, line
            leaves.append(sha256(b"\x00" + line))
            previous = leaves[-1].hex()
with open(directory + "/checkpoints", "rb") as checkpoints:
    blocks = checkpoints.read().decode().split("\n\n")
before = "0" * 64
for text in blocks[::2]:
    origin, size, expected, extension = text.lstrip("\n").split("\n")
    assert base64.b64encode(root(leaves[: int(size)])).decode() == expected, size
    assert extension == "prev " + before, size
    before = sha256((text.lstrip("\n") + "\n").encode()).hex()
print("records", len(leaves), "checkpoints", len(blocks) // 2)
