// The judge of IAM calls itself: what it allows, what it denies, and that it would rather fail than misread.
import { describe, expect, test } from '@jest/globals';
import type { Template } from './packaged.ts';
import { judge, nameOf, statementsOf, type Request } from './policy.ts';

const template: Template = {
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'jobs' } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } },
    Table: { Type: 'AWS::DynamoDB::Table', Properties: {} },
  },
  Outputs: {},
};
const QUEUE = 'arn:aws:sqs:ap-northeast-1:000000000000:jobs';
const verdict = (statements: readonly object[], request: Request) =>
  judge(statementsOf(template, { Statement: statements }), request);
const send = { action: 'sqs:SendMessage', resource: QUEUE };
const allow = { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] } };

describe('a call', () => {
  test('is allowed by a statement with its action and its resource, and by no other', () => {
    expect(verdict([allow], send)).toBe('allowed');
    expect(verdict([], send)).toBe('not allowed');
    expect(verdict([allow], { ...send, action: 'sqs:SendMessages' })).toBe('not allowed');
    expect(verdict([allow], { ...send, resource: `${QUEUE}2` })).toBe('not allowed');
    expect(verdict([allow], { ...send, resource: QUEUE.replace('jobs', 'JOBS') })).toBe('not allowed');
    expect(verdict([{ ...allow, Action: 'SQS:sendmessage' }], send)).toBe('allowed');
  });

  test('is allowed by a pattern where the star stands for it, and dots are dots', () => {
    expect(verdict([{ ...allow, Action: 'sqs:*' }], send)).toBe('allowed');
    expect(verdict([{ ...allow, Resource: 'arn:aws:sqs:*:jobs' }], send)).toBe('allowed');
    expect(verdict([{ ...allow, Resource: 'arn:aws:sqs:*:job' }], send)).toBe('not allowed');
    expect(verdict([{ ...allow, Resource: 'a.c' }], { ...send, resource: 'abc' })).toBe('not allowed');
  });

  test('is denied by one Deny, however many allow it', () => {
    expect(verdict([allow, { Effect: 'Deny', Action: 'sqs:*', Resource: '*' }, allow], send)).toBe('denied');
  });

  test('must fulfil every condition; of one key, any of its values', () => {
    const conditional = { ...allow, Condition: { StringEquals: { a: ['1', '2'], b: '3' } } };
    expect(verdict([conditional], { ...send, context: { a: '2', b: '3' } })).toBe('allowed');
    expect(verdict([conditional], { ...send, context: { a: '2', b: '4' } })).toBe('not allowed');
    expect(verdict([conditional], { ...send, context: { a: '1' } })).toBe('not allowed');
  });

  test('may be told apart by whether a key is there', () => {
    const byCode = { Effect: 'Deny', Action: 'ec2:*', Resource: '*', Condition: { Null: { who: 'false' } } };
    const request = { action: 'ec2:RunInstances', resource: 'any' };
    expect(verdict([byCode], { ...request, context: { who: 'me' } })).toBe('denied');
    expect(verdict([byCode], request)).toBe('not allowed');
  });
});

describe('what is not known is an error', () => {
  test.each([
    ['another condition', { ...allow, Condition: { ArnLike: { a: 'b' } } }, /ArnLike is not known/],
    ['NotAction', { ...allow, NotAction: 'sqs:*' }, /NotAction not known/],
    ['no effect', { ...allow, Effect: 'Maybe' }, /has no effect/],
    ['a question mark', { ...allow, Resource: 'arn:aws:sqs:?' }, /question mark/],
    ['a resource of another kind', { ...allow, Resource: { 'Fn::GetAtt': ['Table', 'Arn'] } }, /AWS::DynamoDB::Table is not known/], // prettier-ignore
    ['another attribute', { ...allow, Resource: { 'Fn::GetAtt': ['Queue', 'QueueName'] } }, /no resource that can be named/], // prettier-ignore
    ['the Ref of a queue, which is its URL', { ...allow, Resource: { Ref: 'Queue' } }, /no resource that can be named/],
  ])('%s', (_, statement, message) => {
    expect(() => verdict([statement], send)).toThrow(message);
  });
});

test('resources are named as on the local stack: by attribute, by pattern, and a topic by its Ref', () => {
  expect(nameOf(template, { 'Fn::GetAtt': ['Queue', 'Arn'] })).toBe(QUEUE);
  expect(nameOf(template, { 'Fn::Sub': 'arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs' })).toBe(
    QUEUE,
  );
  expect(nameOf(template, { Ref: 'Topic' })).toBe('arn:aws:sns:ap-northeast-1:000000000000:alarms');
});
