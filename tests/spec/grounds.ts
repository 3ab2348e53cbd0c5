// The venues that go through the execution test spec, and what each of them cannot do. Data only: the docs read it too.
// What a venue cannot do is not skipped: where an intent asks for it, the spec checks that it is refused with a sentence.

/** What a case needs that not every venue has. Spot limit and market orders, cancels and look-ups every venue has. */
export type Need =
  | 'margin'
  | 'loans'
  | 'futures'
  | 'contracts'
  | 'self-trade-prevention'
  | 'self-trade-prevention-futures'
  | 'spot-amend'
  | 'spot-fok'
  | 'futures-amend'
  | 'cancel-all-side'
  | 'cancel-all-side-futures'
  | 'cancel-all-symbols'
  | 'margin-mode'
  | 'opens-without-terms'
  | 'position-modes'
  | 'dead-man'
  | 'exits'
  | 'wide-ids'
  | 'spent-ends-canceled'
  | 'cancel-source-futures';

export interface Declared {
  readonly name: string;
  /** Each with its reason, a sentence. */
  readonly cannot: Readonly<Partial<Record<Need, string>>>;
  /** What no document says of the venue, and the local one is told to do so that it can be tested. */
  readonly supposed: Readonly<Partial<Record<Need, string>>>;
}

export const bitmartDeclared: Declared = {
  name: 'BitMart',
  cannot: {
    'spot-amend': 'spot orders cannot be amended; cancel and place anew',
    'spot-fok': 'spot has no fill-or-kill',
    'cancel-all-side-futures': 'futures orders are canceled by symbol, whatever their side',
    'cancel-source-futures': 'futures orders do not show who canceled them: the source is told as unknown',
  },
  // The promise `opensWithoutTerms` of the local BitMart, off by default.
  supposed: { 'opens-without-terms': 'that an opening order may name no leverage' },
};

/** Every venue of the table in the docs, in its order. */
export const grounds: readonly Declared[] = [bitmartDeclared];
