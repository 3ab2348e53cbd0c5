// The venue's signature: HMAC-SHA256 over timestamp, key, receive window and the raw tail, lower-case hex; the tail is the
// body of a POST and the query text of a GET as they arrived. Promises to compare in constant time. Never prints a secret.
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface SignedParts {
  readonly timestamp: string;
  readonly apiKey: string;
  readonly recvWindow: string;
  readonly tail: Uint8Array | string;
}

export const signatureOf = (secretKey: string, { timestamp, apiKey, recvWindow, tail }: SignedParts): string =>
  createHmac('sha256', secretKey).update(`${timestamp}${apiKey}${recvWindow}`, 'utf8').update(tail).digest('hex');

/** True when `sign` is exactly the signature of these bytes; upper-case hex does not pass. */
export const isSignedBy = (secretKey: string, parts: SignedParts, sign: string): boolean => {
  const expected = Buffer.from(signatureOf(secretKey, parts));
  const found = Buffer.from(sign);
  return expected.length === found.length && timingSafeEqual(expected, found);
};
