// What an examination of BitMart and an account there can find: one table of codes, of which docs/doctor.md is made, and
// what an answer that should not have come amounts to. Pure. UNKNOWN of the exchange is said as such, never guessed.
import { commonFindings, findingBy, type Finding, type FindingRow } from '../order/finding.ts';
import type { Reply } from './calls.ts';
import { meaningOf, remedy, speaksOfTheEnd } from './codes.ts';

// prettier-ignore
export const findings = {
  LATENCY_GOOD: { check: 'network', level: 'good', means: 'The exchange answers; the middle one of the times that it took is told.' },
  NO_ANSWER: { check: 'network', level: 'trouble', means: 'No answer came: no connection, or none in time.', next: 'Look at the network findings; try again in a minute.' },
  EDGE_PAGE: { check: 'network', level: 'trouble', means: 'The content network in front of the exchange answered with a page (HTTP 403 without JSON).', next: 'Wait a minute before the next call, and call seldom. If it stays: look for a proxy that changes requests, or try another egress address.' },
  ORIGIN_PAGE: { check: 'network', level: 'trouble', means: 'The content network in front of the exchange answered with a page that says 5xx: the exchange behind it is down, or this address is challenged.', next: 'Try again in some minutes. If it stays while others reach the exchange: try another egress address.' },
  SERVER_TROUBLE: { check: 'network', level: 'trouble', means: 'The exchange answered with an error of its own, or with something that cannot be read.', next: 'Try again in some minutes; the exchange has to mend it.' },
  CLOCK_GOOD: { check: 'clock', level: 'good', means: 'Our clock is near enough to the exchange\'s.' },
  CLOCK_DRIFTS: { check: 'clock', level: 'note', means: 'Our clock is still accepted, and more than halfway to where it is not.', next: 'Turn on NTP (chrony, systemd-timesyncd, w32time) before it is too late.' },
  CLOCK_AHEAD: { check: 'clock', level: 'trouble', means: 'Our clock is a second or more ahead: look-ups and batches are refused with 30007.', next: 'Set the clock by NTP (chrony, systemd-timesyncd, w32time).' },
  CLOCK_BEHIND: { check: 'clock', level: 'trouble', means: 'Our clock is 5 s or more behind: look-ups and batches are refused with 30007; from a minute on everything signed.', next: 'Set the clock by NTP (chrony, systemd-timesyncd, w32time).' },
  CLOCK_UNTOLD: { check: 'clock', level: 'note', means: 'The exchange did not tell its time.', next: 'Look at the other findings first.' },
  TIMESTAMP_REFUSED: { check: 'clock', level: 'trouble', means: 'The exchange refused our timestamp (30007 and its like); the signature is not proven thereby.', next: 'Set the clock by NTP, then examine again.' },
  SERVICE_GOOD: { check: 'service', level: 'good', means: 'No maintenance is under way or announced.' },
  MAINTENANCE: { check: 'service', level: 'trouble', means: 'Maintenance is under way (/system/service, or 30016).', next: 'Wait until it is over; intents wait by themselves until they expire.' },
  MAINTENANCE_PLANNED: { check: 'service', level: 'note', means: 'Maintenance is announced.', next: 'Halt the accounts before it begins, or let intents expire.' },
  SERVICE_UNTOLD: { check: 'service', level: 'note', means: 'The state of the service cannot be read.', next: 'Look at the exchange\'s announcements.' },
  TRADING_GOOD: { check: 'trading', level: 'good', means: 'Pairs are open to trade.' },
  TRADING_STOPPED: { check: 'trading', level: 'trouble', means: 'A pair cannot be traded, or the answer is one of those under which the end of trading may show (50022, 50023, 50040, 51008, 30014, 30031). Which one announces it is UNKNOWN.', next: 'Look at the exchange\'s announcements; halt the account until it is clear.' },
  TRADING_OVER: { check: 'trading', level: 'trouble', means: 'The exchange has ended trading: its answer says so, or the announced date is past.', next: 'Halt all accounts. Nothing that is sent there becomes a trade; the platform itself ends on 2027-01-31.' },
  SECRET_FIELDS: { check: 'secret', level: 'trouble', means: 'The secret lacks fields, or has some that are none.', next: 'It needs apiKey, secretKey and memo as text; venue and brokerId may be there, and nothing else beside the mandate.' },
  MEMO_CALLED_UID: { check: 'secret', level: 'trouble', means: 'The secret has `uid` where the memo should be; some clients call it so.', next: 'Store the text that was typed when the key was made, under `memo`. It is not a user id.' },
  KEY_HAS_STRAY: { check: 'secret', level: 'trouble', means: 'apiKey holds white space or other characters that no key has.', next: 'Copy the key again, without what stands around it.' },
  KEY_GOOD: { check: 'key', level: 'good', means: 'The exchange knows the key and it is neither frozen nor expired.' },
  KEY_UNKNOWN: { check: 'key', level: 'trouble', means: 'The exchange does not know apiKey (30002): mistyped, deleted, or of another exchange.', next: 'Copy the API key again from the exchange\'s page of keys; if it is not listed there, make a new one.' },
  KEY_SECRET_SWAPPED: { check: 'key', level: 'trouble', means: 'apiKey and secretKey stand in each other\'s place.', next: 'Exchange the two and store them again.' },
  KEY_MEMO_SWAPPED: { check: 'key', level: 'trouble', means: 'apiKey and memo stand in each other\'s place.', next: 'Exchange the two and store them again.' },
  KEY_SHAPE: { check: 'key', level: 'note', means: 'apiKey is not 40 hex digits, as the published examples are; whether all keys are is UNKNOWN.', next: 'Look whether all of it was copied, and from the right place.' },
  KEY_FROZEN: { check: 'key', level: 'trouble', means: 'The key is frozen (30003).', next: 'Look at the account on the exchange and ask its support; a new key may not help.' },
  KEY_EXPIRED: { check: 'key', level: 'trouble', means: 'The key has expired (30011).', next: 'Make a new key and store it with `desk account rotate`.' },
  ACCOUNT_RESTRICTED: { check: 'key', level: 'trouble', means: 'The account may not do this: not opened, frozen, restricted or not verified.', next: 'Look at the account on the exchange, and ask its support with the code.' },
  SIGNATURE_GOOD: { check: 'signature', level: 'good', means: 'A signed read passed: apiKey, secretKey and memo belong together. (A balance would pass with a wrong memo: it asks for the key alone.)' },
  SIGNATURE_WRONG: { check: 'signature', level: 'trouble', means: 'The signature is refused (30005): secretKey or memo is wrong. The answer is the same for both, so which one cannot be told by it. The body is not the cause: what is sent are the bytes that were signed.', next: 'Compare the memo with what the exchange\'s page shows for this key (case and spaces count). If it is the same, the secret key is wrong: where it cannot be looked up any more, make a new key.' },
  SIGNATURE_UNPROVEN: { check: 'signature', level: 'trouble', means: 'Whether secretKey and memo are right could not be told: the exchange did not come to look at them.', next: 'Mend the other findings, then examine again.' },
  MEMO_EMPTY: { check: 'signature', level: 'note', means: 'The memo is empty.', next: 'Store the memo that the exchange\'s page shows for this key.' },
  MEMO_NUMERIC: { check: 'signature', level: 'note', means: 'The memo looks like a user id: some digits and nothing else. The memo is the text typed when the key was made.', next: 'Store the memo that the exchange\'s page shows for this key, unless that is this number.' },
  MEMO_HAS_STRAY: { check: 'signature', level: 'note', means: 'The memo holds white space at an end, a line break, an invisible character or quotes that copying leaves.', next: 'Store the memo without them.' },
  SECRET_HAS_STRAY: { check: 'signature', level: 'note', means: 'secretKey holds white space, a line break, an invisible character or quotes that copying leaves.', next: 'Store the secret key without them.' },
  MEMO_NOT_COMPOSED: { check: 'signature', level: 'note', means: 'The memo has letters with accents written as two characters (not Unicode NFC): it looks right, and its bytes are others.', next: 'Type the memo anew instead of copying it.' },
  MEMO_SECRET_SWAPPED: { check: 'signature', level: 'trouble', means: 'secretKey and memo stand in each other\'s place.', next: 'Exchange the two and store them again.' },
  SECRET_REPEATS: { check: 'signature', level: 'note', means: 'Two of apiKey, secretKey and memo are the same text.', next: 'Copy each from its own place.' },
  SECRET_SHAPE: { check: 'signature', level: 'note', means: 'secretKey is not 64 hex digits, as the published examples are; whether all secret keys are is UNKNOWN.', next: 'Look whether all of it was copied.' },
  READ_MISSING: { check: 'permissions', level: 'trouble', means: 'The key may not read (30012).', next: 'Edit the key on the exchange or make a new one: read is ticked by default.' },
  SPOT_TRADE_GOOD: { check: 'permissions', level: 'good', means: 'The key may trade spot: canceling an order that does not exist was answered as such.' },
  SPOT_TRADE_MISSING: { check: 'permissions', level: 'trouble', means: 'The key may not trade spot (30012).', next: 'Tick Spot-Trade for the key on the exchange, if it is to trade spot.' },
  FUTURES_TRADE_GOOD: { check: 'permissions', level: 'good', means: 'The key may trade futures: canceling an order that does not exist was answered as such.' },
  FUTURES_TRADE_MISSING: { check: 'permissions', level: 'trouble', means: 'The key may not trade futures (30012).', next: 'Tick Future-Trade for the key on the exchange, if it is to trade futures.' },
  FUTURES_UNAVAILABLE: { check: 'permissions', level: 'note', means: 'The account has no futures, or they are restricted for it.', next: 'Nothing, if it is to trade spot alone; else open futures on the exchange.' },
  PERMISSIONS_UNTOLD: { check: 'permissions', level: 'note', means: 'A permission that no harmless call tells of.', next: 'Look at the key on the exchange: Withdraw must not be ticked; Margin-Trade only for market margin.' },
  ADDRESS_NOT_BOUND: { check: 'address', level: 'trouble', means: 'The key is bound to other addresses than the one that asks (30010).', next: 'Bind the address by which this machine leaves. Functions on AWS leave by others: give them a fixed one and bind that (docs/keys.md).' },
  LIMIT_ALONE: { check: 'limit', level: 'good', means: 'Nobody else was seen using the limits of this key and its user id.' },
  LIMIT_SHARED: { check: 'limit', level: 'note', means: 'Others use the limits of this key or of its user id: other programs, other keys of the user, or the functions of a running stack.', next: 'Where it is not your own stack, give each key its part: `limitShare` in the mandates, all of one user together at most 1.' },
  LIMIT_UNTOLD: { check: 'limit', level: 'note', means: 'The answers had no usage headers, so who else uses the limits cannot be told.' },
  THROTTLED: { check: 'limit', level: 'trouble', means: 'Too many requests (429, 30013): others use the limit, for a few paced ones were sent. Nothing more was asked.', next: 'Stop the other programs on this user id or address, wait a minute, then examine again.' },
  BANNED: { check: 'limit', level: 'trouble', means: 'Banned after too many requests (418, 30017). Nothing more was asked. How long a ban lasts is UNKNOWN.', next: 'Stop everything on this user id and address for some minutes at least; 30017 says to ask the exchange\'s support.' },
  UNEXPECTED: { check: 'service', level: 'trouble', means: 'An answer that fits nothing above.', next: 'Look the code up in docs/codes.md.' },
} as const satisfies Readonly<Record<string, FindingRow>>;

