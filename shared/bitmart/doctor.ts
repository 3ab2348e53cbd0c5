// BitMart's examiner: what the exchange's own questions and answers tell of failing calls, told by asking. One request after
// the other, paced, at most MOST_REQUESTS; after a 429, a ban or no connection it asks nothing more, for any account.
// Places nothing: what a key may trade shows when an order that does not exist is canceled. Never shows a credential.
import { randomUUID } from 'node:crypto';
import type { Doctor, Examination, Finding, Subject } from '../order/finding.ts';
import type { TradingAccount } from '../order/venue.ts';
import { succeeded } from './answers.ts';
import { type Reply } from '../asking.ts';
import { calls, named } from './calls.ts';
import { meaningOf } from './codes.ts';
import { endpoints, type Endpoint } from './endpoints.ts';
import { finding, trouble } from './findings.ts';
import { health } from './health.ts';
import { ofKey, ofSignature, type Suspicion } from './suspects.ts';
import { readCredentials, type BitmartOptions } from './venue.ts';
import { visitBy, type Visit } from './visit.ts';
import type { Credentials } from './wire.ts';

/** All accounts are paced as one: they may be keys of one user, whose limit for writes is one. */
const LANE = 'doctor';
/** One write in two seconds: what the functions leave free of 40 at the default utilisation. */
const WRITE_SHARE = 1 / 38;
const SYMBOL = 'BTC_USDT';
const CONTRACT = 'BTCUSDT';

export function bitmartDoctor(options: BitmartOptions): Doctor {
  const visit = visitBy(calls(options), options);
  const { spotUrl, futuresUrl } = options.settings;
  return {
    hosts: [...new Set([spotUrl, futuresUrl])],
    exchange: () => health(visit),
    account: (subject, how = {}) => accountOf(visit, subject, how),
  };
}

const isHeard = (reply: Reply): boolean => succeeded(reply) || meaningOf(reply.code, reply.message).means === 'absent';

async function accountOf(visit: Visit, { account, secret }: Subject, how: Examination): Promise<readonly Finding[]> {
  const credentials = readCredentials(secret);
  if ('unreadable' in credentials) return [shapeFinding(secret, credentials.unreadable)];
  const before = visit.enough();
  if (before !== undefined) {
    return [finding('SIGNATURE_UNPROVEN', `account ${account} was not examined: ${before.code} came before it`)];
  }
  const secrets = [credentials.apiKey, credentials.secretKey, credentials.memo];
  const reply = await signedRead(visit, credentials);
  if (reply.code === '30005') return suspected(visit, trouble(reply, secrets), ofSignature(credentials));
  if (reply.code === '30002') return suspected(visit, trouble(reply, secrets), ofKey(credentials));
  if (!isHeard(reply)) return unproven(trouble(reply, secrets), how);
  const proven = [
    finding('KEY_GOOD', 'the exchange knows the key; when it expires no call tells'),
    finding('SIGNATURE_GOOD', 'a signed read passed: key, secret and memo belong together'),
  ];
  if (how.readsOnly === true) {
    const untold = finding('PERMISSIONS_UNTOLD', 'what the key may trade was not asked (reads only)');
    return [...proven, untold, limitFinding(visit, [[endpoints.queryClient, reply]])];
  }
  return [...proven, ...(await allowed(visit, credentials, reply, secrets))];
}

/** A key that was refused, or not reached: whether secret and memo are right is not known then. */
function unproven(found: Finding, { isElsewhere }: Examination): readonly Finding[] {
  const { check, code } = found;
  if (check === 'key' || check === 'permissions') return [found];
  if (code === 'ADDRESS_NOT_BOUND' && isElsewhere === true) {
    const next = "Bind this machine's address for the examination as well, or examine from behind the bound one; whether the functions' own address is bound cannot be told from here."; // prettier-ignore
    return [{ ...found, next }];
  }
  return [found, finding('SIGNATURE_UNPROVEN', `secret and memo were not proven: ${code} came before it`)];
}

