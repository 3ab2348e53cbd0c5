// The venue's signature: HMAC-SHA256 over timestamp#memo#body, lower-case hex, the body as the raw bytes that arrived.
// Promises to compare in constant time. Never re-serialises anything and never prints a secret.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The signature that belongs to these bytes; the memo is signed as typed, without any escaping (source: spot docs). */
export const signatureOf = (secretKey: string, memo: string, timestamp: string, body: Uint8Array): string =>
  createHmac('sha256', secretKey).update(`${timestamp}#${memo}#`, 'utf8').update(body).digest('hex');

/** True when `sign` is exactly the signature of these bytes; upper-case hex does not pass. */
export const isSignedBy = (
  key: { readonly secretKey: string; readonly memo: string },
  timestamp: string,
  body: Uint8Array,
  sign: string,
): boolean => {
  const expected = Buffer.from(signatureOf(key.secretKey, key.memo, timestamp, body));
  const given = Buffer.from(sign);
  return expected.length === given.length && timingSafeEqual(expected, given);
};
