/*
 * Verification of Ed25519 signatures, RFC 8032, section 5.1.7, strictly: S below L, canonical encodings of A and R, A in the
 * subgroup of prime order, and the equation without cofactor, by comparing the encoding of R. Public values only: nothing
 * here needs constant time.
 */

const Ed25519 = (() => {
  const P = (1n << 255n) - 19n;
  const L = (1n << 252n) + 27742317777372353535851937790883648493n;
  const mod = (x) => { const r = x % P; return r < 0n ? r + P : r; };

  function power(base, exponent) {
    let result = 1n;
    let square = mod(base);
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
      if (rest & 1n) result = (result * square) % P;
      square = (square * square) % P;
    }
    return result;
  }

  const inverse = (x) => power(x, P - 2n);
  const D = mod(-121665n * inverse(121666n));
  const ROOT = power(2n, (P - 1n) / 4n);
  const NEUTRAL = [0n, 1n, 1n, 0n];

  /* Extended coordinates, section 5.1.4: complete formulas, also for doubling. */
  function add(p, q) {
    const a = mod((p[1] - p[0]) * (q[1] - q[0]));
    const b = mod((p[1] + p[0]) * (q[1] + q[0]));
    const c = mod(2n * p[3] * q[3] % P * D);
    const d = mod(2n * p[2] * q[2]);
    const [e, f, g, h] = [b - a, d - c, d + c, b + a];
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  }

  function twice(p) {
    const a = (p[0] * p[0]) % P;
    const b = (p[1] * p[1]) % P;
    const c = (2n * p[2] * p[2]) % P;
    const h = a + b;
    const e = h - (p[0] + p[1]) * (p[0] + p[1]);
    const g = a - b;
    const f = c + g;
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  }

  function decode(bytes) {
    let y = 0n;
    for (let i = 31; i >= 0; i--) y = (y << 8n) | BigInt(bytes[i]);
    const sign = y >> 255n;
    y &= (1n << 255n) - 1n;
    if (y >= P) return null;
    const u = mod(y * y - 1n);
    const v = mod(D * y * y + 1n);
    const v3 = (v * v * v) % P;
    let x = (u * v3 % P) * power(u * v3 % P * v3 % P * v % P, (P - 5n) / 8n) % P;
    const check = (v * x % P) * x % P;
    if (check !== u) {
      if (check !== mod(-u)) return null;
      x = (x * ROOT) % P;
    }
    if (x === 0n && sign === 1n) return null;
    if ((x & 1n) !== sign) x = P - x;
    return [x, y, 1n, (x * y) % P];
  }

  function encode(point) {
    const z = inverse(point[2]);
    const x = (point[0] * z) % P;
    let y = (point[1] * z) % P | ((x & 1n) << 255n);
    const out = new Uint8Array(32);
    for (let i = 0; i < 32; i++, y >>= 8n) out[i] = Number(y & 255n);
    return out;
  }

  const negative = (p) => [mod(-p[0]), p[1], p[2], mod(-p[3])];
  const isNeutral = (p) => p[0] === 0n && p[1] === p[2];

  /* a * p + b * q */
  function combine(a, p, b, q) {
    const both = add(p, q);
    let sum = NEUTRAL;
    for (let i = 254n; i >= 0n; i--) {
      sum = twice(sum);
      const bits = ((a >> i) & 1n) | (((b >> i) & 1n) << 1n);
      if (bits !== 0n) sum = add(sum, bits === 1n ? p : bits === 2n ? q : both);
    }
    return sum;
  }

  function little(bytes) {
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return value;
  }

  const BASE_Y = (4n * inverse(5n)) % P;
  const base = new Uint8Array(32);
  for (let i = 0, y = BASE_Y; i < 32; i++, y >>= 8n) base[i] = Number(y & 255n);
  const BASE = decode(base);

  /* The point of a public key, or null where no honest key has these bytes. */
  function publicKey(bytes) {
    const point = bytes.length === 32 ? decode(bytes) : null;
    if (point === null || isNeutral(point)) return null;
    return isNeutral(combine(L, point, 0n, NEUTRAL)) ? { bytes, point } : null;
  }

  /* What must hold of a signature by itself. */
  function isCanonical(signature) {
    return signature.length === 64 && little(signature.subarray(32)) < L && decode(signature.subarray(0, 32)) !== null;
  }

  function verify(key, message, signature) {
    if (!isCanonical(signature)) return false;
    const joined = new Uint8Array(64 + message.length);
    joined.set(signature.subarray(0, 32));
    joined.set(key.bytes, 32);
    joined.set(message, 64);
    const k = little(Sha2.sha512(joined)) % L;
    const r = encode(combine(little(signature.subarray(32)), BASE, k, negative(key.point)));
    return r.every((byte, i) => byte === signature[i]);
  }

  return { publicKey, isCanonical, verify };
})();
