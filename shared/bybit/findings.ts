// What an examination of Bybit and an account there can find: one table of codes, and what an answer that should not have come
// amounts to. Pure. UNKNOWN of the exchange is said as such, never guessed.
import { findingBy, type Finding, type FindingRow } from '../order/finding.ts';
import { meaningOf, remedy } from './codes.ts';
import type { Reply } from './wire.ts';

// prettier-ignore
export const findings = {
  LATENCY_GOOD: { check: 'network', level: 'good', means: 'The exchange answers; the middle one of the times that it took is told.' },
  NO_ANSWER: { check: 'network', level: 'trouble', means: 'No answer came: no connection, or none in time.', next: 'Look at the network findings; try again in a minute.' },
  SERVER_TROUBLE: { check: 'network', level: 'trouble', means: 'The exchange answered with an error of its own, or with something that cannot be read.', next: 'Try again in some minutes; the exchange has to mend it.' },
  COUNTRY_BLOCKED: { check: 'network', level: 'trouble', means: 'The exchange refuses the country of this address (HTTP 403): it serves neither the United States nor mainland China. Waiting will not help.', next: 'Deploy the stack in a region that is served (ap-southeast-1); customers of some countries have a host of their own (BYBIT_URL).' },
  CLOCK_GOOD: { check: 'clock', level: 'good', means: 'Our clock is near enough to the exchange\'s.' },
  CLOCK_DRIFTS: { check: 'clock', level: 'note', means: 'Our clock is still accepted, and more than halfway to where it is not.', next: 'Turn on NTP (chrony, systemd-timesyncd, w32time) before it is too late.' },
  CLOCK_AHEAD: { check: 'clock', level: 'trouble', means: 'Our clock is a second or more ahead: everything signed is refused (10002).', next: 'Set the clock by NTP (chrony, systemd-timesyncd, w32time).' },
  CLOCK_BEHIND: { check: 'clock', level: 'trouble', means: 'Our clock is further behind than the receive window: everything signed is refused (10002).', next: 'Set the clock by NTP (chrony, systemd-timesyncd, w32time).' },
  CLOCK_UNTOLD: { check: 'clock', level: 'note', means: 'The exchange did not tell its time.', next: 'Look at the other findings first.' },
  TIMESTAMP_REFUSED: { check: 'clock', level: 'trouble', means: 'The exchange refused our timestamp (10002); the signature is not proven thereby.', next: 'Set the clock by NTP, then examine again.' },
  SERVICE_GOOD: { check: 'service', level: 'good', means: 'No maintenance is under way or announced. Breaks of less than 10 s are never announced.' },
  MAINTENANCE: { check: 'service', level: 'trouble', means: 'Maintenance is under way.', next: 'Wait until it is over; intents wait by themselves until they expire.' },
  MAINTENANCE_PLANNED: { check: 'service', level: 'note', means: 'Maintenance is announced.', next: 'Halt the accounts before it begins, or let intents expire.' },
  SERVICE_UNTOLD: { check: 'service', level: 'note', means: 'The state of the service cannot be read; demo does not tell it.', next: 'Look at the exchange\'s announcements.' },
  TRADING_GOOD: { check: 'trading', level: 'good', means: 'BTCUSDT is open to trade, as a pair and as a perpetual.' },
  TRADING_STOPPED: { check: 'trading', level: 'trouble', means: 'BTCUSDT takes no orders.', next: 'Look at the exchange\'s announcements; halt the account until it is clear.' },
  SECRET_FIELDS: { check: 'secret', level: 'trouble', means: 'The secret lacks a field or has a wrong one.', next: 'Store it anew: venue "bybit", environment, apiKey and secretKey, as text.' },
  KEY_GOOD: { check: 'key', level: 'good', means: 'The exchange knows the key in this environment.' },
  KEY_UNKNOWN: { check: 'key', level: 'trouble', means: 'The exchange does not know apiKey here (10003): mistyped, deleted, or of another environment or site. Live, demo and testnet have keys of their own.', next: 'Look where the key was made and set `environment` in the secret to that; else copy the key again.' },
  KEY_EXPIRED: { check: 'key', level: 'trouble', means: 'The key has expired: without a bound address it lives 90 days, and 7 after a change of the password.', next: 'Extend it on the exchange, which changes neither key nor secret, or make a new one; bind an address, and it does not expire.' },
  KEY_AGES: { check: 'key', level: 'trouble', means: 'The key expires in less than two weeks.', next: 'Extend it on the exchange, or bind an address to it.' },
  KEY_UNBOUND: { check: 'address', level: 'note', means: 'No address is bound to the key: it serves whoever has it, and expires after 90 days.', next: 'Give the functions a fixed address and bind that (docs/keys.md).' },
  KEY_BOUND: { check: 'address', level: 'good', means: 'The key is bound to addresses, and does not expire.' },
  ACCOUNT_RESTRICTED: { check: 'key', level: 'trouble', means: 'The account may not do this: restricted, not unified, banned or not verified.', next: 'Look at the account on the exchange, and ask its support with the code.' },
  SIGNATURE_GOOD: { check: 'signature', level: 'good', means: 'A signed read passed: apiKey and secretKey belong together.' },
  SIGNATURE_WRONG: { check: 'signature', level: 'trouble', means: 'The signature is refused (10004): secretKey is wrong. What is sent is the text that was signed.', next: 'Store the secret key again, without white space or a line break at an end; where it cannot be looked up any more, make a new key.' },
  SIGNATURE_UNPROVEN: { check: 'signature', level: 'trouble', means: 'Whether secretKey is right could not be told: the exchange did not come to look at it.', next: 'Mend the other findings, then examine again.' },
  KEY_READ_ONLY: { check: 'permissions', level: 'trouble', means: 'The key may only read.', next: 'Make it a key for reading and writing on the exchange.' },
  SPOT_TRADE_GOOD: { check: 'permissions', level: 'good', means: 'The key may trade spot (SpotTrade).' },
  SPOT_TRADE_MISSING: { check: 'permissions', level: 'trouble', means: 'The key may not trade spot.', next: 'Tick SpotTrade for the key on the exchange, if it is to trade spot.' },
  FUTURES_TRADE_GOOD: { check: 'permissions', level: 'good', means: 'The key may trade perpetuals (Order and Position of Contract).' },
  FUTURES_TRADE_MISSING: { check: 'permissions', level: 'trouble', means: 'The key may not trade perpetuals.', next: 'Tick Order and Position of Contract for the key on the exchange, if it is to trade futures.' },
  WITHDRAW_ALLOWED: { check: 'permissions', level: 'trouble', means: 'The key may withdraw, which nothing here needs.', next: 'Take Withdraw from the key on the exchange.' },
  PERMISSIONS_UNTOLD: { check: 'permissions', level: 'note', means: 'What the key may do cannot be asked here; demo does not tell.', next: 'Look at the key on the exchange.' },
  PRICES_KEPT: { check: 'permissions', level: 'good', means: 'A price outside its band is refused, in spot and of perpetuals.' },
  PRICES_MOVED: { check: 'permissions', level: 'trouble', means: 'The account has a price outside its band moved instead of refused: priced orders of that market are refused here.', next: 'Set it to refuse on the exchange (trading settings; set-limit-px-action with modifyEnable false).' },
  ADDRESS_NOT_BOUND: { check: 'address', level: 'trouble', means: 'The key is bound to other addresses than the one that asks (10010).', next: 'Bind the address by which this machine leaves. Functions on AWS leave by others: give them a fixed one and bind that (docs/keys.md).' },
  LIMIT_ALONE: { check: 'limit', level: 'good', means: 'Nobody else was seen using the limit of this read.' },
  LIMIT_SHARED: { check: 'limit', level: 'note', means: 'Others use the limits of this user id: other programs, other keys of the user, or the functions of a running stack.', next: 'Where it is not your own stack, give each key its part: `limitShare` in the mandates, all of one user together at most 1.' },
  LIMIT_UNTOLD: { check: 'limit', level: 'note', means: 'The answers had no usage headers, so who else uses the limits cannot be told.' },
  THROTTLED: { check: 'limit', level: 'trouble', means: 'Too many requests (10006, 429): others use the limit, for a few paced ones were sent. Nothing more was asked.', next: 'Stop the other programs on this user id, wait a minute, then examine again.' },
  BANNED: { check: 'limit', level: 'trouble', means: 'This address made more than 600 requests in 5 s (HTTP 403). Nothing more was asked.', next: 'Stop everything at this address for 10 minutes at least: the ban lifts by itself.' },
  UNEXPECTED: { check: 'service', level: 'trouble', means: 'An answer that fits nothing above.', next: 'Look the code up in docs/codes.md.' },
} as const satisfies Readonly<Record<string, FindingRow>>;

