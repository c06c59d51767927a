/** Whole numbers of Arrow that are wider than JavaScript's. */

/** A decimal128 of scale 0, from its four words, lowest first. */
export function whole(words: Uint32Array): bigint {
  let value = 0n;
  for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i] ?? 0);
  return BigInt.asIntN(words.length * 32, value);
}
