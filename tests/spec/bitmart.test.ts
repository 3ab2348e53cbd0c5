// BitMart through the execution test spec: every case, on the local BitMart with the packaged functions.
import { startBitmart } from './bitmart.ts';
import { bitmartDeclared } from './grounds.ts';
import { runSpec } from './run.ts';

runSpec(bitmartDeclared, startBitmart);
