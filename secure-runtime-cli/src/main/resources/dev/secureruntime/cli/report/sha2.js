/* SHA-256 and SHA-512 (FIPS 180-4). The constants are computed from what the standard defines them by. */

const Sha2 = (() => {
  const primes = [];
  for (let n = 2; primes.length < 80; n++) {
    if (primes.every((p) => n % p !== 0)) primes.push(n);
  }
  const root = (value, power) => {
    let low = 0n;
    let high = 1n << 72n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** power <= value) low = middle;
      else high = middle;
    }
    return BigInt.asUintN(64, low);
  };
  /* The first 64 bits of the fractional parts of cube and square roots. */
  const K64 = primes.map((p) => root(BigInt(p) << 192n, 3n));
  const START64 = primes.slice(0, 8).map((p) => root(BigInt(p) << 128n, 2n));
  const K32 = Int32Array.from(K64.slice(0, 64), (k) => Number(k >> 32n));
  const START32 = Int32Array.from(START64, (h) => Number(h >> 32n));
  const schedule = new Int32Array(64);

  function block256(state, bytes, at) {
    const w = schedule;
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K32[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }

  function padded(bytes, from, block) {
    const length = bytes.length - from;
    const total = Math.ceil((length + 1 + block / 8) / block) * block;
    const tail = new Uint8Array(total);
    tail.set(bytes.subarray(from));
    tail[length] = 0x80;
    let bits = bytes.length * 8;
    for (let i = total - 1; bits > 0; i--) {
      tail[i] = bits % 256;
      bits = Math.floor(bits / 256);
    }
    return tail;
  }

  function sha256(bytes) {
    const state = Int32Array.from(START32);
    const whole = bytes.length - (bytes.length % 64);
    for (let at = 0; at < whole; at += 64) block256(state, bytes, at);
    const tail = padded(bytes, whole, 64);
    for (let at = 0; at < tail.length; at += 64) block256(state, tail, at);
    const out = new Uint8Array(32);
    for (let i = 0; i < 32; i++) out[i] = state[i >> 2] >>> (24 - 8 * (i & 3));
    return out;
  }

  const cut = (x) => BigInt.asUintN(64, x);
  const turn = (x, n) => (x >> n) | cut(x << (64n - n));

  function sha512(bytes) {
    const state = START64.slice();
    const data = padded(bytes, 0, 128);
    const view = new DataView(data.buffer);
    const w = new Array(80);
    for (let at = 0; at < data.length; at += 128) {
      for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + 8 * i);
      for (let i = 16; i < 80; i++) {
        const x = w[i - 15];
        const y = w[i - 2];
        w[i] = cut(w[i - 16] + (turn(x, 1n) ^ turn(x, 8n) ^ (x >> 7n)) + w[i - 7]
          + (turn(y, 19n) ^ turn(y, 61n) ^ (y >> 6n)));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 80; i++) {
        const t1 = h + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) + ((e & f) ^ (cut(~e) & g)) + K64[i] + w[i];
        const t2 = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = cut(d + t1); d = c; c = b; b = a; a = cut(t1 + t2);
      }
      [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = cut(state[i] + x); });
    }
    const out = new Uint8Array(64);
    const result = new DataView(out.buffer);
    state.forEach((x, i) => result.setBigUint64(8 * i, x));
    return out;
  }

  return { sha256, sha512 };
})();
