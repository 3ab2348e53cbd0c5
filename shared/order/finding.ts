// What an examination found of one thing, in words for a person. Types only.

/** One check and what came of it. `good`: as it should be; `note`: worth knowing; `trouble`: does not work like this. */
export interface Finding {
  readonly check: string;
  readonly level: 'good' | 'note' | 'trouble';
  readonly code: string;
  /** One sentence: what was found. Never a value of a key. */
  readonly said: string;
  /** What to do now. */
  readonly next?: string;
}
