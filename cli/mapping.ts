// The second line of the kill switch: the event source mapping that feeds execute with intents, by Lambda's API. Disabled, no
// intent reaches the function at all, whatever its code or a mandate says. Who did it and why stands in tags of the mapping.
// Changes nothing else of it.
import type * as Api from '@aws-sdk/client-lambda';
import { noteOf, reasonIn } from './accounts.ts';
import { PATIENCE, unreachable, type Connection } from './connection.ts';
import type { Desk } from './run.ts';
import { EXIT, refusal, type ExitCode } from './terminal.ts';

/** A mapping as it was looked at. */
export interface Mapping {
  readonly uuid: string;
  readonly arn: string;
  /** Enabled, Disabled, and Enabling, Disabling, Updating, Creating, Deleting on the way. */
  readonly state: string;
}

/** What became of the second line; `isDone` where it is disabled, and who did it is kept. */
export interface Second {
  readonly isDisabled: boolean;
  readonly isDone: boolean;
  readonly detail: string;
}

/** The tags that keep who did it and why; each holds the last time. */
export type Deed = 'halted' | 'resumed';
const tagOf = (deed: Deed): string => `desk-${deed}`;

/** AWS says no time; in practice it is seconds, now and then a minute. */
const SETTLED_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 500;
/** What the value of a tag cannot hold [Lambda's guide, tags], and how long it may be. */
const NOT_IN_TAGS = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;
const LONGEST_TAG = 256;

/** A client of the stack's Lambda, for as long as `work` takes; the library is read only when it is needed. */
async function ask<Answer>(
  { service }: Connection,
  work: (lambda: Api.LambdaClient, api: typeof Api, functionName: string) => Promise<Answer>,
): Promise<Answer> {
  const functionName = `${service}-execute`;
  const api = await import('@aws-sdk/client-lambda');
  const lambda = new api.LambdaClient(PATIENCE);
  try {
    return await work(lambda, api, functionName);
  } catch (error) {
    if (error instanceof Error && error.name === 'Refusal') throw error;
    if (error instanceof Error && error.name === 'ResourceNotFoundException') throw noMapping(functionName);
    throw unreachable(error, `the event source mapping of ${functionName}`);
  } finally {
    lambda.destroy();
  }
}

function noMapping(functionName: string): Error {
  return refusal(`There is no event source mapping of ${functionName} here: is the stage spelled right, the region right, and the stack deployed?`, EXIT.unreachable); // prettier-ignore
}

/** The mapping that takes intents off the queue. @throws Refusal where there is none, or Lambda cannot be asked */
export function mappingOf(stack: Connection): Promise<Mapping> {
  return ask(stack, async (lambda, { ListEventSourceMappingsCommand }, FunctionName) => {
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    const queue = `:${stack.service}-intents.fifo`;
    const one = EventSourceMappings.find(({ EventSourceArn = '' }) => EventSourceArn.endsWith(queue));
    if (one === undefined) throw noMapping(FunctionName);
    return read(one);
  });
}

function read({
  UUID = '',
  EventSourceMappingArn = '',
  State = 'unknown',
}: Api.EventSourceMappingConfiguration): Mapping {
  return { uuid: UUID, arn: EventSourceMappingArn, state: State };
}

/**
 * Disables or enables it and waits until it is so. Somebody who enables it meanwhile loses: a disabling is asked for again.
 * @throws Refusal where it cannot be changed, or is not changed within `settledWithinMs`: then it may still become so
 */
