// Rounding to a venue's steps: exact, and always to the harmless side.
import { describe, expect, test } from '@jest/globals';
import Big from 'big.js';
import fc from 'fast-check';
import { roundDown, roundUp } from '../../shared/order/instrument.ts';
import { decimal } from './arbitraries.ts';

const PLAIN = /^\d+(\.\d+)?$/;
/** How many steps; big.js divides exactly only where it takes the rest. */
const isMultiple = (value: string, step: string): boolean => new Big(value).mod(step).eq(0);

describe('roundDown', () => {
  test.each([
    ['0.0000199', '0.00001', '0.00001'],
    ['0.00002', '0.00001', '0.00002'],
    ['0.000009', '0.00001', '0'],
    ['60000.999', '0.01', '60000.99'],
    ['7', '2', '6'],
    ['1999', '1000', '1000'],
    ['0.3', '0.1', '0.3'],
    ['99999999999999999999.999999999999999999', '0.000000000000000001', '99999999999999999999.999999999999999999'],
    ['0.000000000000000001', '0.000000000000000001', '0.000000000000000001'],
  ])('%s in steps of %s is %s', (value, step, rounded) => {
    expect(roundDown(value, step)).toBe(rounded);
  });

  test('never raises, gives a multiple of the step, and loses less than one step', () => {
    fc.assert(
      fc.property(decimal(), decimal(12, 18), (value, step) => {
        const rounded = roundDown(value, step);
        expect(rounded).toMatch(PLAIN);
        expect(new Big(rounded).lte(value)).toBe(true);
        expect(isMultiple(rounded, step)).toBe(true);
        expect(new Big(value).minus(rounded).lt(step)).toBe(true);
      }),
    );
  });

  test('never raises a value that is just below a multiple of a large step', () => {
    for (const step of ['1000', '10000', '10000000']) {
      const just = new Big(step).minus('0.000000000000000001').toFixed();
      expect([step, roundDown(just, step)]).toEqual([step, '0']);
    }
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(decimal(), fc.nat(18), (value, places) => {
        const step = new Big(10).pow(-places).toFixed();
        const once = roundDown(value, step);
        expect(roundDown(once, step)).toBe(once);
      }),
    );
  });
});

test('roundUp gives the smallest multiple that is not below', () => {
  expect(roundUp(new Big('0.0000101'), '0.00001')).toBe('0.00002');
  expect(roundUp(new Big('0.00002'), '0.00001')).toBe('0.00002');
  fc.assert(
    fc.property(decimal(8, 10), fc.nat(10), (value, places) => {
      const step = new Big(10).pow(-places).toFixed();
      const rounded = new Big(roundUp(new Big(value), step));
      expect(rounded.gte(value) && rounded.minus(step).lt(value)).toBe(true);
      expect(isMultiple(rounded.toFixed(), step)).toBe(true);
    }),
  );
});
