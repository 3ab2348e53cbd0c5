// The signature is the published one, and what is signed is what is sent: the same bytes, whatever is in them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { send, sign, type Credentials } from '../../shared/bitmart/wire.ts';
import { nodeTransport } from '../../shared/http.ts';
import { startRecorder, type Recorder } from './recorder.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly method: string;
  readonly timestamp: string;
  readonly memo: string;
  readonly secret: string;
  readonly body: string | null;
  readonly signed_string: string;
  readonly signed_part: string;
  readonly sign: string;
}
const { vectors } = JSON.parse(readFileSync(new URL('../data/bitmart/signatures.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

describe('the recorded vectors', () => {
  const posts = vectors.filter(({ method }) => method === 'POST');
  test('are many', () => expect(posts.length).toBeGreaterThan(20));
  test.each(posts.map((vector) => [`${vector.name} (${vector.source})`, vector] as const))('%s', (_, vector) => {
    const { secret: secretKey, memo, timestamp, body } = vector;
    expect(sign({ secretKey, memo }, timestamp, body ?? '')).toBe(vector.sign);
    expect(`${timestamp}#${memo}#${body ?? ''}`).toBe(vector.signed_string);
  });
  test('the login of the websocket signs its fixed text the same way', () => {
    const login = vectors.find(({ method }) => method === 'WS');
    if (login === undefined) throw new Error('no such vector');
    expect(sign({ secretKey: login.secret, memo: login.memo }, login.timestamp, 'bitmart.WebSocket')).toBe(login.sign);
  });
});

describe('send', () => {
  let server: Recorder;
  const transport = nodeTransport();
  beforeAll(async () => {
    server = await startRecorder();
  });
  beforeEach(() => {
    server.requests.length = 0;
    server.answer({});
  });
  afterAll(() => server.close());

  const credentials: Credentials = { apiKey: 'key-1', secretKey: 'sécret #1', memo: 'my memo #1 é 備忘' };
  const post = (body: Readonly<Record<string, unknown>>, as = credentials) =>
    send(transport, server.url, { method: 'POST', path: '/spot/v2/submit_order', body, credentials: as, deadline: Date.now() + 5000 }, Date.now); // prettier-ignore
  /** Recomputed from the bytes that arrived. */
  const expected = (as: Credentials, timestamp: unknown, bytes: Buffer): string =>
    createHmac('sha256', as.secretKey)
      .update(Buffer.concat([Buffer.from(`${String(timestamp)}#${as.memo}#`), bytes]))
      .digest('hex');

  test.each(['', 'plain', 'my memo #1', 'with é and 備忘', ' ', '##'])('signs with the memo %j', async (memo) => {
    const before = Date.now();
    const as = { ...credentials, memo };
    const answer = await post({ symbol: 'BTC_USDT', note: 'ü' }, as);
    const [request] = server.requests;
    if (request === undefined) throw new Error('nothing arrived');
    expect(request.headers['x-bm-sign']).toBe(expected(as, answer.signedAt, request.bytes));
    expect(request.headers).toMatchObject({ 'x-bm-key': 'key-1', 'x-bm-timestamp': String(answer.signedAt) });
    expect(answer.signedAt).toBeGreaterThanOrEqual(before);
    expect(answer.signedAt).toBeLessThanOrEqual(Date.now());
  });

  test('signs exactly the bytes that it sends, and gives their number, for any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), async (body) => {
        server.requests.length = 0;
        const answer = await post(body);
        const [request] = server.requests;
        if (request === undefined) throw new Error('nothing arrived');
        expect(request.bytes.toString('utf8')).toBe(JSON.stringify(body));
        expect(request.headers['content-length']).toBe(String(request.bytes.length));
        expect(request.headers['transfer-encoding']).toBeUndefined();
        expect(request.headers['x-bm-sign']).toBe(expected(credentials, answer.signedAt, request.bytes));
      }),
      { numRuns: 50 },
    );
  });

  test('says that the body is JSON and who is calling', async () => {
    await post({ a: '1' });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/spot/v2/submit_order' });
    const headers = server.requests[0]?.headers;
    expect(headers?.['content-type']).toMatch(/^application\/json/);
    expect(headers?.['user-agent']).toMatch(/^[\w-]+\/\d/);
  });

  test('names a broker only where the account has one', async () => {
    await post({ a: '1' });
    await post({ a: '1' }, { ...credentials, brokerId: 'broker-7' });
    expect(server.requests.map(({ headers }) => headers['x-bm-broker-id'])).toEqual([undefined, 'broker-7']);
  });

  test('neither signs nor names a key in a public call', async () => {
    const path = '/spot/quotation/v3/books';
    const query = { symbol: 'BTC_USDT', limit: '1' };
    await send(transport, server.url, { method: 'GET', path, query, deadline: Date.now() + 5000 }, Date.now);
    expect(server.requests[0]).toMatchObject({ method: 'GET', url: `${path}?symbol=BTC_USDT&limit=1` });
    expect(server.requests[0]?.bytes).toHaveLength(0);
    expect(Object.keys(server.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-bm'))).toEqual([]);
  });

  test('gives a key but no signature where it reads with a key alone', async () => {
    const request = { method: 'GET', path: '/spot/v1/wallet', credentials, deadline: Date.now() + 5000 } as const;
    await send(transport, server.url, request, Date.now);
    const names = Object.keys(server.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-bm'));
    expect(names).toEqual(['x-bm-key']);
  });

  test('never shows a secret in what it answers', async () => {
    server.answer({ status: 401, body: { code: 30005, message: 'Header X-BM-SIGN is wrong', data: {} } });
    const answers = [await post({ a: '1' }), await post({ a: '1' }, { ...credentials, memo: 'M3mo' })];
    expect(JSON.stringify(answers)).not.toMatch(/sécret|M3mo|memo|key-1/);
  });
});
