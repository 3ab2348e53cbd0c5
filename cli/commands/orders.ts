// The commands that send: an order, a file of any intents, a cancel, a cancel of all. The account is always said.
// Nothing is sent before all of it was checked, and nothing without a yes.
import type { Command } from 'commander';
import type { OrderIntent } from '../../shared/order/intent.ts';
import type { Book } from '../../shared/order/venue.ts';
import { deskFor } from '../connection.ts';
import { draftOf, draftsOf } from '../intents.ts';
import { onStack, type Desk } from '../run.ts';
import { lifeOf, send, type SendOptions } from '../sending.ts';
import { EXIT, refusal, type ExitCode } from '../terminal.ts';

type Text = string | undefined;
/** Fields of an intent that are options of the same name. */
const FIELDS = ['id', 'market', 'size', 'notional', 'price', 'reduceOnly', 'leverage', 'marginMode', 'selfTradePrevention'] as const; // prettier-ignore
type Options = SendOptions & { readonly [Field in (typeof FIELDS)[number]]?: string | true } & {
  readonly file?: string;
  readonly type?: string;
  readonly collar?: string;
  readonly reference?: string;
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly symbol?: string;
  readonly side?: string;
};
type Fields = Readonly<Record<string, unknown>>;

const BOOK_MS = 5000;

export function orderCommands(program: Command): void {
  submitCommand(program);
  withSending(program.command('cancel <account> <symbol> <target>'))
    .description('takes one order back; the target is the id of the intent that placed it')
    .addHelpText('after', example('cancel main BTC_USDT 9b2e61c0d1f44f6a8c7d3e5f60718293 --local'))
    .action(
      onStack((desk: Desk, account: string, symbol: string, target: string, options: Options) => {
        const fields = { ...fieldsOf(options), action: 'cancel', account, symbol, target };
        return send(desk, [draftOf(fields, lifeOf(options))], options);
      }),
    );
  withSending(program.command('cancel-all <account>'))
    .description(
      'takes all spot and margin orders of an account back, or those of one symbol or side; of futures those of a symbol',
    )
    .option('--symbol <symbol>', 'only those of this one; futures need it')
    .option('--side <side>', 'only buys or only sells; not of futures')
    .addHelpText('after', example('cancel-all main --symbol BTC_USDT --side buy --local'))
    .action(
      onStack((desk: Desk, account: string, options: Options) => {
        const { symbol, side } = options;
        const fields = { ...fieldsOf(options), action: 'cancel-all', account, symbol, side };
        return send(desk, [draftOf(fields, lifeOf(options))], options);
      }),
    );
}

function submitCommand(program: Command): void {
  withSending(program.command('submit [account] [side] [symbol]'))
    .description('sends an order, or the intents of a file')
    .option('--size <amount>', 'in base coin, in every market')
    .option('--notional <amount>', 'in quote coin: what a market buy of spot or margin spends')
    .option('--price <price>', 'its limit; without one it is a market order')
    .option('--type <type>', 'limit, limit-maker, ioc, market; of futures also fok')
    .option('--collar <bps>', 'denied where the market is further from the reference than this')
    .option('--reference <price>', 'of the collar; without it the best price on the other side now')
    .option('--reduce-only', 'futures: only closes')
    .option('--leverage <number>', 'futures: of the position that is opened')
    .option('--margin-mode <mode>', 'futures: isolated or cross')
    .option('--take-profit <price>', 'futures: where the exchange closes it with a profit')
    .option('--stop-loss <price>', 'futures: where the exchange closes it with a loss')
    .option('--self-trade-prevention <mode>', 'none, cancel-maker, cancel-taker, cancel-both')
    .option(
      '--file <path>',
      'one intent, an array, or one per line; - reads stdin. What has no id gets one by its place in the file',
    )
    .addHelpText(
      'after',
      example(
        'submit main buy BTC_USDT --notional 25 --local --wait',
        'submit main sell BTC_USDT --size 0.001 --price 70000 --type limit-maker --local',
        'submit --file intents.json --dry-run --local',
      ),
    ) // prettier-ignore
    .action(
      onStack(async (desk: Desk, account: Text, side: Text, symbol: Text, options: Options) => {
        const { file } = options;
        if (file === undefined) return submitOne(desk, { account, side, symbol }, options);
        const { type, collar, reference, takeProfit, stopLoss } = options;
        const fields = Object.entries(fieldsOf(options)).filter(([field]) => field !== 'market');
        const besides = [account, type, collar, reference, takeProfit, stopLoss, ...fields];
        if (besides.some(Boolean)) throw refusal('--file says all there is to say; leave the order out, or the file.');
        return send(desk, await draftsOf(file, lifeOf(options)), options);
      }),
    );
}

