// The clients that are installed for a run alone, and those that bring no types.
declare module '@bitmartexchange/bitmart-node-sdk-api' {
  export class BitmartSpotAPI {
    constructor(options: object);
    newSpotOrder(symbol: string, side: string, type: string, options: object): Promise<unknown>;
  }
}
declare module 'selfsigned' {
  export function generate(
    attributes: readonly { readonly name: string; readonly value: string }[],
    options: object,
  ): Promise<{ readonly private: string; readonly cert: string }>;
}
