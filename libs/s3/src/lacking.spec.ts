import { reasons } from '@operator/api';
import { terminal } from '@operator/outcome';
import { beforeEach, expect, it } from 'vitest';
import { createLacking, lackBelievedMs, type Lacking } from './lacking.ts';

const answered = (status: number, code: string) =>
  terminal(reasons.Unsupported, 'no', { cause: { name: code, $metadata: { httpStatusCode: status } } });
const own = answered(501, 'NotImplemented');
const ofAProxy = answered(501, 'UnknownError');

let nowMs: number;
let lacking: Lacking;
beforeEach(() => {
  nowMs = 0;
  lacking = createLacking(() => nowMs);
});
const lacks = () => lacking.lacks('GetBucketTagging');
const refuse = (fault = own) => lacking.refused('GetBucketTagging', fault);

it('one refusal proves nothing, and neither do several of a server that answers nothing else', () => {
  refuse();
  expect(lacks()).toBe(false);
  refuse();
  expect(lacks()).toBe(false);
});

it('a refusal that is repeated after another answer proves the lack', () => {
  refuse();
  lacking.answered('HeadBucket');
  expect(lacks()).toBe(false);
  refuse();
  expect(lacks()).toBe(true);
});

it('an answer that is not in the form of the API proves nothing, however often', () => {
  for (let look = 0; look < 3; look += 1) {
    refuse(ofAProxy);
    lacking.answered('HeadBucket');
  }
  expect(lacks()).toBe(false);
});

it('what was ever carried out is not lacking', () => {
  lacking.answered('GetBucketTagging');
  refuse();
  lacking.answered('HeadBucket');
  refuse();
  expect(lacks()).toBe(false);
});

it('a lack is believed for ten minutes, and found again by one refusal', () => {
  refuse();
  lacking.answered('HeadBucket');
  refuse();
  nowMs = lackBelievedMs;
  expect(lacks()).toBe(false);
  refuse();
  expect(lacks()).toBe(true);
});

it('a server that has the operation after all lacks it no more', () => {
  refuse();
  lacking.answered('HeadBucket');
  refuse();
  lacking.answered('GetBucketTagging');
  expect(lacks()).toBe(false);
});