export type Code = keyof typeof findings;
// Marked so that functions which never examine do not carry the table.
export const finding = /* @__PURE__ */ findingBy(findings);

/** Codes after which nothing more is asked: the limit, a ban, a country, no connection. */
const ENOUGH = new Set<string>(['THROTTLED', 'BANNED', 'COUNTRY_BLOCKED', 'NO_ANSWER']);
export const isEnough = ({ code }: Finding): boolean => ENOUGH.has(code);

const BY_CODE: Readonly<Record<string, Code>> = {
  '-1': 'TIMESTAMP_REFUSED',
  '-2015': 'KEY_EXPIRED',
  '10002': 'TIMESTAMP_REFUSED',
  '10003': 'KEY_UNKNOWN',
  '10004': 'SIGNATURE_WRONG',
  '10006': 'THROTTLED',
  '10010': 'ADDRESS_NOT_BOUND',
  '33004': 'KEY_EXPIRED',
  CONNECT_FAILED: 'NO_ANSWER',
  HTTP_2XX_BAD_BODY: 'SERVER_TROUBLE',
  HTTP_401: 'KEY_UNKNOWN',
  HTTP_403: 'BANNED',
  HTTP_403_COUNTRY: 'COUNTRY_BLOCKED',
  HTTP_429: 'THROTTLED',
  HTTP_5XX: 'SERVER_TROUBLE',
  NOT_SENT: 'NO_ANSWER',
  TIMEOUT: 'NO_ANSWER',
};

/**
 * What an answer amounts to that should not have come.
 * @param secrets texts that the finding may not hold: an answer that repeats one is not quoted
 */
export function trouble(reply: Reply, secrets: readonly string[] = []): Finding {
  const { code, message } = reply;
  const { means, because } = meaningOf(code, message);
  const isQuotable = message !== '' && !secrets.some((secret) => secret !== '' && message.includes(secret));
  const said = `answer ${code}${isQuotable ? ` ("${message.slice(0, 120)}")` : ''}: ${because}`;
  const known = BY_CODE[code];
  if (known !== undefined) return finding(known, said);
  if (means === 'unauthorised') return finding('ACCOUNT_RESTRICTED', `${said}; ${remedy(code)}`);
  return finding(means === 'unknown' ? 'SERVER_TROUBLE' : 'UNEXPECTED', said);
}

/** The most that is ever sent: clock, service and two symbols; the key and two settings. */
export const MOST_REQUESTS = { exchange: 6, account: 2 } as const;
