// The main job on real parts: an intent put on the queue becomes a signed order, or a dead letter that says why.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { intent, startSystem, type System } from './fixture.ts';

interface Order {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly side: string;
  readonly type: string;
  readonly size: string;
  readonly price: string;
  readonly state: string;
}

let system: System;
beforeAll(async () => {
  system = await startSystem({ accounts: 2, variables: { WARM_ACCOUNTS: 'main2,nobody', WARM_MARKETS: 'futures' } });
});
afterAll(() => system.close());

const orderOf = async (id: string): Promise<Order | undefined> =>
  (await system.control<readonly Order[]>('GET', '/orders')).find(({ clientOrderId }) => clientOrderId === id);

describe('an intent becomes an order', () => {
  const kinds = [
    { type: 'limit', side: 'buy', size: '0.001', price: '50000' },
    { type: 'limit', side: 'sell', size: '0.001', price: '70000' },
    { type: 'limit-maker', side: 'buy', size: '0.001', price: '50000' },
    { type: 'limit-maker', side: 'sell', size: '0.001', price: '70000' },
    { type: 'ioc', side: 'buy', size: '0.001', price: '61000' },
    { type: 'ioc', side: 'sell', size: '0.001', price: '59000' },
    { type: 'market', side: 'buy', notional: '25', size: undefined, price: undefined },
    { type: 'market', side: 'sell', size: '0.001', price: undefined },
  ];
  test.each(kinds)('$type $side', async (kind) => {
    const wanted = intent(kind);
    await system.send([wanted]);
    await system.until('a report', () => system.reportsOf(wanted.id).length > 0);
    const order = await orderOf(wanted.id);
    expect(system.reportsOf(wanted.id)).toMatchObject([
      {
        status: 'accepted',
        account: 'main',
        action: 'place',
        symbol: 'BTC_USDT',
        side: kind.side,
        venueOrderId: order?.orderId,
      },
    ]);
    expect(order).toMatchObject({ side: kind.side, type: kind.type.replace('-', '_') });
    expect(system.letterOf(wanted.id)).toBeUndefined();
  });

  test('a cancel takes the order off the book, and says so of one that is gone', async () => {
    const resting = intent();
    const cancel = (target: string) =>
      intent({ action: 'cancel', target, side: undefined, type: undefined, size: undefined, price: undefined });
    const [first, second, stranger] = [cancel(resting.id), cancel(resting.id), cancel('nosuchorder')];
    await system.send([resting, first, second, stranger]);
    await system.until('four reports', () => system.reportsOf(stranger.id).length > 0);
    expect(system.reportsOf(first.id)).toMatchObject([{ status: 'done' }]);
    expect(system.reportsOf(second.id)).toMatchObject([{ status: 'done', detail: 'the order was already canceled' }]);
    expect(system.reportsOf(stranger.id)).toMatchObject([{ status: 'rejected', reason: 'VENUE_REFUSED' }]);
    expect((await orderOf(resting.id))?.state).toBe('canceled');
  });
});

test('while a function starts it reads the secrets that it was told to, whoever its first order is for', async () => {
  const wanted = intent();
  await system.send([wanted]);
  await system.until('a report', () => system.reportsOf(wanted.id).length > 0);
  const read = (system.aws?.calls() ?? []).filter(({ action }) => action === 'GetSecretValue');
  const names = read.filter(({ accessKeyId }) => accessKeyId.includes('EXECUTE')).map(({ resource }) => resource);
  // That there is no account "nobody" harms nobody.
  for (const name of ['main', 'main2', 'nobody']) expect(names).toContain(`bitmart/accounts/${name}`);
  const requests = await system.control<Readonly<Record<string, unknown>>>('GET', '/requests');
  expect(Object.keys(requests)).toContain('/contract/public/details');
});
