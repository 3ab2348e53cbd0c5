// Conditions of a template: each is decided as CloudFormation decides it, and what depends on one is there or not.
import { describe, expect, test } from '@jest/globals';
import { decide, settle } from '../../local/conditions.ts';

const is = (a: string, b: string) => ({ 'Fn::Equals': [a, b] });
const not = (condition: unknown) => ({ 'Fn::Not': [condition] });

describe('conditions are decided', () => {
  test('by equal texts, their negation, and, or, and other conditions', () => {
    const conditions = {
      Both: { 'Fn::And': [{ Condition: 'Given' }, { Condition: 'Empty' }] },
      Either: { 'Fn::Or': [{ Condition: 'Given' }, { Condition: 'Empty' }] },
      Given: not(is('arn:aws:kms:x', '')),
      Empty: not(is('', '')),
    };
    expect(decide(conditions)).toEqual({ Given: true, Empty: false, Both: false, Either: true });
  });

  test.each([
    ['a parameter', { Odd: is('a', { Ref: 'Parameter' } as unknown as string) }, /no condition that can be decided/],
    ['an unknown function', { Odd: { 'Fn::Contains': [['a'], 'a'] } }, /no condition that can be decided/],
    ['an unknown name', { Odd: { Condition: 'Nowhere' } }, /no condition Nowhere/],
    ['a circle', { Odd: not({ Condition: 'Even' }), Even: not({ Condition: 'Odd' }) }, /asks for itself/],
  ])('or refused: %s', (_, conditions, message) => {
    expect(() => decide(conditions)).toThrow(message);
  });
});

describe('what depends on a condition', () => {
  const noValue = { Ref: 'AWS::NoValue' };
  const template = {
    Conditions: { HasKey: not(is('', '')) },
    Resources: {
      Queue: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          Key: { 'Fn::If': ['HasKey', 'key', noValue] },
          Managed: { 'Fn::If': ['HasKey', false, true] },
          Tags: ['always', { 'Fn::If': ['HasKey', 'sometimes', noValue] }],
          Deep: { 'Fn::If': ['HasKey', { Inner: { 'Fn::If': ['HasKey', 1, 2] } }, noValue] },
        },
      },
      Policy: { Type: 'AWS::IAM::Policy', Condition: 'HasKey', Properties: {} },
    },
    Outputs: { Key: { Condition: 'HasKey', Value: 'key' } },
  };

  test('is not there where it is false: properties, elements, resources, outputs', () => {
    expect(settle(template)).toEqual({
      Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Managed: true, Tags: ['always'] } } },
      Outputs: {},
    });
  });

  test('is there where it is supposed to be true', () => {
    expect(settle(template, { HasKey: true })).toEqual({
      Resources: {
        Queue: {
          Type: 'AWS::SQS::Queue',
          Properties: { Key: 'key', Managed: false, Tags: ['always', 'sometimes'], Deep: { Inner: 1 } },
        },
        Policy: { Type: 'AWS::IAM::Policy', Properties: {} },
      },
      Outputs: { Key: { Value: 'key' } },
    });
  });

  test('must name a condition that there is', () => {
    const odd = { Resources: { Queue: { Properties: { 'Fn::If': ['Nowhere', 1, 2] } } } };
    expect(() => settle(odd)).toThrow('the template has no condition Nowhere');
  });
});
