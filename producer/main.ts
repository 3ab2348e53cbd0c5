// What a program that sends intents imports, as `serverless-trading-bot/producer`: intents, sending them, and their types.
// Nothing of the execution comes with it.
export { amend, cancel, cancelAll, cancelAllAfter, place, setLeverage, setPositionMode } from './intents.ts';
export { intentOf, isWrongIntent, newId } from './intents.ts';
export type { Given, Wish, WrongIntent } from './intents.ts';
export { sendIntents, type SendOptions } from './send.ts';
export type { IntentsClient, Sending } from '../shared/aws/intents.ts';
export { parse, type OrderIntent, type Parsed } from '../shared/order/intent.ts';
export type { ExecutionReport, Status } from '../shared/order/report.ts';
export { reasons, type Certainty, type ReasonCode } from '../shared/order/reason.ts';
