// The orders that everybody places: messages as the event source mapping hands them over.
import { randomBytes } from 'node:crypto';
import type { SQSEvent } from 'aws-lambda';

/** An order that rests far below the market. */
export function intentOf(account: string, index = 0): Readonly<Record<string, string>> {
  const at = Date.now();
  return {
    ...{ id: `b${randomBytes(12).toString('hex')}`, account, action: 'place', market: 'spot', symbol: 'BTC_USDT' },
    ...{ side: 'buy', type: 'limit', size: '0.0005', price: String(20_000 + index) },
    ...{ createdAt: new Date(at).toISOString(), expiresAt: new Date(at + 60_000).toISOString() },
  };
}

export function eventOf(account: string, count: number): SQSEvent {
  const Records = Array.from({ length: count }, (_, index) => {
    const intent = intentOf(account, index);
    const sentAt = String(Date.now());
    return {
      ...{ messageId: crypto.randomUUID(), receiptHandle: `receipt-${String(intent['id'])}`, md5OfBody: '' },
      ...{ body: JSON.stringify(intent), messageAttributes: {} },
      attributes: {
        ...{ ApproximateReceiveCount: '1', SentTimestamp: sentAt, ApproximateFirstReceiveTimestamp: sentAt },
        ...{
          SenderId: 'bench',
          MessageGroupId: account,
          MessageDeduplicationId: String(intent['id']),
          SequenceNumber: '1',
        },
      },
      ...{ eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:ap-northeast-1:000000000000:intents.fifo' },
      awsRegion: 'ap-northeast-1',
    };
  });
  return { Records };
}