function shapeFinding(secret: Subject['secret'], unreadable: string): Finding {
  const { apiKey } = secret;
  if ('uid' in secret && !('memo' in secret)) return finding('MEMO_CALLED_UID', unreadable);
  if (typeof apiKey === 'string' && apiKey !== '' && !/^[\x21-\x7e]+$/.test(apiKey)) {
    return finding('KEY_HAS_STRAY', 'apiKey has white space, a line break or characters outside ASCII');
  }
  return finding('SECRET_FIELDS', unreadable);
}

/** A look-up of an order that does not exist: signed, and of no consequence. A GET would need the key alone. */
function signedRead(visit: Visit, credentials: Credentials): Promise<Reply> {
  const fields = { clientOrderId: madeUpId(), queryState: 'open' };
  return visit.ask(endpoints.queryClient, (answerBy) =>
    visit.ways.read(accountBy(credentials), endpoints.queryClient, fields, { answerBy, holdBy: Infinity }),
  );
}

const madeUpId = (): string => randomUUID().replaceAll('-', '');
const accountBy = (credentials: Credentials): TradingAccount => ({
  ...{ name: LANE, venue: 'bitmart', environment: 'live' },
  credentials,
  mandate: { state: 'halted', limitShare: WRITE_SHARE },
});

/** Tries each other reading once. One that passes is the proof; else the refusal stands, with what looks odd beside it. */
async function suspected(visit: Visit, refused: Finding, { suspects, trials }: Suspicion): Promise<readonly Finding[]> {
  let tried = 0;
  for (const { credentials, proves } of trials) {
    if (visit.enough() !== undefined) break;
    const reply = await signedRead(visit, credentials);
    tried += 1;
    const isKnown = refused.code === 'KEY_UNKNOWN' && reply.code === '30005';
    if (!isHeard(reply) && !isKnown) continue;
    const rest = isKnown ? '; the signature is still refused, so another field is wrong as well' : '';
    const proof = isKnown ? '' : 'proven by a trial: ';
    return proves.map(({ code, said }) => finding(code, `${proof}${said}${rest}`, { level: 'trouble' }));
  }
  const ended = visit.enough();
  const odd = suspects.map(({ code, said }) => finding(code, said));
  const vain = tried === 0 ? '' : `; read in another way they are refused, too (trials: ${tried})`;
  const said = `${refused.said}${refused.code === 'SIGNATURE_WRONG' ? whichOf(suspects) : ''}${vain}`;
  // It may repeat a part of the key.
  const isShown = (text: string): boolean =>
    !trials.some(({ credentials: { apiKey, secretKey, memo } }) => [apiKey, secretKey, memo].some((part) => part !== '' && text.includes(part))); // prettier-ignore
  const end = ended === undefined || isShown(ended.said) ? ended : { ...ended, said: 'its answer is not shown' };
  return [{ ...refused, said }, ...odd, ...(end === undefined ? [] : [end])];
}

/** The answer is the same for both; what looks odd is a hint. */
function whichOf(suspects: Suspicion['suspects']): string {
  const [memo, secret] = ['MEMO_', 'SECRET_'].map((start) => suspects.some(({ code }) => code.startsWith(start)));
  const hint =
    memo === secret
      ? 'which one, the answer does not say'
      : `look at ${memo === true ? 'the memo' : 'secretKey'} first`;
  return `, so secretKey or memo is wrong; ${hint}`;
}

/** What the key may trade, and who else uses its limits. */
async function allowed(
  visit: Visit,
  credentials: Credentials,
  read: Reply,
  secrets: readonly string[],
): Promise<readonly Finding[]> {
  const spot = await canceled(visit, endpoints.cancel, SYMBOL, credentials);
  const spotFound = tradeFinding(spot, 'SPOT_TRADE', secrets);
  const futuresFound = visit.enough() === undefined ? await futuresOf(visit, credentials, secrets) : [];
  const found = [spotFound, ...futuresFound];
  const trades = found.some(({ code }) => code === 'SPOT_TRADE_GOOD' || code === 'FUTURES_TRADE_GOOD');
  // A key for one market alone is as it should be.
  const permissions = found.map((one) =>
    trades && one.code.endsWith('_MISSING') ? { ...one, level: 'note' as const } : one,
  );
  if (visit.enough() !== undefined) return permissions;
  const untold = finding('PERMISSIONS_UNTOLD', 'Margin-Trade and Withdraw cannot be told without moving something');
  return [
    ...permissions,
    untold,
    limitFinding(visit, [
      [endpoints.queryClient, read],
      [endpoints.cancel, spot],
    ]),
  ];
}

