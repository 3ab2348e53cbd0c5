// Whom an environment leaves alone: bans and refused keys, each as long as it lasts, and nobody longer or for another.
import { describe, expect, test } from '@jest/globals';
import { park, parkedNow, unpark, type Parking, type Parks } from '../shared/parking.ts';

const refused: Parks = { kind: 'unauthorised', venueCode: '1', detail: 'wrong key' };
const banned = (forMs: number): Parks => ({ kind: 'banned', venueCode: '2', detail: 'too many', forMs, of: 'account' });
const account = (name: string, key = 'k', venue = 'here') => ({ name, venue, credentials: { key } });

function lot(isEgressFixed = false) {
  let now = 1_000_000;
  const lines: string[] = [];
  const parking: Parking = {
    ...{ parked: new Map(), parkMs: 60_000, isEgressFixed },
    clock: { now: () => now, sleep: () => Promise.resolve() },
    log: (_, event, fields) => void lines.push(`${event} ${JSON.stringify(fields)}`),
  };
  const isParked = (name: string, venue?: string): boolean =>
    parkedNow(account(name, 'k', venue), parking) !== undefined;
  return { parking, lines, isParked, pass: (ms: number) => void (now += ms) };
}

describe('an account', () => {
  test.each([
    ['refused', refused, 60_000],
    ['banned', banned(300_000), 300_000],
  ] as const)('that is %s is left alone for its time, and no other with it; a person is told', (word, answer, ms) => {
    const { parking, lines, isParked, pass } = lot();
    expect(park(account('a'), answer, parking)).toBe(ms);
    expect([isParked('a'), isParked('b')]).toEqual([true, false]);
    expect(parkedNow(account('a'), parking)).toMatchObject({ why: answer.detail });
    expect(lines).toEqual([`account ${word} {"account":"a","detail":"${answer.detail}","forMs":${ms}}`]);
    pass(ms - 1);
    expect(isParked('a')).toBe(true);
    pass(1);
    expect(isParked('a')).toBe(false);
  });
  test('that was refused is asked again at once with another key, and not with the same; a banned one with neither', () => {
    for (const [answer, key, left] of [[refused, 'k', true], [refused, 'new', false], [banned(1000), 'k', true], [banned(1000), 'new', true]] as const) {
      const { parking, isParked } = lot();
      park(account('a'), answer, parking);
      unpark(account('a', key), parking);
      unpark(account('b', 'new'), parking);
      expect([answer.kind, key, isParked('a')]).toEqual([answer.kind, key, left]);
    }
  }); // prettier-ignore
});

describe('where all leave through one address', () => {
  test('a ban is everybody’s, a refusal stays its own', () => {
    const world = lot(true);
    park(account('a'), refused, world.parking);
    expect([world.isParked('a'), world.isParked('b')]).toEqual([true, false]);
    park(account('a'), banned(5000), world.parking);
    expect(world.isParked('b')).toBe(true);
    // The longer of the two holds.
    world.pass(5000);
    expect([world.isParked('a'), world.isParked('b')]).toEqual([true, false]);
  });
});

describe('a ban of the address', () => {
  const ofAddress: Parks = { kind: 'banned', venueCode: '403', detail: 'too many', forMs: 600_000, of: 'address' };

  test.each([true, false])('is that of all accounts of its venue and of no other, whether all leave by one: %p', (isFixed) => {
    const { parking, isParked, pass } = lot(isFixed);
    expect(park(account('a'), ofAddress, parking)).toBe(600_000);
    expect([isParked('a'), isParked('b'), isParked('c', 'there')]).toEqual([true, true, false]);
    // Another key does not help.
    unpark(account('a', 'new'), parking);
    expect(isParked('a')).toBe(true);
    pass(600_000);
    expect([isParked('a'), isParked('b')]).toEqual([false, false]);
  }); // prettier-ignore
  test('for the country of it is told in other words: waiting will not help', () => {
    const { parking, lines, isParked } = lot();
    park(account('a'), { ...ofAddress, isBlocked: true }, parking);
    expect(isParked('b')).toBe(true);
    expect(lines).toEqual([expect.stringMatching(/^country blocked: waiting will not help \{"account":"\*here"/)]);
  });
});

test('what is over is forgotten: the memory holds no more than those that are parked', () => {
  const { parking, pass } = lot();
  for (let index = 0; index < 100; index += 1) {
    park(account(`a${index}`), banned(1000), parking);
    pass(500);
  }
  expect(parking.parked.size).toBe(2);
});
