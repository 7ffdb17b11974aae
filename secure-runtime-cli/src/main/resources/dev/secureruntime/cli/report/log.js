/*
 * Checks the records in the page against the keys that the reader trusts: docs/audit-log-format.md, in the order in which
 * `audit verify` does it, so that both name the same record.
 */

class Fault extends Error {
  constructor(seq, reason) {
    super(reason);
    this.seq = seq;
  }
}

const AuditLog = (() => {
  const ZEROS = "0".repeat(64);
  const OWN_CHECKS = 16;
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytesOf = (text) => new TextEncoder().encode(text);
  const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

  function hex(bytes) {
    let text = "";
    for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
    return text;
  }

  function base64(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  }

  /* Only the one text form of these bytes. */
  function strictBase64(text) {
    let bytes = null;
    try {
      bytes = base64(text);
    } catch (e) {
      return null;
    }
    return btoa(String.fromCharCode(...bytes)) === text ? bytes : null;
  }

  /* name+8 hex digits+base64(0x01 || public key), C2SP signed-note; null for anything else. */
  function verifierKey(text) {
    const parts = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text);
    const data = parts && strictBase64(parts[3]);
    if (!data || data.length !== 33 || data[0] !== 1) return null;
    const name = bytesOf(parts[1] + "\n");
    const named = new Uint8Array(name.length + 33);
    named.set(name);
    named.set(data, name.length);
    const id = Sha2.sha256(named).subarray(0, 4);
    const key = hex(id) === parts[2] ? Ed25519.publicKey(data.subarray(1)) : null;
    return key && { text, name: parts[1], id, key, fast: null, ownChecks: 0 };
  }

  function note(bytes) {
    const whole = utf8.decode(bytes);
    const split = whole.lastIndexOf("\n\n");
    if (split < 0 || !whole.endsWith("\n")) throw new Error("no signed note");
    const text = whole.substring(0, split + 1);
    const lines = text.split("\n");
    const size = Number(lines[1]);
    const root = strictBase64(lines[2] || "");
    const canonical = lines.length === 5 && lines[4] === "" && /^[1-9][0-9]{0,15}$/.test(lines[1])
      && Number.isSafeInteger(size) && root !== null && root.length === 32 && /^prev [0-9a-f]{64}$/.test(lines[3]);
    if (!canonical) throw new Error("not in the form of a checkpoint");
    /* Witnesses and further algorithms may sign behind the first two. */
    const signatures = whole.substring(split + 2).split("\n").slice(0, 2).map(signature);
    if (signatures.length < 2) throw new Error("expected two signatures");
    const signed = bytesOf(text);
    return { origin: lines[0], size, root, previous: lines[3].substring(5), signed, signatures, hash: hex(Sha2.sha256(signed)) };
  }

  function signature(line) {
    const parts = /^\u2014 (\S+) (\S+)$/.exec(line);
    const bytes = parts && strictBase64(parts[2]);
    if (!bytes) throw new Error("expected a signature line");
    return { name: parts[1], bytes };
  }

  /* Our own code decides; the browser's is faster and must agree where both are asked. */
  async function isSigned(key, text, signed, report) {
    const { name, bytes } = signed;
    if (name !== key.name || bytes.length !== 68 || !same(bytes.subarray(0, 4), key.id)) return false;
    const raw = bytes.subarray(4);
    if (!Ed25519.isCanonical(raw)) return false;
    if (key.fast === null) {
      try {
        key.fast = await crypto.subtle.importKey("raw", key.key.bytes, "Ed25519", false, ["verify"]);
      } catch (e) {
        key.fast = false;
      }
    }
    const fast = key.fast && await crypto.subtle.verify("Ed25519", key.fast, raw, text);
    if (key.fast && fast && key.ownChecks >= OWN_CHECKS) return true;
    key.ownChecks++;
    const own = Ed25519.verify(key.key, text, raw);
    if (key.fast && own !== fast) report.disagreements++;
    return own;
  }

  /* The right edge of RFC 6962's tree: the roots of its perfect subtrees, smallest first. */
  class Edge {
    constructor(size, subtrees) {
      this.size = size;
      this.subtrees = subtrees.slice();
    }

    static node(left, right) {
      const pair = new Uint8Array(65);
      pair[0] = 1;
      pair.set(left, 1);
      pair.set(right, 33);
      return Sha2.sha256(pair);
    }

    append(leaf) {
      let carry = leaf;
      for (let rest = this.size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        carry = Edge.node(this.subtrees.shift(), carry);
      }
      this.subtrees.unshift(carry);
      this.size++;
    }

    root() {
      return this.subtrees.slice(1).reduce((right, left) => Edge.node(left, right), this.subtrees[0]);
    }
  }

  const isText = (value) => typeof value === "string";
  const isAttribute = (value) => isText(value) || typeof value === "number" || typeof value === "boolean"
    || (Array.isArray(value) && value.every(isText));
  const isCommitment = (value) => value !== null && typeof value === "object" && typeof value.bytes === "number" && isText(value.sha256);
  const isMapOf = (value, isValue) => value === undefined
    || (value !== null && typeof value === "object" && Object.values(value).every(isValue));

  function record(line) {
    try {
      const value = JSON.parse(utf8.decode(line));
      const isRecord = Number.isSafeInteger(value.seq) && isText(value.type) && isText(value.time) && isText(value.prev)
        && /^[0-9a-f]{64}$/.test(value.prev) && (value.component === undefined || isText(value.component))
        && isMapOf(value.attributes, isAttribute) && isMapOf(value.commitments, isCommitment);
      return isRecord ? value : null;
    } catch (e) {
      return null;
    }
  }

  const attribute = (value, name) => (value.attributes || {})["secure_runtime.log." + name];

  class Checker {
    constructor(data, keys, report) {
      this.data = data;
      this.log = keys[0];
      this.pinnedEpoch = keys[1] || null;
      this.report = report;
      this.epoch = data.start === 0 ? this.pinnedEpoch : data.epochKey && verifierKey(data.epochKey);
      this.edge = data.edge && new Edge(data.start, data.edge);
      this.at = data.start;
      this.leaf = data.lastLeaf;
      this.leafBefore = null;
      this.checkpoint = data.lastCheckpoint;
      this.signed = data.start;
      this.announced = null;
      this.coming = null;
    }

    line(index) {
      return this.data.lines[index - this.data.start];
    }

    hash(line) {
      const leaf = new Uint8Array(line.length + 1);
      leaf.set(line, 1);
      return Sha2.sha256(leaf);
    }

    next() {
      const line = this.line(this.at);
      const value = record(line);
      if (value === null) throw new Fault(this.at, "not a record of the format");
      const leaf = this.hash(line);
      const leafHex = hex(leaf);
      this.requirePlace(value, leafHex);
      this.requireMeaning(value);
      if (this.edge) this.edge.append(leaf);
      this.leafBefore = this.leaf;
      this.leaf = leafHex;
      this.at++;
      this.report.records++;
    }

    requirePlace(value, leaf) {
      const at = this.at;
      if (value.seq !== at) {
        if (at > this.data.start && value.seq === at - 1 && value.prev === this.leafBefore && leaf !== this.leaf) {
          throw this.isFollowed(leaf)
            ? new Fault(at - 1, "an inserted record stands here, before the one that it displaced")
            : new Fault(at, "a second record " + (at - 1) + " stands here");
        }
        throw new Fault(at, "expected record " + at + ", found record " + value.seq);
      }
      if (value.prev !== this.leaf) {
        throw at > 0 && !this.isSignedButForPrev() && this.isFollowed(leaf)
          ? new Fault(at - 1, "its hash is " + this.leaf + ", the records after it expected another: it was changed")
          : new Fault(at, "prev: expected " + this.leaf + ", the hash of the record before");
      }
    }

    /* Whether the record is the last under a checkpoint whose root it gives with the right prev: then that was changed. */
    isSignedButForPrev() {
      if (!this.coming || this.coming.size !== this.at + 1 || !this.edge) return false;
      const mended = this.line(this.at).slice();
      mended.set(bytesOf(this.leaf), mended.length - 66);
      const whole = new Edge(this.edge.size, this.edge.subtrees);
      whole.append(this.hash(mended));
      return same(whole.root(), this.coming.root);
    }

    /* Whether the record after the current one follows it; nothing after it speaks for it too. */
    isFollowed(leaf) {
      const line = this.line(this.at + 1);
      const after = line && record(line);
      return !line || (after !== null && after.prev === leaf);
    }

    requireMeaning(value) {
      if (value.type === "log.segment") {
        if (attribute(value, "checkpoint") !== this.checkpoint) {
          throw new Fault(this.at, "expected the segment to name the checkpoint " + this.checkpoint);
        }
        if (this.at === 0) this.requireKeys(value);
      } else if (this.at === 0) {
        throw new Fault(0, "expected a log.segment record at the start");
      } else if (value.type === "log.key") {
        if (this.announced) throw new Fault(this.at, "a second log.key record without a checkpoint in between");
        this.announced = verifierKey(String(attribute(value, "next_key")));
        if (!this.announced || this.announced.name !== this.log.name + "/epoch") {
          throw new Fault(this.at, "expected the verifier key of the next epoch");
        }
      }
    }

    requireKeys(value) {
      if (attribute(value, "key") !== this.log.text) {
        throw new Fault(0, "expected the log key " + this.log.text + ", found " + attribute(value, "key"));
      }
      const first = attribute(value, "epoch_key");
      if (this.pinnedEpoch && first !== this.pinnedEpoch.text) {
        throw new Fault(0, "expected the first epoch key " + this.pinnedEpoch.text + ", found " + first);
      }
    }

    async cover(bytes) {
      let note_;
      try {
        note_ = note(bytes);
      } catch (e) {
        throw new Fault(this.signed, "a checkpoint: " + e.message);
      }
      const { size } = note_;
      const bad = (reason) => new Fault(size, "the checkpoint over " + size + " records: " + reason);
      if (note_.origin !== this.log.name) throw bad("expected the origin " + this.log.name + ", found " + note_.origin);
      if (!(await isSigned(this.log, note_.signed, note_.signatures[0], this.report))) {
        throw bad("expected a valid signature of " + this.log.text);
      }
      this.report.logSignatures++;
      if (note_.previous !== this.checkpoint) throw bad("expected one that follows " + this.checkpoint + ": one is missing or another");
      await this.requireEpoch(note_, bad);
      if (size <= this.signed) throw bad("expected a size above " + this.signed);
      return note_;
    }

    async requireEpoch(note_, bad) {
      if (this.data.start === 0 && this.at === 0 && !this.epoch && this.data.lines.length > 0) {
        const first = record(this.line(0));
        this.epoch = first && verifierKey(String(attribute(first, "epoch_key")));
      }
      if (!this.epoch) {
        this.report.epochsSkipped++;
        return;
      }
      if (!(await isSigned(this.epoch, note_.signed, note_.signatures[1], this.report))) {
        throw bad("expected a valid signature of " + this.epoch.text);
      }
      this.report.epochSignatures++;
    }

    requireRoot(note_) {
      this.checkpoint = note_.hash;
      if (this.edge) {
        if (!same(this.edge.root(), note_.root)) throw this.rewritten(note_.size);
        this.report.roots++;
      }
      if (this.announced) {
        this.epoch = this.announced;
        this.announced = null;
        this.report.epochChanges++;
      }
      this.signed = note_.size;
      this.report.checkpoints++;
    }

    rewritten(size) {
      const reason = "one of the records " + this.signed + " to " + (size - 1)
        + " is not the one that was signed: the root hash at size " + size + " differs";
      const line = this.line(size);
      const after = line && record(line);
      const isLast = !line || after === null || after.prev !== this.leaf;
      return isLast ? new Fault(size - 1, reason + "; most likely this one") : new Fault(this.signed, reason);
    }
  }

  /* The checkpoint over the records before the excerpt: shows that the hashes at its start are signed ones. */
  async function requireBase(checker) {
    const base = checker.data.base;
    if (!base) return;
    const note_ = note(base);
    const isThis = note_.size === checker.data.start && note_.hash === checker.checkpoint && note_.origin === checker.log.name;
    if (!isThis || !(await isSigned(checker.log, note_.signed, note_.signatures[0], checker.report))) {
      throw new Fault(note_.size, "the checkpoint over the records before is not one of " + checker.log.text);
    }
    checker.report.logSignatures++;
    if (checker.edge && !same(checker.edge.root(), note_.root)) {
      throw new Fault(note_.size, "the hashes at the start of the excerpt are not those that the log key signed");
    }
    if (checker.edge) checker.report.roots++;
  }

  /* Checks it all; pause() lets the page breathe and learns how far it is. */
  async function check(data, keys, pause) {
    const report = {
      records: 0, total: data.lines.length, checkpoints: 0, roots: 0, logSignatures: 0, epochSignatures: 0,
      epochsSkipped: 0, epochChanges: 0, disagreements: 0, notes: data.notes.length, fault: null,
    };
    const checker = new Checker(data, keys, report);
    const end = data.start + data.lines.length;
    const readTo = async (size) => {
      while (checker.at < size) {
        if (checker.at >= end) {
          throw new Fault(checker.at, "expected record " + checker.at + " of the " + size + " that a checkpoint covers");
        }
        checker.next();
        if (report.records % 64 === 0) await pause(report);
      }
    };
    try {
      await requireBase(checker);
      for (const bytes of data.notes) {
        const note_ = await checker.cover(bytes);
        checker.coming = note_;
        await readTo(note_.size);
        checker.requireRoot(note_);
        await pause(report);
      }
      await readTo(end);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      report.fault = fault;
    }
    report.signedTo = checker.signed;
    report.forward = checker.pinnedEpoch === null ? "NO_KEY"
      : data.start === 0 || data.epochKey === checker.pinnedEpoch.text ? "FOLLOWED" : "TOLD";
    return report;
  }

  /* The two data blocks of the page as bytes. */
  function decode(excerpt, records) {
    const blocks = records.split("\n").filter((text) => text !== "").map(base64);
    const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
    let at = 0;
    for (const block of blocks) {
      bytes.set(block, at);
      at += block.length;
    }
    const lines = [];
    for (let from = 0, to; (to = bytes.indexOf(10, from)) >= 0; from = to + 1) lines.push(bytes.subarray(from, to));
    return {
      start: Number(excerpt.start),
      lines,
      lastLeaf: excerpt.lastLeaf || ZEROS,
      lastCheckpoint: excerpt.lastCheckpoint || ZEROS,
      epochKey: excerpt.epochKey,
      edge: excerpt.edge === "" ? null : excerpt.edge.map(base64),
      base: excerpt.base.length === 0 ? null : base64(excerpt.base[0]),
      notes: excerpt.notes.map(base64),
      bytes,
    };
  }

  return { check, decode, record, verifierKey };
})();
