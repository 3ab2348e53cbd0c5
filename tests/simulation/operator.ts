// The operator and the rotation of keys: what changes an account's secret while orders are under way.
import { secretsActions } from '../../local/aws/secrets.ts';
import type { FetchSecret } from '../../shared/aws/accounts.ts';
import { keyOf, type Exchange } from './exchange.ts';
import { ACCOUNTS, SHADOW, type Stage } from './stage.ts';

/** Stores the secrets, and changes them now and then. @returns how Lambda reads them */
export function createOperator(stage: Stage, exchange: Exchange): FetchSecret {
  const { time, plan, draw, between, struck, sleep, history, pick } = stage;
  const act = secretsActions({ region: 'r', now: () => time.now() });
  const ask = async (action: string, input: Record<string, unknown>): Promise<Record<string, unknown>> =>
    (await act[action]?.(input, { accessKeyId: 'sim', traceHeader: undefined, onDisconnect: () => undefined })) ?? {};
  const nameOf = (account: string): string => `accounts/${account}`;
  for (const account of ACCOUNTS) {
    exchange.setKey(account, 1);
    const mandate = { state: 'active', ...(account === SHADOW ? { shadow: true } : {}) };
    void ask('CreateSecret', {
      Name: nameOf(account),
      SecretString: JSON.stringify({ ...keyOf(account, 1), mandate }),
    });
  }
  const change = async (account: string, edit: (secret: Record<string, unknown>) => Record<string, unknown>) => {
    const { SecretString } = await ask('GetSecretValue', { SecretId: nameOf(account) });
    const secret = JSON.parse(String(SecretString)) as Record<string, unknown>;
    await ask('PutSecretValue', { SecretId: nameOf(account), SecretString: JSON.stringify(edit(secret)) });
  };
  if (draw() < 0.2 * plan.trouble) {
    void sleep(between(1000, 300_000)).then(async () => {
      struck('key rotated');
      exchange.setKey('main', 2);
      await sleep(between(0, 60_000));
      await change('main', (secret) => ({ ...secret, ...keyOf('main', 2) }));
    });
  }
  if (draw() < 0.5 * plan.trouble) {
    const account = pick(['main', 'main', 'other']);
    void sleep(between(1, draw() < 0.5 ? 10_000 : 300_000)).then(async () => {
      struck('account halted');
      const halt = { account, from: time.now(), until: Infinity };
      history.halts.push(halt);
      await change(account, (secret) => ({ ...secret, mandate: { state: 'halted' } }));
      await sleep(between(40_000, 300_000));
      halt.until = time.now();
      await change(account, (secret) => ({ ...secret, mandate: { state: 'active' } }));
    });
  }
  return async (name) => {
    const { SecretString, VersionId } = await ask('GetSecretValue', { SecretId: name });
    return { SecretString: String(SecretString), VersionId: String(VersionId) };
  };
}
