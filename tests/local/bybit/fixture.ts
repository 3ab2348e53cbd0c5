// One local venue for the tests of a file: started before the first, closed after the last, cleared before each.
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { startLocalBybit, type LocalBybit } from '../../../local/bybit/server.ts';
import { AT_ONCE, control, register } from './client.ts';

/** A venue with these accounts, to be called in a describe; it acts at once unless told otherwise. */
export const localVenue = (accounts: readonly object[], promises: object = AT_ONCE): LocalBybit => {
  let started: LocalBybit | undefined;
  const running = (): LocalBybit => {
    if (!started) throw new Error('the venue runs inside tests only');
    return started;
  };
  beforeAll(async () => {
    started = await startLocalBybit({ promises });
  });
  afterAll(() => running().close());
  beforeEach(async () => {
    await control(running(), 'DELETE', '/state');
    await register(running(), ...accounts);
  });
  return {
    get url() {
      return running().url;
    },
    get demoUrl() {
      return running().demoUrl;
    },
    get testnetUrl() {
      return running().testnetUrl;
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