/** What every command that sends takes. */
function withSending(command: Command): Command {
  return command
    .option('--market <market>', 'spot, margin or futures', 'spot')
    .option('--expires <seconds>', 'never sent later than this, 1 to 600; a resting order outlives it', '60')
    .option('--id <id>', '1 to 32 letters and digits, never used before; random without it')
    .option('--dry-run', 'checks and shows it, and sends nothing')
    .option('--wait [seconds]', 'shows what becomes of it, for at most 30 s or as long as you say');
}

async function submitOne(
  desk: Desk,
  { account, side, symbol }: Readonly<Record<'account' | 'side' | 'symbol', Text>>,
  options: Options,
): Promise<ExitCode> {
  if (account === undefined || side === undefined || symbol === undefined) {
    throw refusal('Say account, side and symbol, as in `desk submit main buy BTC_USDT --notional 25`, or --file.');
  }
  const { type = options.price === undefined ? 'market' : 'limit', takeProfit, stopLoss } = options;
  const fields: Fields = {
    ...fieldsOf(options),
    ...{ action: 'place', account, side, symbol, type },
    ...(takeProfit === undefined ? {} : { takeProfit: { price: takeProfit } }),
    ...(stopLoss === undefined ? {} : { stopLoss: { price: stopLoss } }),
  };
  const lifeMs = lifeOf(options);
  const draft = draftOf(fields, lifeMs);
  const collar = await collarOf(desk, draft.intent, options);
  return send(desk, [collar === undefined ? draft : draftOf({ ...fields, collar }, lifeMs)], options);
}

function fieldsOf(options: Options): Fields {
  const given = FIELDS.map((field) => [field, options[field]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** @throws Refusal where there is no price to hold the market against */
async function collarOf(
  { stack }: Desk,
  intent: OrderIntent,
  { collar, reference }: Options,
): Promise<Fields | undefined> {
  // prettier-ignore
  if (collar === undefined && reference !== undefined) throw refusal('--reference is of a collar: say --collar, too.');
  if (collar === undefined || intent.action !== 'place') return undefined;
  const { account, market, symbol, side } = intent;
  const look = async (): Promise<Book | undefined> =>
    (await deskFor(stack, account)).venue.book(market, symbol, Date.now() + BOOK_MS);
  const book = reference === undefined ? await look() : {};
  const referencePrice = reference ?? (side === 'buy' ? book?.ask : book?.bid);
  if (referencePrice === undefined) {
    throw refusal(`The exchange tells no price of ${symbol} to hold the market against: say --reference.`, EXIT.unreachable); // prettier-ignore
  }
  return { referencePrice, maxDeviationBps: Number(collar) };
}

function example(...lines: readonly string[]): string {
  const codes = `
Exit code 0 when all was sent, and with --wait came to what was asked for; 1 where SQS did not take it, or it
was denied, rejected, canceled unfilled or not seen; ${EXIT.unreachable} where of one nobody knows whether it was sent: send it again with
the same --id, or the same file as it is, within five minutes, which makes no second order.
`;
  return `${codes}\n${lines.map((line) => `  $ npx desk ${line}`).join('\n')}`;
}