export type Code = keyof typeof findings;
// Marked so that functions which never examine do not carry the table.
export const finding = /* @__PURE__ */ findingBy(findings);

/** Codes after which nothing more is asked: the limit, a ban, the page in front of the exchange, no connection. */
const ENOUGH = new Set<string>(['THROTTLED', 'BANNED', 'EDGE_PAGE', 'ORIGIN_PAGE', 'NO_ANSWER']);
export const isEnough = ({ code }: Finding): boolean => ENOUGH.has(code);

const BY_CODE: Readonly<Record<string, Code>> = {
  '30002': 'KEY_UNKNOWN',
  '30003': 'KEY_FROZEN',
  '30005': 'SIGNATURE_WRONG',
  '30006': 'TIMESTAMP_REFUSED',
  '30007': 'TIMESTAMP_REFUSED',
  '30008': 'TIMESTAMP_REFUSED',
  '30010': 'ADDRESS_NOT_BOUND',
  '30011': 'KEY_EXPIRED',
  '30012': 'READ_MISSING',
  '30013': 'THROTTLED',
  '30016': 'MAINTENANCE',
  '30017': 'BANNED',
  '40006': 'ADDRESS_NOT_BOUND',
  '40013': 'THROTTLED',
  '40039': 'TIMESTAMP_REFUSED',
  CONNECT_FAILED: 'NO_ANSWER',
  HTTP_2XX_BAD_BODY: 'SERVER_TROUBLE',
  HTTP_403_HTML: 'EDGE_PAGE',
  HTTP_418: 'BANNED',
  HTTP_429: 'THROTTLED',
  HTTP_503_HTML: 'ORIGIN_PAGE',
  HTTP_5XX_NO_CODE: 'SERVER_TROUBLE',
  NOT_SENT: 'NO_ANSWER',
  TIMEOUT: 'NO_ANSWER',
};

