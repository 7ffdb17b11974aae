/* Runs vectors against Sha2 and Ed25519; the value is the list of names that came out wrong. */
(vectors) => {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (two) => parseInt(two, 16));
  const hex = (value) => Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const wrong = vectors.filter((vector) => {
    const key = Ed25519.publicKey(bytes(vector.key));
    return (key !== null && Ed25519.verify(key, bytes(vector.message), bytes(vector.signature))) !== vector.valid;
  }).map((vector) => vector.name);
  const abc = new TextEncoder().encode("abc");
  const million = new Uint8Array(1000000).fill(97);
  const hashes = [
    [Sha2.sha256(abc), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [Sha2.sha256(new Uint8Array(0)), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    [Sha2.sha256(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    [Sha2.sha512(abc), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"],
  ];
  hashes.forEach(([got, expected], i) => { if (hex(got) !== expected) wrong.push("hash " + i); });
  return JSON.stringify(wrong);
}
