// How what lies on the queues is said to a person: ages, reports in one line, and text that others wrote.
// Promises that no text from a message can move the cursor or colour the terminal. Pure.
import Big from 'big.js';
import type { ExecutionReport } from '../shared/order/report.ts';

/** An age in the largest unit that tells it: "42 s", "3 min", "2 h", "5 d". Below 0 (clocks differ) it is "0 s". */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** An amount without the zeros that say nothing: "0.00100" is "0.001". What is no number stays as it is. */
export function amount(text: string): string {
  try {
    return new Big(text).toFixed();
  } catch {
    return text;
  }
}

/** Text of others as it may be shown: control characters, which a terminal obeys, become question marks. */
export function plain(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
}

/** What became of it, without whose it is: "filled 0.5 at 60000, fee 0.03 USDT, order 17". */
export function reportWords(report: ExecutionReport): string {
  const { status, filledSize, averagePrice, fee, feeCoin, venueOrderId, cancelSource, reason, detail } = report;
  const size =
    filledSize === undefined ? '' : ` ${filledSize}${averagePrice === undefined ? '' : ` at ${averagePrice}`}`;
  const parts = [
    status === 'canceled' && size !== '' ? `canceled, filled${size}` : `${status}${size}`,
    fee === undefined ? undefined : `fee ${fee} ${feeCoin ?? ''}`,
    cancelSource === undefined ? undefined : `canceled by: ${cancelSource}`,
    venueOrderId === undefined ? undefined : `order ${venueOrderId}`,
    reason,
  ];
  const said = parts.filter((part) => part !== undefined).join(', ');
  return plain(detail === undefined ? said : `${said}: ${detail}`);
}