/** Candidates for how the API answers once trading is over; which of them it is, no source says. */
const MAY_STOP = new Set(['50022', '50023', '50040', '51008', '30014', '30031']);

/**
 * What an answer amounts to that should not have come.
 * @param secrets texts that the finding may not hold: an answer that repeats one is not quoted
 */
export function trouble(reply: Reply, secrets: readonly string[] = []): Finding {
  const { code, message } = reply;
  const { means, because, tradingOver } = meaningOf(code, message);
  const isQuotable = message !== '' && !secrets.some((secret) => secret !== '' && message.includes(secret));
  const quote = isQuotable ? ` ("${message.slice(0, 120)}")` : '';
  const said = `answer ${code}${quote}: ${because}`;
  if (tradingOver || speaksOfTheEnd(message)) return finding('TRADING_OVER', said);
  const known = BY_CODE[code];
  if (known === 'ADDRESS_NOT_BOUND') return finding(known, `${said}; ${addressIn(isQuotable ? message : '')}`);
  if (known !== undefined) return finding(known, said);
  if (MAY_STOP.has(code)) return finding('TRADING_STOPPED', said);
  if (means === 'unauthorised') return finding('ACCOUNT_RESTRICTED', `${said}; ${remedy(code)}`);
  return finding('UNEXPECTED', said);
}

