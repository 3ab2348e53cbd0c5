// Where an account is by its secret, and which venues a stage lets be: who is elsewhere is told so in a sentence, and a stage
// that could serve nobody does not start. No value of a secret is ever shown.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSettings } from '../shared/config.ts';
import { ENVIRONMENTS, type Environment } from '../shared/order/venue.ts';
import { DEFAULT_VENUE, kinds, nameOf, sitesOf, VENUES, type Site } from '../shared/venues.ts';
import { commonSettings, placeOf, wireDoctor } from '../shared/wiring.ts';

const KEY = { apiKey: 'K3y', secretKey: 'S3cret', memo: 'M3mo' };

describe('where an account is', () => {
  test('is its venue and environment, and the default of both where the secret names none', async () => {
    const sites = await sitesOf([DEFAULT_VENUE], ENVIRONMENTS);
    const place = { venue: DEFAULT_VENUE, environment: 'live', credentials: KEY };
    for (const said of [{}, { venue: DEFAULT_VENUE }, { environment: 'live' }, { venue: DEFAULT_VENUE, environment: 'live' }]) {
      expect(placeOf({ ...KEY, ...said }, sites)).toEqual(place);
    }
    expect(placeOf({ ...KEY, memo: 5 }, sites)).toEqual({ unreadable: expect.stringContaining('memo') });
  }); // prettier-ignore
  test('and where the stage does not allow it, a sentence names both, and what may be', async () => {
    const kind = await kinds[DEFAULT_VENUE]();
    const sites: readonly Site[] = [{ venue: DEFAULT_VENUE, environment: 'demo', kind }];
    for (const environment of ['live', 'testnet'] as const) {
      const place = placeOf({ ...KEY, environment }, sites);
      const said = `it is on ${DEFAULT_VENUE} ${environment}, and this stage allows ${DEFAULT_VENUE} demo; correct venue`;
      expect(place).toEqual({ unreadable: expect.stringContaining(said) });
    }
  });
  test('whatever stands there is not repeated: it may be a key in the wrong field', async () => {
    const sites = await sitesOf([DEFAULT_VENUE], ['live']);
    const anything = fc.oneof(fc.string({ minLength: 8 }).map((text) => `S3cret${text}`), fc.constantFrom(5, null, {}, []));
    fc.assert(
      fc.property(anything, fc.constantFrom('venue', 'environment'), (value, field) => {
        const place = placeOf({ ...KEY, [field]: value }, sites);
        expect(place).toEqual({ unreadable: expect.stringContaining(`${field} in the secret is none of`) });
        expect(JSON.stringify(place)).not.toContain('S3cret');
      }),
    );
  }); // prettier-ignore
});

describe('what a stage allows', () => {
  const settings = (env: Readonly<Record<string, string>>) => readSettings(env, commonSettings);

  test('is the default venue and its real environment where nothing is said', () => {
    expect(settings({})).toMatchObject({ venues: [DEFAULT_VENUE], environments: ['live'] });
  });
  test.each([
    [{ VENUES: 'nowhere' }, /VENUES must be at most \d+ names .* out of /],
    [{ VENUES: `${DEFAULT_VENUE},` }, /VENUES must be/],
    [{ ENVIRONMENTS: 'paper' }, /ENVIRONMENTS must be .* out of live, demo, testnet/],
    [{ ENVIRONMENTS: 'live demo' }, /ENVIRONMENTS must be/],
  ])('%j is refused at the start', (env, message) => {
    expect(() => settings(env as Readonly<Record<string, string>>)).toThrow(message);
  });
  test('is each venue in each environment that both have, once', async () => {
    for (const venue of VENUES) {
      const { environments } = await kinds[venue]();
      const sites = await sitesOf([venue, venue], ENVIRONMENTS);
      expect(sites.map(({ environment }) => environment)).toEqual(environments);
    }
  });
  test('and where a venue has none of them, the stage does not start', async () => {
    for (const venue of VENUES) {
      const { environments } = await kinds[venue]();
      const others: readonly Environment[] = ENVIRONMENTS.filter((each) => !environments.includes(each));
      if (others.length === 0) continue;
      await expect(sitesOf([venue], others)).rejects.toThrow(
        new RegExp(`^VENUES allows ${venue}, which has ${environments.join(', ')}, and ENVIRONMENTS allows ${others.join(', ')}`),
      );
    }
  }); // prettier-ignore
  test('is told by name, the environment only where it is not the real one', () => {
    expect(nameOf({ venue: DEFAULT_VENUE, environment: 'live' })).toBe(DEFAULT_VENUE);
    expect(nameOf({ venue: DEFAULT_VENUE, environment: 'testnet' })).toBe(`${DEFAULT_VENUE} testnet`);
  });
  test('keeps the doctor from an account that is elsewhere', async () => {
    const doctor = await wireDoctor(settings({}), 0.1);
    const secret = { ...KEY, environment: 'testnet' };
    const findings = await doctor.account({ account: 'main', secret });
    expect(findings).toMatchObject([{ check: 'secret', level: 'trouble', code: 'VENUE_NOT_ALLOWED' }]);
    expect(JSON.stringify(findings)).not.toContain('S3cret');
  });
});
