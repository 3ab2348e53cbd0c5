// A mandate in the words of the command line: options become changes, a mandate becomes sentences, and of two mandates
// it is told what the second allows that the first does not. Pure; nothing is read or written.
import Big from 'big.js';
import type { Command } from 'commander';
import { DECIMAL, SYMBOL } from '../shared/order/intent.ts';
import type { Mandate } from '../shared/order/mandate.ts';
import { refusal } from './terminal.ts';

/** What may be said of a mandate; halt and resume say its state. */
export interface MandateOptions {
  readonly symbols?: string;
  readonly maxOrderNotional?: string;
  readonly limitShare?: string;
  readonly batching?: string;
  readonly shadow?: string;
}

/** The options that set limits, for every command that has them. */
export function withLimits(command: Command): Command {
  return command
    .option('--symbols <list>', 'only these may be traded: BTC_USDT,ETH_USDT; or all')
    .option('--max-order-notional <amount>', 'the most that one order may be worth, in quote coin; or none')
    .option('--limit-share <part>', "this key's part of the exchange's limit for orders, above 0 and at most 1; or none")
    .option('--batching <on|off>', 'new spot orders of one symbol go out in one request; change it when nothing is under way'); // prettier-ignore
}

/** The fields of a mandate that the options change; `undefined` takes one away. @throws Refusal naming the option */
export function changeIn(options: MandateOptions): Readonly<Record<string, unknown>> {
  const { symbols, maxOrderNotional, limitShare, batching, shadow } = options;
  return {
    ...(symbols === undefined ? {} : { symbols: symbols === 'all' ? undefined : symbolsIn(symbols) }),
    ...(maxOrderNotional === undefined ? {} : { maxOrderNotional: amountIn(maxOrderNotional) }),
    ...(limitShare === undefined ? {} : { limitShare: shareIn(limitShare) }),
    ...(batching === undefined ? {} : { batching: switchIn('--batching', batching) }),
    ...(shadow === undefined ? {} : { shadow: switchIn('--shadow', shadow) }),
  };
}

function symbolsIn(text: string): readonly string[] {
  const symbols = [...new Set(text.split(',').map((symbol) => symbol.trim()))];
  const wrong = symbols.find((symbol) => !SYMBOL.test(symbol));
  if (wrong === undefined) return symbols;
  throw refusal(`--symbols: "${wrong}" is no symbol; say them as BTC_USDT,ETH_USDT, or all.`);
}

function amountIn(text: string): string | undefined {
  if (text === 'none') return undefined;
  if (DECIMAL.test(text)) return text;
  throw refusal(`--max-order-notional: "${text}" is no amount; say a plain number above 0, as 1000 or 12.5, or none.`);
}

function shareIn(text: string): number | undefined {
  if (text === 'none') return undefined;
  const share = Number(text);
  if (/^\d(\.\d{1,6})?$/.test(text) && share > 0 && share <= 1) return share;
  throw refusal(`--limit-share: "${text}" is not above 0 and at most 1; say 0.5 for a half, or none.`);
}

/** Off is a field that is not there. */
function switchIn(option: string, text: string): true | undefined {
  if (text === 'on') return true;
  if (text === 'off') return undefined;
  throw refusal(`${option} is on or off, not "${text}".`);
}

/** What of the limits a person reads: "BTC_USDT alone, at most 1000 an order, sent for real". */
export function allows({ symbols, maxOrderNotional, limitShare, batching, shadow }: Mandate): string {
  return [
    symbols === undefined ? 'every symbol' : symbols.length === 0 ? 'no symbol' : `${symbols.join(', ')} alone`,
    maxOrderNotional === undefined ? 'orders of any size' : `an order at most ${maxOrderNotional} in quote coin`,
    ...(limitShare === undefined ? [] : [`${limitShare} of the limit`]),
    ...(batching === true ? ['orders together where they can be'] : []),
    shadow === true ? 'signed and not sent (shadow)' : 'sent for real',
  ].join('; ');
}

/** What the second allows that the first does not, a sentence each. State apart: that is for halt and resume. */
export function widened(before: Mandate, after: Mandate): readonly string[] {
  const added = after.symbols?.filter((symbol) => before.symbols?.includes(symbol) === false) ?? [];
  const [less, more] = [before.maxOrderNotional, after.maxOrderNotional];
  return [
    ...(before.shadow === true && after.shadow !== true ? ['its orders are sent for real'] : []),
    ...(before.symbols !== undefined && after.symbols === undefined ? ['every symbol may be traded'] : []),
    ...(added.length > 0 ? [`${added.join(', ')} may be traded`] : []),
    ...(less !== undefined && more === undefined ? ['an order may be of any size'] : []),
    ...(less !== undefined && more !== undefined && new Big(more).gt(less)
      ? [`an order may be worth ${more} in quote coin instead of ${less}`]
      : []),
  ];
}
