import { execFileSync } from 'node:child_process';
import { describe, expect, it, test } from 'vitest';
import { commandToAnnotate, findAnnotationProblems } from './annotations.ts';
import { kinds } from './kinds.ts';
import { annotations, providerResource } from './resources.ts';

const messagesOf = (kind: string, given: Readonly<Record<string, string>>) =>
  findAnnotationProblems(kind, given).map(({ message }) => message);

describe('an annotation of ours', () => {
  test.each([
    ['Bucket', annotations.paused, 'true'],
    ['Bucket', annotations.paused, 'false'],
    ['BucketPolicy', annotations.reconcileRequestedAt, ''],
    ['AccessKey', annotations.resyncInterval, '1h30m'],
    ['Bucket', annotations.abandon, 'true'],
    ['Provider', annotations.sameServer, 'https://s3.example.com'],
    ['Provider', annotations.confirmOwner, 'team-a/photos/team-a-photos, team-b/logs/logs,'],
    ['Bucket', annotations.confirmWithdrawal, 'team-a,team-b'],
    ['BucketPolicy', annotations.allowLockout, 'true'],
    ['AccessKey', annotations.rotateRequestedAt, '2026-05-05'],
  ])('on a %s is taken: %s=%s', (kind, name, value) => {
    expect(messagesOf(kind, { [name]: value })).toEqual([]);
  });

  test.each(
    [
      ['yes', 'True', '1', ' true'].map((value) => [annotations.paused, value, 'It takes "true", in quotes'] as const),
      [
        [annotations.resyncInterval, '5', 'It takes a duration from 1s to 168h, such as 30s, 10m or 1h30m.'],
        [annotations.resyncInterval, '500ms', 'It takes a duration'],
        [annotations.confirmOwner, 'team-a/photos', 'It takes namespace/name/bucket, with commas between.'],
        [annotations.confirmWithdrawal, 'Team A', 'It takes names of namespaces, with commas between.'],
      ] as const,
    ].flat(),
  )('is told with what it takes: %s=%s', (name, value, takes) => {
    const [message, ...others] = messagesOf('Provider', { [name]: value });
    expect(others).toEqual([]);
    expect(message).toContain(`Annotation ${name} is ${JSON.stringify(value)}, which has no effect.`);
    expect(message).toContain(takes);
  });

  test('is told when it is unknown, or of another kind, with those that are accepted', () => {
    expect(messagesOf('Bucket', { 's3.cloud37.dev/pause': 'true', [annotations.confirmOwner]: 'a/b/c' })).toEqual([
      'Annotation s3.cloud37.dev/pause has no meaning on this kind and no effect. Accepted are: s3.cloud37.dev/paused, ' +
        's3.cloud37.dev/reconcile-requested-at, s3.cloud37.dev/resync-interval, s3.cloud37.dev/abandon, s3.cloud37.dev/confirm-withdrawal.',
      expect.stringContaining('Annotation s3.cloud37.dev/confirm-owner has no meaning on this kind'),
    ]);
  });

  test('is told with no more than the beginning of a long value', () => {
    const [message = ''] = messagesOf('Bucket', { [annotations.paused]: 'x'.repeat(10_000) });
    expect(message.length).toBeLessThan(300);
  });

  test('is told by no prefix but ours', () => {
    expect(messagesOf('Bucket', { note: '1', 's3.cloud37.development/paused': 'yes' })).toEqual([]);
  });

  test('is known on some kind, except for those of Secrets', () => {
    const known = kinds.flatMap(({ resource }) =>
      Object.values(annotations).filter((name) =>
        findAnnotationProblems(resource.kind, { [name]: '' }).every(({ message }) => !message.includes('no meaning')),
      ),
    );
    expect(Object.values(annotations).filter((name) => !known.includes(name))).toEqual([
      annotations.pairKeys,
      annotations.pairPrefix,
      annotations.configMap,
    ]);
  });
});

describe('the command that sets an annotation', () => {
  const store = { namespace: 'platform', name: 'store' };

  it('names the object, or all of its kind', () => {
    expect(commandToAnnotate(providerResource, store, annotations.confirmWithdrawal, 'team-a,team-b')).toBe(
      'kubectl annotate --overwrite providers.s3.cloud37.dev store -n platform s3.cloud37.dev/confirm-withdrawal=team-a,team-b',
    );
    expect(commandToAnnotate(providerResource, 'all', annotations.abandon, 'true')).toBe(
      'kubectl annotate --overwrite -A --all providers.s3.cloud37.dev s3.cloud37.dev/abandon=true',
    );
  });

  test.each([
    'https://s3.example.com:9000/base',
    'arn:aws:iam::1:user/a+b=c@d',
    "it's $(id)",
    'a; id #',
    '`id`\n&& id',
    '"$HOME" \\',
    '~root *',
    '',
  ])('gives the shell this value as it is: %j', (value) => {
    const command = commandToAnnotate(providerResource, store, annotations.sameServer, value);
    const shown = execFileSync('sh', ['-c', `kubectl() { printf '%s\\0' "$@"; }; ${command}`], { encoding: 'utf8' });
    expect(shown.split('\0').at(-2)).toBe(`${annotations.sameServer}=${value}`);
  });
});
