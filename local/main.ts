// `npm run local`: the local stack alone. The first line on stdout is one JSON object that says where everything is;
// what the functions log goes to stderr. Stays up until SIGINT or SIGTERM, and ends every child then.
import { announce, startStack } from './stack.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const number = (variable: string, fallback: number): number => {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= 0)) throw new RangeError(`${variable}=${text} is no number`);
  return value;
};

try {
  const awsEndpoint = process.env['AWS_ENDPOINT_URL'];
  const rotate = number('LOCAL_ENVIRONMENTS', 0);
  const stack = await startStack({
    awsPort: number('LOCAL_AWS_PORT', 4566),
    bitmartPort: number('LOCAL_BITMART_PORT', 4567),
    accounts: number('LOCAL_ACCOUNTS', 1),
    timeScale: number('LOCAL_TIME_SCALE', 1),
    ...(rotate > 0 ? { rotateEnvironments: rotate } : {}),
    ...(awsEndpoint === undefined || awsEndpoint === '' ? {} : { awsEndpoint }),
    onLog: ({ functionName, text }) => process.stderr.write(`[${functionName}] ${text}\n`),
  });
  const forget = await announce(stack.ready);
  process.stdout.write(`${JSON.stringify(stack.ready)}\n`);
  const stop = (): void => {
    for (const signal of SIGNALS) process.removeListener(signal, stop);
    void forget().then(() => stack.close());
  };
  for (const signal of SIGNALS) process.once(signal, stop);
} catch (error) {
  const isWithoutKey = error instanceof Error && error.name === 'CredentialsProviderError';
  const way = isWithoutKey ? '; for the AWS of AWS_ENDPOINT_URL set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${way}\n`);
  process.exitCode = 1;
}
