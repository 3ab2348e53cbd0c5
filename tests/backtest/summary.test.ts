// What a backtest comes to, held to figures that were reckoned by hand; and its pictures: well-formed, a mark per fill, no wider
// than the terminal.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drawn, svg } from '../../cli/backtest/chart.ts';
import { summaryOf } from '../../cli/backtest/summary.ts';
import { dataOf, linesOf } from '../../cli/backtest/words.ts';
import { at, prepared, ran, rows, seriesOf, START, told, type Row } from './fixture.ts';

/** Steps of one cent around whole prices are left out: fees and prices are round. */
const byHour = (orders: Readonly<Record<number, object>>) =>
  told(({ scheduledAt }) => Object.entries(orders).flatMap(([hour, order]) => (at(Number(hour)) === scheduledAt ? [order] : []))); // prettier-ignore

describe('the summary', () => {
  // Bought at 99.99 + 0.01 = 100 and at 200, sold at 150; worth 1000, 1000, 1090, 890, 990.
  const path: Row[] = [[99.99, 100, 50, 99.99], [99.99, 100, 50, 199.99], [199.99, 200, 90, 99.99], [150.01, 160, 90, 150.01], [150, 160, 90, 150]]; // prettier-ignore
  const orders = {
    1: { side: 'buy', type: 'market', notional: '100' },
    2: { side: 'buy', type: 'market', notional: '200' },
    3: { side: 'sell', type: 'market', size: '1' },
  };
  const series = [seriesOf('BTC_USDT', path)];
  const free = { rates: { maker: '0', taker: '0' } };

  test('counts what was spent, received, held, and what that cost on average', () => {
    const { money, coins, fills } = summaryOf(ran(byHour(orders), series, free));
    expect(fills).toBe(3);
    expect(money).toEqual({ coin: 'USDT', start: '1000', spent: '300', received: '150', left: '850', bound: '0' });
    expect(coins).toEqual([{ coin: 'BTC', start: '0', bought: '2', sold: '1', held: '1', averageCost: '150', price: '150', worth: '150' }]); // prettier-ignore
  });
  test('with fees they are in the cost, and in the coin that the exchange takes them in', () => {
    const { money, coins, fees } = summaryOf(ran(byHour(orders), series, { rates: { maker: '0', taker: '0.01' } }));
    expect(fees).toEqual({ USDT: '4.5' });
    expect([coins[0]?.averageCost, money.left]).toEqual(['151.5', '845.5']);
  });
  test('the return, that of holding, and the deepest fall', () => {
    const { worth, returnPercent, hold, drawdown } = summaryOf(ran(byHour(orders), series, free));
    expect([worth, returnPercent]).toEqual([{ start: '1000', end: '1000' }, '0.00']);
    // 10.001 BTC at 99.99, in steps of 0.00001: 10.00100 cost 999.99999; at 150 they are worth 1500.15.
    expect(hold).toEqual({ worth: '1500.15001', returnPercent: '50.02' });
    // From 1099.99 at the end of hour 1 to 899.98 at the end of hour 2.
    expect(drawdown).toEqual({ percent: '18.18', from: '2026-01-01T02:00:00.000Z', to: '2026-01-01T03:00:00.000Z' });
  });
  test('coins of the start count with the first price, and are held on in the comparison', () => {
    const outcome = ran(byHour({}), series, { ...free, balances: { BTC: '2' } });
    const { worth, coins, hold } = summaryOf(outcome);
    expect([worth, coins[0]?.averageCost, hold.worth]).toEqual([{ start: '199.98', end: '300' }, '99.99', '300']);
  });
  test('of nothing at all is 0 and no division by it', () => {
    expect(summaryOf(ran(byHour({}), series, { balances: {} }))).toMatchObject({
      ...{ returnPercent: '0.00', hold: { returnPercent: '0.00' }, drawdown: { percent: '0.00' } },
    });
  });
  test('its lines keep to the width, but for words that are longer', () => {
    const lines = linesOf(summaryOf(ran(byHour(orders), series, free)), 60);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.join('\n')).toMatch(/return {6}\+0\.00 %; holding from the first candle: \+50\.02 %/);
  });
});

/** Every element that is opened is closed in its turn, and text holds no bare sign. @returns how many of each name */
function elements(xml: string): Readonly<Record<string, number>> {
  const open: string[] = [];
  const counts: Record<string, number> = {};
  let rest = xml;
  while (rest !== '') {
    const [text = ''] = /^[^<]*/.exec(rest) ?? [];
    expect(text).not.toMatch(/&(?!#\d+;)|>/);
    if (open.length === 0) expect(text.trim()).toBe('');
    rest = rest.slice(text.length);
    if (rest === '') break;
    const [tag = '', close, name = '', , , empty] = /^<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<&]*")*)( ?)(\/?)>/.exec(rest) ?? []; // prettier-ignore
    expect({ tag, rest: rest.slice(0, 60) }).not.toMatchObject({ tag: '' });
    rest = rest.slice(tag.length);
    if (close === '/') expect(open.pop()).toBe(name);
    else {
      counts[name] = (counts[name] ?? 0) + 1;
      if (empty !== '/') open.push(name);
    }
  }
  expect(open).toEqual([]);
  return counts;
}

describe('the pictures', () => {
  const cases = fc.constantFrom<readonly [string, object]>(
    ['dca', { symbol: 'BTC_USDT', notional: '25', budget: '900', start: START, intervalSeconds: 3600 }],
    ['rebalance', { start: START, intervalSeconds: 3600, targets: { BTC: '40' }, band: '0.2', maxOrderNotional: '90' }],
  );
  test('the file is well-formed, holds no number that is none, and has a mark for every fill, of its side', () => {
    fc.assert(
      fc.property(rows(), cases, (btc, [name, parameters]) => {
        const outcome = ran(prepared(name, parameters), [seriesOf('BTC_USDT', btc)], { name: '<&">' });
        const picture = svg(outcome);
        const counts = elements(picture);
        expect(picture).not.toMatch(/NaN|Infinity|undefined/);
        const of = (side: string) => dataOf(summaryOf(outcome), outcome).fillList.filter((fill) => fill.side === side).length; // prettier-ignore
        expect([counts['path'] ?? 0, counts['polyline']]).toEqual([outcome.fills.length, 3]);
        for (const side of ['buy', 'sell']) expect(picture.split(`<path class="${side}"`).length - 1).toBe(of(side));
      }),
    );
  });
  test('the drawing is no wider than the terminal, and shows both lines', () => {
    fc.assert(
      fc.property(rows(300), cases, fc.integer({ min: 60, max: 140 }), (btc, [name, parameters], width) => {
        const picture = drawn(ran(prepared(name, parameters), [seriesOf('BTC_USDT', btc)]), width);
        for (const line of picture.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
        expect(picture).toMatch(/\n.*•/);
        expect(picture).toMatch(/2026-01-01/);
      }),
    );
  });
});