/** A cancel of an order that does not exist. The exchange refuses a key without permission before it looks [error table, 30012]. */
async function canceled(visit: Visit, endpoint: Endpoint, symbol: string, credentials: Credentials): Promise<Reply> {
  const order = named(symbol, madeUpId());
  return visit.ask(endpoint, async (answerBy) => {
    let seen: Reply | undefined;
    const times = { answerBy, holdBy: Infinity, expiresAt: answerBy };
    await visit.ways.write(accountBy(credentials), endpoint, order ?? {}, times, (answer) => {
      seen = answer;
      return { kind: 'done' };
    });
    return seen ?? { kind: 'lost', code: 'NOT_SENT', message: '', signedAt: answerBy, usage: undefined };
  });
}

/**
 * A futures cancel whose id the exchange did not read would cancel the whole symbol: so it is sent only where the account
 * has no open order there.
 */
async function futuresOf(
  visit: Visit,
  credentials: Credentials,
  secrets: readonly string[],
): Promise<readonly Finding[]> {
  const fields = { symbol: CONTRACT, limit: '1' };
  const open = await visit.ask(endpoints.futuresOpen, (answerBy) =>
    visit.ways.read(accountBy(credentials), endpoints.futuresOpen, fields, { answerBy, holdBy: Infinity }),
  );
  if (!succeeded(open)) {
    const found = trouble(open, secrets);
    return [found.code === 'ACCOUNT_RESTRICTED' ? finding('FUTURES_UNAVAILABLE', found.said) : found];
  }
  if (!Array.isArray(open.data) || open.data.length > 0) {
    return [finding('PERMISSIONS_UNTOLD', `Future-Trade was not asked: ${CONTRACT} may have open orders, which are left alone`)]; // prettier-ignore
  }
  const reply = await canceled(visit, endpoints.cancelFutures, CONTRACT, credentials);
  return [tradeFinding(reply, 'FUTURES_TRADE', secrets)];
}

type Trade = 'SPOT_TRADE' | 'FUTURES_TRADE';
/** As the exchange's page of keys spells them. */
const TICKED = { SPOT_TRADE: 'Spot-Trade', FUTURES_TRADE: 'Future-Trade' } as const;

function tradeFinding(reply: Reply, trade: Trade, secrets: readonly string[]): Finding {
  const { code, message } = reply;
  const { means } = meaningOf(code, message);
  const probe = 'canceling an order that does not exist was';
  if (code === '30012') return finding(`${trade}_MISSING`, `${TICKED[trade]} is missing: ${probe} forbidden (30012)`);
  if (means === 'ok' || means === 'absent' || means === 'finished') {
    return finding(`${trade}_GOOD`, `${TICKED[trade]} is there: ${probe} answered ${code}, not forbidden`);
  }
  return trouble(reply, secrets);
}

/** The usage headers count everybody's calls of the window; ours are known. */
function limitFinding(visit: Visit, answers: readonly (readonly [Endpoint, Reply])[]): Finding {
  const others = answers.flatMap(([{ path, limit, kind }, { usage, signedAt }]) => {
    if (usage === undefined) return [];
    // Whether windows slide is not known: a call of ours that may still count counts as ours.
    const ours = visit.sent.filter(({ path: own, at }) => own === path && at >= signedAt - 2 * limit.windowMs).length;
    const whose = kind === 'write' ? 'cancels of this user id' : 'look-ups of this key';
    const count = Math.max(0, usage.used - ours);
    return [{ count, said: `${count} of ${usage.limit} ${whose}` }];
  });
  if (others.length === 0) return finding('LIMIT_UNTOLD', 'the answers have no usage headers');
  const said = `seen within a window, besides ours: ${others.map((one) => one.said).join(', ')}`;
  return finding(others.some(({ count }) => count > 0) ? 'LIMIT_SHARED' : 'LIMIT_ALONE', said);
}