export function setMapping(
  stack: Connection,
  { uuid }: Mapping,
  isEnabled: boolean,
  settledWithinMs = SETTLED_WITHIN_MS,
): Promise<Mapping> {
  const wanted = isEnabled ? 'Enabled' : 'Disabled';
  const until = Date.now() + settledWithinMs;
  return ask(stack, async (lambda, { GetEventSourceMappingCommand, UpdateEventSourceMappingCommand }) => {
    let isAsked = false;
    for (;;) {
      if (!isAsked) isAsked = await lambda.send(new UpdateEventSourceMappingCommand({ UUID: uuid, Enabled: isEnabled })).then(() => true, orBusy); // prettier-ignore
      const now = read(await lambda.send(new GetEventSourceMappingCommand({ UUID: uuid })));
      if (isAsked && now.state === wanted) return now;
      if (!isEnabled && now.state === 'Enabled') isAsked = false;
      if (Date.now() >= until) {
        throw refusal(`the event source mapping is ${now.state} and not ${wanted} after ${settledWithinMs / 1000} s${isAsked ? '; it may still become so: look with `desk status`' : ', and takes no change'}`, EXIT.trouble); // prettier-ignore
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  });
}

/** Another change is under way, a deploy say: it takes this one when that is over. */
function orBusy(error: unknown): false {
  if (error instanceof Error && error.name === 'ResourceInUseException') return false;
  throw error;
}

/** Keeps who did it, when and why with the mapping; what a tag cannot hold becomes "_". @throws Refusal where it cannot be kept */
export async function keepDeed(stack: Connection, { arn }: Mapping, deed: Deed, why: string): Promise<void> {
  const value = noteOf(why).replaceAll(NOT_IN_TAGS, '_').slice(0, LONGEST_TAG);
  await ask(stack, (lambda, { TagResourceCommand }) =>
    lambda.send(new TagResourceCommand({ Resource: arn, Tags: { [tagOf(deed)]: value } })),
  );
}

/** Who did it last, when and why. @throws Refusal where Lambda cannot be asked */
export async function lastDeed(stack: Connection, { arn }: Mapping, deed: Deed): Promise<string | undefined> {
  const { Tags } = await ask(stack, (lambda, { ListTagsCommand }) => lambda.send(new ListTagsCommand({ Resource: arn }))); // prettier-ignore
  return Tags?.[tagOf(deed)];
}

/** As it is kept with what was halted. */
export const haltNote = (reason: string | undefined): string => (reason === undefined ? 'halted' : `halted: ${reason}`);

/** The second line. Never throws: what became of the first has to be told, too. */
export async function haltMapping({ stack }: Desk, reason: string | undefined): Promise<Second> {
  try {
    const mapping = await mappingOf(stack);
    await setMapping(stack, mapping, false);
    const said = `The event source mapping of ${stack.service}-execute is disabled: no intent is taken off the queue any more, no cancel either. A batch that was taken before goes on for 30 s at most.`; // prettier-ignore
    const untold = await keepDeed(stack, mapping, 'halted', haltNote(reason)).then(() => '', (error: unknown) => ` Who did it and why could not be kept: ${(error as Error).message}`); // prettier-ignore
    return { isDisabled: true, isDone: untold === '', detail: said + untold };
  } catch (error) {
    return { isDisabled: false, isDone: false, detail: `The mapping is NOT disabled: ${(error as Error).message}` };
  }
}

/** Enables it, for a reason that is kept first. @throws Refusal where it has none, or is not confirmed */
export async function resumeMapping(desk: Desk, given: string | undefined): Promise<ExitCode> {
  const { stack } = desk;
  const reason = reasonIn(given);
  if (reason === undefined)
    throw refusal('Say --reason TEXT: why intents may be taken again is kept with the mapping.');
  const mapping = await mappingOf(stack);
  if (mapping.state === 'Enabled') {
    desk.say('The event source mapping is enabled already.');
    desk.result({ mapping: 'Enabled', isChanged: false });
    return EXIT.done;
  }
  const note = await lastDeed(stack, mapping, 'halted');
  desk.say(`The event source mapping of ${stack.service}-execute is ${mapping.state}.${note === undefined ? '' : ` Last note: ${note}.`} What waits on the queue and has not expired is executed, as the mandate of its account allows.`); // prettier-ignore
  await desk.confirm('Enable it?');
  const newer = await lastDeed(stack, mapping, 'halted');
  if (newer !== note) {
    throw refusal(`It was halted again after that look (${newer ?? 'no note'}), and stays disabled: look again.`, EXIT.trouble); // prettier-ignore
  }
  await keepDeed(stack, mapping, 'resumed', `resumed: ${reason}`);
  await setMapping(stack, mapping, true);
  desk.say('It is enabled: intents are taken off the queue again. Halted accounts stay halted. The reason stands in the tag desk-resumed of the mapping.'); // prettier-ignore
  desk.result({ mapping: 'Enabled', isChanged: true });
  return EXIT.done;
}
