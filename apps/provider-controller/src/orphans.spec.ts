import { providerOf } from '@operator/references/testing';
import type { MarkedUser } from '@operator/s3';
import { describe, expect, it } from 'vitest';
import { confirmedOrphans, explainOrphans, orphansOf, reportOrphans } from './orphans.ts';

const confirm = 's3.cloud37.dev/confirm-orphans';
const user = (uid: string): MarkedUser => ({
  name: `user-${uid}`,
  mark: { cluster: 'c', namespace: 'team-a', name: 'app', uid },
});
const unmarked: MarkedUser = { name: 'stray', mark: undefined };
const provider = (annotation?: string, told: readonly string[] = []) =>
  providerOf(
    { serverIdentity: 'http://s3.test' },
    annotation === undefined ? {} : { metadata: { annotations: { [confirm]: annotation } } },
    told.length === 0 ? {} : { orphanedUsers: told.map((userName) => ({ userName })) },
  );

describe('a user at the provider', () => {
  it.each<[string, MarkedUser, readonly string[], readonly string[], boolean]>([
    ['whose AccessKey is gone is orphaned', user('gone'), ['alive'], ['user-alive'], true],
    ['whose AccessKey lives is not', user('alive'), ['alive'], ['user-alive'], false],
    ['whose AccessKey has another name by now, under the same uid, is not', user('alive'), ['alive'], ['other'], false],
    ['that a living AccessKey would have by its name is not', user('gone'), ['alive'], ['user-gone'], false],
    ['of which the server tells no owner is orphaned when no AccessKey has its name', unmarked, ['alive'], [], true],
    ['of which the server tells no owner is not when one has', unmarked, ['alive'], ['stray'], false],
  ])('%s', (_title, seen, uids, userNames, isOrphan) => {
    const living = { uids: new Set(uids), userNames: new Set(userNames) };
    expect(orphansOf([seen], living)).toEqual(isOrphan ? [seen] : []);
  });
});

it.each<[string, string | undefined, readonly string[]]>([
  ['nobody', undefined, []],
  ['nobody', '', []],
  ['the uids that it names', ' a , x', ['user-a']],
  ['the users that it names', 'stray,user-b', ['user-b', 'stray']],
])('the annotation confirms %s', (_title, annotation, want) => {
  const orphans = [user('a'), user('b'), unmarked];
  expect(confirmedOrphans(orphans, provider(annotation)).map(({ name }) => name)).toEqual(want);
});

describe('what is told of orphans', () => {
  const many = Array.from({ length: 25 }, (_, index) => user(String(index)));

  it('names twenty in the status, and counts all', () => {
    expect(reportOrphans([])).toEqual({ orphanedUserCount: 0 });
    expect(reportOrphans([user('a'), unmarked])).toEqual({
      orphanedUsers: [{ userName: 'user-a', namespace: 'team-a', name: 'app', uid: 'a' }, { userName: 'stray' }],
      orphanedUserCount: 2,
    });
    expect(reportOrphans(many).orphanedUsers).toHaveLength(20);
    expect(reportOrphans(many).orphanedUserCount).toBe(25);
  });

  it('shows in one line, and in the length of the status, what the server calls them', () => {
    const odd: MarkedUser = { name: `a\nb${'x'.repeat(200)}`, mark: undefined };
    const [shown] = reportOrphans([odd]).orphanedUsers ?? [];
    expect(shown?.userName).toBe(`${'a b'.padEnd(127, 'x')}…`);
    expect(explainOrphans([odd], provider())).not.toContain('\n');
    expect(explainOrphans([odd], provider(undefined, [shown?.userName ?? '']))).toBeUndefined();
  });

  it('is an Event with the command that removes them, once', () => {
    expect(explainOrphans([], provider())).toBeUndefined();
    expect(explainOrphans([user('a')], provider(undefined, ['user-a']))).toBeUndefined();
    expect(explainOrphans([user('a'), unmarked], provider(undefined, ['user-a']))).toBe(
      '2 users at the provider are of AccessKeys that do not exist any more: user-a (AccessKey team-a/app, uid a), stray. Their keys still ' +
        'work. If this cluster is a copy or was restored from a backup, they may be in use elsewhere. Remove these: kubectl annotate --overwrite providers.s3.cloud37.dev provider -n team-a ' +
        's3.cloud37.dev/confirm-orphans=a,stray',
    );
    expect(explainOrphans(many, provider())).toMatch(/, and 20 more\. .*confirm-orphans=0,1,2,3,4$/);
  });
});
