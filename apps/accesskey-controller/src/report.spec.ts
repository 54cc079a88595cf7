import type { AccessKeySpec, Reason } from '@operator/api';
import { terminal, transient, waiting } from '@operator/outcome';
import { objectOf, providerOf } from '@operator/references/testing';
import type { Attachment } from '@operator/s3';
import { createMemoryS3, ownerMark } from '@operator/testing';
import { describe, expect, it, vi } from 'vitest';
import type { AccessKey } from './deps.ts';
import {
  claimsOfKeyFault,
  foreignClaims,
  isDrift,
  keyWarnings,
  reportKey,
  tellRemoved,
  unsupportedKeyClaims,
  waitingClaims,
} from './report.ts';

describe('claimsOfKeyFault', () => {
  const kinds = { transient, waiting, terminal };
  it.each<[keyof typeof kinds, Reason, boolean, readonly string[]]>([
    ['waiting', 'ProviderNotReady', true, ['ProviderNotReady']],
    ['transient', 'EndpointUnreachable', false, ['ProviderNotReady']],
    ['terminal', 'Unsupported', false, ['Unsupported']],
    ['waiting', 'UserConflict', false, ['CreationFailed']],
    ['terminal', 'PolicyInvalid', false, ['CreationFailed']],
    ['terminal', 'PolicyInvalid', true, []],
    ['transient', 'KeyNotUsableYet', false, []],
    ['transient', 'KeyRefused', true, ['KeyRefused']],
  ])('%s %s, created: %s', (kind, reason, isCreated, types) => {
    expect(claimsOfKeyFault(kinds[kind](reason, 'why'), isCreated)).toEqual(
      types.map((type) => ({ type, status: 'True', reason, message: 'why' })),
    );
  });
});

const change = (kind: string) => ({ kind, uid: 'u', resourceVersion: '7' });
it.each([
  ['a Secret that nobody else asked for', 'Converging', ['secret'], undefined, true],
  ['a Secret that was altered', 'Converging', ['secret'], change('Secret'), true],
  ['a Secret whose Provider has changed', 'Converging', ['secret'], change('Provider'), false],
  ['a Secret whose Bucket has changed', 'Converging', ['secret'], change('Bucket'), false],
  ['rights, and a Secret whose Provider has changed', 'Converging', ['policy', 'secret'], change('Provider'), true],
  ['a rotation', 'Rotating', ['key', 'secret'], undefined, false],
])('isDrift of %s', (_title, reason, steps, cause, want) => {
  expect(isDrift({ reason, steps, cause })).toBe(want);
});

describe('unsupportedKeyClaims', () => {
  const userTags = new Map([['userTags', 'No tags here.']]);
  it.each<[string, Partial<AccessKeySpec>, ReadonlyMap<string, string>, string | undefined]>([
    ['nothing asked for', {}, userTags, undefined],
    ['tags where there are some', { tags: { a: 'b' } }, new Map(), undefined],
    ['tags where there are none', { tags: { a: 'b' } }, userTags, 'tags: No tags here.'],
  ])('%s', (_title, spec, unsupported, message) => {
    const claims = unsupportedKeyClaims({ spec: { providerRef: { name: 'p' }, ...spec } }, unsupported);
    expect(claims.map((claim) => [claim.type, claim.reason, claim.message])).toEqual(
      message === undefined ? [] : [['Unsupported', 'Unsupported', message]],
    );
  });
});

it('a rotation that waits says until when, and how to go on now', () => {
  expect(waitingClaims({ waits: undefined, previous: [], foreign: [] })).toEqual([]);
  const previous = [{ accessKeyId: 'K0', expiresAt: '2026-05-12T10:00:00.000Z' }];
  expect(waitingClaims({ waits: 'requested', foreign: [], previous })).toEqual([
    {
      type: 'RotationFailed',
      status: 'True',
      reason: 'RotationWaiting',
      message: expect.stringMatching(
        /requested.*until 2026-05-12T10:00:00.000Z, when key K0 expires.*s3.cloud37.dev\/force/,
      ) as string,
    },
  ]);
});

it('what the server calls a key or a policy is shown in one line', () => {
  const odd = `K\n${'x'.repeat(500)}`;
  const claims = [
    ...foreignClaims({ foreign: [odd] }, 'u'),
    ...waitingClaims({ waits: 'requested', foreign: [odd], previous: [] }),
  ];
  expect(claims.map(({ message }) => message)).toEqual([
    expect.stringMatching(/K x{125}…/),
    expect.stringMatching(/K x{125}…/),
  ]);
});

