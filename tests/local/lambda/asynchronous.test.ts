// Asynchronous invocation: how often a failing event is tried, and what is told of it in the end.
import { describe, expect, test } from '@jest/globals';
import { asynchronously, type AsynchronousOptions } from '../../../local/lambda/asynchronous.ts';
import type { InvocationResult } from '../../../local/lambda/definition.ts';

const failed: InvocationResult = { error: { errorType: 'Error', errorMessage: 'no', stackTrace: ['at x'] } };

/** Runs one event; `results` are what its attempts come to, the last one again and again. */
async function invoked(results: readonly InvocationResult[], more: Partial<AsynchronousOptions> = {}) {
  const seen: unknown[] = [];
  const records: unknown[] = [];
  const { invoke, idle } = asynchronously({
    ...{ maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600, timeScale: 0.0001, functionArn: 'arn:f' },
    run: (payload) => {
      seen.push(payload);
      return Promise.resolve(results[Math.min(seen.length, results.length) - 1] ?? {});
    },
    onFailure: (record) => Promise.resolve(void records.push(JSON.parse(record))),
    ...more,
  });
  invoke({ a: 1 });
  expect(seen).toHaveLength(1);
  await idle();
  return { seen, records };
}

describe('an event', () => {
  test('that succeeds is run once, and nothing is told', async () => {
    expect(await invoked([{ payload: 1 }])).toEqual({ seen: [{ a: 1 }], records: [] });
  });
  test('that fails at first is tried again, the same', async () => {
    expect(await invoked([failed, { payload: 1 }])).toEqual({ seen: [{ a: 1 }, { a: 1 }], records: [] });
  });
  test.each([0, 1, 2])('that always fails is told once, after %i retries', async (maximumRetryAttempts) => {
    const { seen, records } = await invoked([failed], { maximumRetryAttempts });
    expect(seen).toHaveLength(maximumRetryAttempts + 1);
    expect(records).toEqual([
      {
        version: '1.0',
        timestamp: expect.stringMatching(/Z$/),
        requestContext: {
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          functionArn: 'arn:f:$LATEST',
          condition: 'RetriesExhausted',
          approximateInvokeCount: maximumRetryAttempts + 1,
        },
        requestPayload: { a: 1 },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        responsePayload: failed.error,
      },
    ]);
  });
  test('that has grown too old is told instead of tried', async () => {
    const { seen, records } = await invoked([failed], { maximumEventAgeSeconds: 60, timeScale: 0.0005 });
    expect(seen.length).toBeLessThan(3);
    expect(records).toMatchObject([{ requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: seen.length } }]); // prettier-ignore
  });
});
