// `npm run local`: the local stack alone. The first line on stdout is one JSON object that says where everything is;
// what the functions log goes to stderr. Stays up until SIGINT or SIGTERM, and ends every child then.
import { parseArgs } from 'node:util';
import { announce, startStack } from './stack.ts';

const usage = `npm run local

Starts a local AWS, a local BitMart and the packaged functions on 127.0.0.1,
and stays up until Ctrl-C. The first line that begins with a brace is JSON with
all addresses, also in .local/ready.json; what the functions log goes to stderr.
It shows no outcome: reports and dead letters stay on their queues for you to
read. npm start shows what becomes of each intent.

  --help   this text

  LOCAL_AWS_PORT, LOCAL_BITMART_PORT   4566 and 4567; 0 takes any free port
  LOCAL_ACCOUNTS                       1; more make main, main2, ...
  LOCAL_TIME_SCALE                     1; less shortens every timeout
  LOCAL_ENVIRONMENTS                   so many environments of each function
                                       take turns, instead of Lambda's choice
  AWS_ENDPOINT_URL                     uses that AWS instead of starting one
`;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const number = (variable: string, fallback: number): number => {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= 0)) throw new RangeError(`${variable}=${text} is no number`);
  return value;
};

/** @returns whether to start. An option that is none starts nothing. */
function isWanted(): boolean {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
    if (values.help) process.stdout.write(usage);
    return !values.help;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    process.stderr.write(`npm run local: ${said}\nnpm run local -- --help says what there is.\n`);
    process.exitCode = 2;
    return false;
  }
}

async function main(): Promise<void> {
  const awsEndpoint = process.env['AWS_ENDPOINT_URL'];
  const rotate = number('LOCAL_ENVIRONMENTS', 0);
  const stack = await startStack({
    awsPort: number('LOCAL_AWS_PORT', 4566),
    bitmartPort: number('LOCAL_BITMART_PORT', 4567),
    accounts: number('LOCAL_ACCOUNTS', 1),
    timeScale: number('LOCAL_TIME_SCALE', 1),
    probes: true,
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
}

function failed(error: unknown): void {
  const isWithoutKey = error instanceof Error && error.name === 'CredentialsProviderError';
  const way = isWithoutKey ? '; for the AWS of AWS_ENDPOINT_URL set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${way}\n`);
  process.exitCode = 1;
}

if (isWanted()) await main().catch(failed);
