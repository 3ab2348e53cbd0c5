// One local venue for the tests of a file: started before the first, closed after the last, cleared before each.
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { startLocalBitmart, type LocalBitmart } from '../../../local/bitmart/server.ts';
import { control, register } from './client.ts';

/** A venue with these accounts, to be called in a describe. Its addresses are there once the tests run. */
export const localVenue = (...accounts: readonly object[]): LocalBitmart => {
  let started: LocalBitmart | undefined;
  const running = (): LocalBitmart => {
    if (!started) throw new Error('the venue runs inside tests only');
    return started;
  };
  beforeAll(async () => {
    started = await startLocalBitmart();
  });
  afterAll(() => running().close());
  beforeEach(async () => {
    await control(running(), 'DELETE', '/state');
    await register(running(), ...accounts);
  });
  return {
    get spotUrl() {
      return running().spotUrl;
    },
    get futuresUrl() {
      return running().futuresUrl;
    },
    get controlUrl() {
      return running().controlUrl;
    },
    get port() {
      return running().port;
    },
    close: () => running().close(),
  };
};
