import { annotation, expectRefusedAtAdmission, Found, platform, undisclosed, type Attempt, type Case } from './case.ts';
import { borrowed, ownProvider } from './lending.ts';

/** The owner of the Provider has all its keys replaced. */
const revokeAll = (given: Case, provider: string): Promise<unknown> =>
  given.admin.patch('Provider', platform, provider, {
    metadata: { annotations: { [annotation('revoke-requested-at')]: `all-of-${given.namespace}` } },
  });

const mustBeDead = (given: Case, pair: { accessKey: string; secretKey: string }, bucket: string): Promise<void> =>
  given.must(
    () => given.rightOf(pair, { bucket, server: 'minio' }),
    (right) => right === undefined,
    'a revoked pair opens nothing',
  );

const revocationOf = async (given: Case, provider: string) =>
  (await given.admin.get('Provider', platform, provider))?.status?.revocation;

/** What ends well where nobody interferes. */
const lawfulRevocation = async (given: Case): Promise<void> => {
  const provider = `lent-to-${given.namespace}`;
  await given.until(
    () => revocationOf(given, provider),
    (revocation) => revocation?.state === 'Finished',
    'the revocation has finished',
  );
  await given.admin.untilReady('AccessKey', given.namespace, 'borrowed');
};

export const revocation: readonly Attempt[] = [
  {
    threat: 'T140',
    title:
      'a borrower has the keys of others replaced, by the annotation on the lent Provider or on objects of its own',
    async act(given) {
      const { key } = await given.victim({ key: true });
      const { name, pair } = await given.lawfulKey();
      const annotations = { [annotation('revoke-requested-at')]: 'mine' };
      await expectRefusedAtAdmission(
        () => given.tenant.patch('Provider', platform, 'shared', { metadata: { annotations } }),
        403,
      );
      await given.annotate('Bucket', name, annotations);
      await given.annotate('AccessKey', name, annotations);
      await given.until(
        () => given.pairOf(name),
        ({ accessKey }) => accessKey !== pair.accessKey,
        'its own pair is replaced',
      );
      const now = await given.pairOf(given.victims[0]?.name ?? '', undisclosed);
      if (now.accessKey !== key?.accessKey) throw new Found('harm', 'the pair of somebody else was replaced');
    },
    async twin(given) {
      const provider = await ownProvider(given);
      await borrowed(given, provider);
      await revokeAll(given, provider);
      await lawfulRevocation(given);
    },
  },
  {
    threat: 'T141',
    title:
      'a borrower evades the revocation of all keys by a status that says that it has answered, or that the key is of somebody else',
    async act(given) {
      const provider = await ownProvider(given);
      const { bucket, pair } = await borrowed(given, provider);
      await given.forge('AccessKey', 'borrowed', {
        answeredProviderRevokeRequest: `all-of-${given.namespace}`,
        foreignKeys: [pair.accessKey],
        previousKeys: [],
      });
      await revokeAll(given, provider);
      await mustBeDead(given, pair, bucket);
    },
    twin: lawfulRevocation,
  },
  {
    threat: 'T142',
    title: 'a borrower holds up the revocation of all keys by one that it pauses',
    async act(given) {
      const provider = await ownProvider(given);
      const { bucket, pair } = await borrowed(given, provider);
      const providerRef = { name: provider, namespace: platform };
      await given.key('another', 'shared', ['borrowed'], { providerRef });
      await given.admin.untilReady('AccessKey', given.namespace, 'another', 60_000);
      await given.pause('AccessKey', 'another');
      await revokeAll(given, provider);
      await mustBeDead(given, pair, bucket);
      await given.must(
        () => revocationOf(given, provider),
        (seen) => seen?.state === 'Running' && seen.held?.[0]?.because === 'Paused',
        'the Provider says what is held, and that it has not finished',
      );
    },
    async twin(given) {
      await given.annotate('AccessKey', 'another', { [annotation('paused')]: null });
      await lawfulRevocation(given);
    },
  },
];