/** Whether the exchange names the address that it saw is UNKNOWN; where it does, that one is to be bound. */
function addressIn(message: string): string {
  const address = /\b\d{1,3}(\.\d{1,3}){3}\b|\b[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}\b/i.exec(message)?.[0];
  return address === undefined ? 'which address it saw is not in its answer' : `the address that it saw is ${address}`;
}

/** docs/doctor.md, without formatting. @param made the line that says where the page comes from */
export function doctorPage(made: string): string {
  const rows = Object.entries<FindingRow>({ ...commonFindings, ...findings }).map(
    ([code, { check, level, means, next = '' }]) => `| \`${code}\` | ${check} | ${level} | ${means} | ${next} |`,
  );
  return `# What \`desk doctor\` finds

${made}

\`desk doctor\` examines the exchange and every account of the stack, \`desk doctor main\` the exchange and the account
\`main\`; \`desk account add\` does the same before it stores a key. **trouble** means that orders would fail or that nothing is proven, and makes it exit with 1;
**note** is to be known, or cannot be told from here. Some findings are milder or graver in a case than the table says:
a suspicion about the memo, for instance, is trouble once a trial has proven it.

It sends few requests, one after the other and paced like any other: at most ${MOST_REQUESTS.exchange} about the exchange and ${MOST_REQUESTS.account} about an account.
After a 429, a ban, a page of the content network or no connection at all it asks nothing more. What a key may trade it
learns by canceling an order that does not exist (\`--reads-only\` leaves that out). The codes of the exchange's answers
are in [codes.md](codes.md), how to make a key in [keys.md](keys.md).

| code | check | level | what it means | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** The most that is ever sent: clock, service and pairs; signed read, trials and probes. */
export const MOST_REQUESTS = { exchange: 5, account: 4 } as const;