describe('what others had put on a user', () => {
  const policies = Array.from({ length: 11 }, (_, index) => ({
    kind: 'attached policy',
    name: `arn:aws:iam::123456789012:policy/p${String(index)}`,
  }));
  const removed: readonly Attachment[] = [
    { kind: 'login profile' },
    ...policies,
    { kind: 'MFA device', name: 'arn:aws:iam::1:mfa/phone' },
  ];
  const { driver } = createMemoryS3({ now: () => new Date(0) });
  const tell = (namespace: string, all: readonly Attachment[]) => {
    const events: string[] = [];
    const info = vi.fn();
    const accessKey: AccessKey = objectOf('AccessKey', 'app', { providerRef: { name: 'provider' } });
    const provided = { provider: providerOf(driver, { metadata: { namespace } }) };
    const user = { name: 'u', mark: ownerMark(), tags: new Map() };
    const event = (_type: string, reason: string, message: string) => void events.push(`${reason}: ${message}`);
    tellRemoved({ accessKey, provided, user, pass: { log: { info }, event } }, all);
    return { events, logged: JSON.stringify(info.mock.calls) };
  };

  it('is named to the owner of the Provider, ten at most, and in full in the log', () => {
    const { events, logged } = tell('team-a', removed);
    expect(events).toEqual([
      `AttachmentsRemoved: Removed from user u what somebody else had put there: login profile, ${policies
        .slice(0, 9)
        .map(({ name }) => `attached policy ${name}`)
        .join(', ')}, and 3 more. The user is the operator's alone.`,
    ]);
    for (const { kind, name = '' } of removed) expect(logged).toContain(`${kind} ${name}`.trim());
  });

  it('is counted for who only borrows the Provider, and named in the log', () => {
    const { events, logged } = tell('platform', removed);
    expect(events).toEqual([
      "AttachmentsRemoved: Removed from user u what somebody else had put there: login profile (1), attached policy (11), MFA device (1). The user is the operator's alone.",
    ]);
    expect(logged).toContain('arn:aws:iam::1:mfa/phone');
  });

  it('is not told where there was nothing', () => {
    expect(tell('team-a', [])).toEqual({ events: [], logged: '[]' });
  });
});

describe('keyWarnings', () => {
  const providerRef = { name: 'p' };
  const access = [{ bucketRef: { name: 'photos' }, level: 'ReadOnly' as const }];
  const policy = (effect: 'Allow' | 'Deny', resource: string): NonNullable<AccessKeySpec['policy']> => ({
    version: '2012-10-17',
    statement: [{ effect, action: 's3:GetObject', resource }],
  });
  it.each<[string, AccessKeySpec, readonly string[]]>([
    ['neither access nor policy', { providerRef }, ['NoRights']],
    ['an empty access', { providerRef, access: [] }, ['NoRights']],
    ['a policy that allows nothing', { providerRef, policy: policy('Deny', 'arn:aws:s3:::documents/*') }, ['NoRights']],
    ['access', { providerRef, access }, []],
    ['a policy', { providerRef, policy: policy('Allow', 'arn:aws:s3:::documents/*') }, []],
    [
      'a policy that allows everything',
      {
        providerRef,
        policy: { version: '2012-10-17', statement: [{ effect: 'Allow', action: 's3:*', resource: '*' }] },
      },
      ['WideGrant'],
    ],
    [
      'a policy that matches nothing',
      { providerRef, policy: policy('Allow', 'arn:aws:s3:::documents') },
      ['MatchesNothing'],
    ],
  ])('%s', (_title, spec, reasons) => {
    expect(keyWarnings({ spec }).map(({ reason }) => reason)).toEqual(reasons);
  });

  it('name the statement and what was meant', () => {
    const [warning] = keyWarnings({ spec: { providerRef, access, policy: policy('Allow', 'arn:aws:s3:::documents') } });
    expect(warning?.message).toBe(
      'Without effect: spec.policy.statement[0].action: s3:GetObject acts on objects: use arn:aws:s3:::documents/* as resource.',
    );
  });
});

describe('reportKey', () => {
  const now = new Date('2026-05-05T10:00:00.000Z');
  const facts = {
    accessKeyId: 'K2',
    userName: 'u',
    userArn: undefined,
    secretName: 's',
    policyHash: undefined,
    grantedBuckets: ['team-a/photos'],
  };
  const fresh = { accessKeyId: 'K2', userName: 'u', secretName: 's', grantedBuckets: ['team-a/photos'] };
  const before = '2026-05-01T00:00:00.000Z';

  it.each([
    ['a first key', undefined, facts, false, { ...fresh, created: false, lastRotateTime: now.toISOString() }],
    [
      'the same key, unverified for a moment',
      { accessKeyId: 'K2', created: true, lastRotateTime: before },
      facts,
      false,
      { ...fresh, created: true, lastRotateTime: before },
    ],
    [
      'another key',
      { accessKeyId: 'K1', created: true, lastRotateTime: before },
      facts,
      false,
      { ...fresh, created: false, lastRotateTime: now.toISOString() },
    ],
    [
      'an intent that is done, and former keys that are still valid',
      {
        keyIntent: { at: before, userName: 'u' },
        previousKeys: [{ accessKeyId: 'K1', expiresAt: before }],
      },
      { ...facts, userArn: 'arn', policyHash: 'hash' },
      true,
      {
        ...fresh,
        userArn: 'arn',
        policyHash: 'hash',
        created: true,
        lastRotateTime: now.toISOString(),
        previousKeys: [{ accessKeyId: 'K1', expiresAt: before }],
      },
    ],
  ])('%s', (_title, former, given, isVerified, want) => {
    const plan = { pair: { is: 'keep' }, dueAt: undefined, remove: [], retire: [] } as const;
    const progress = { isVerified, plan, choosesPair: false, now };
    expect(reportKey(former, { ...given, rollouts: [] }, progress)).toEqual({
      ...want,
      pairGeneration: 1,
    });
  });
});
