// One process that runs one handler, as a Lambda environment does: loads it, runs its first event at once, and others as
// they are sent. Tells times by the wall clock (they are compared with the venue's), CPU time and memory of this process.
import type { Context, SQSEvent } from 'aws-lambda';

export interface Ran {
  readonly kind: 'ran';
  /** ms since the epoch, with fractions. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cpuMs: number;
  readonly rssKib: number;
}
export interface Loaded {
  readonly kind: 'loaded';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cpuMs: number;
}
type Handler = (event: SQSEvent, context: Context) => Promise<unknown>;

const TIMEOUT_MS = 30_000;
const now = (): number => performance.timeOrigin + performance.now();
const cpuSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const [path = '', first] = process.argv.slice(2);
const loadedFrom = now();
const cpuBefore = process.cpuUsage();
const { handler } = (await import(path)) as { readonly handler: Handler };
const loaded: Loaded = { kind: 'loaded', startedAt: loadedFrom, endedAt: now(), cpuMs: cpuSince(cpuBefore) };

const run = async (event: SQSEvent): Promise<void> => {
  const until = performance.now() + TIMEOUT_MS;
  const context = { getRemainingTimeInMillis: () => until - performance.now() } as Context;
  const [startedAt, before] = [now(), process.cpuUsage()];
  await handler(event, context);
  const cpuMs = cpuSince(before);
  process.send?.({
    kind: 'ran',
    startedAt,
    endedAt: now(),
    cpuMs,
    rssKib: process.memoryUsage.rss() / 1024,
  } satisfies Ran);
};

if (first !== undefined) void run(JSON.parse(first) as SQSEvent);
process.send?.(loaded);
process.on('message', (event: SQSEvent) => void run(event));
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
