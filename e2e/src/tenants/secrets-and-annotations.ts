import { s3View } from '@operator/tools/harness';
import { annotation, expectRefusedAtAdmission, Found, platform, undisclosed, type Attempt, type Case } from './case.ts';
import { borrowed, granted, ownProvider, withdraw } from './lending.ts';

export const secretsAndAnnotations: readonly Attempt[] = [
  {
    threat: 'T57',
    title: 'the name of an output Secret leads to another namespace',
    async act(given) {
      for (const secretName of ['../platform/shared-root', 'platform/shared-root', '..', 'a%2Fb', 'UPPER'])
        await expectRefusedAtAdmission(() => given.key('key', 'shared', [], { secretName }));
    },
    async twin(given) {
      const { name } = await given.lawfulBucket();
      await given.key(name, 'shared', [name], { secretName: 'chosen' });
      await given.admin.untilReady('AccessKey', given.namespace, name, 60_000);
      if ((await given.admin.get('Secret', given.namespace, 'chosen')) === undefined)
        throw new Error('the Secret of the chosen name is not there');
    },
  },
  {
    threat: 'T58',
    title: 'an AccessKey writes over a Secret that is not its own, such as the credentials of a Provider',
    async act(given) {
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('own', url);
      const before = await given.admin.get('Secret', given.namespace, 'own-root');
      const { name } = await given.lawfulBucket();
      await given.key('key', 'shared', [name], { secretName: 'own-root' });
      await given.verdict('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
      const after = await given.admin.get('Secret', given.namespace, 'own-root');
      if (JSON.stringify(before?.data) !== JSON.stringify(after?.data))
        throw new Found('harm', 'the Secret was written over');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T59',
    title: "the output Secret is filled with somebody else's key id, which the operator then makes, tries or removes",
    async act(given) {
      const { key } = await given.victim({ key: true });
      const { name } = await given.lawfulKey();
      const put = { 'access-key-id': key?.accessKey ?? '', AWS_ACCESS_KEY_ID: key?.accessKey ?? '' };
      await given.tenant.patch('Secret', given.namespace, `${name}-credentials`, { stringData: put });
      await given.again('AccessKey', name);
      await given.tenant.delete('AccessKey', given.namespace, name);
      await given.deletion('AccessKey', name);
    },
    async twin(given) {
      const { name, pair } = await given.lawfulKey();
      await given.tenant.delete('Secret', given.namespace, `${name}-credentials`);
      await given.until(
        () => given.pairOf(name).catch(() => pair),
        ({ secretKey }) => secretKey !== pair.secretKey,
        'a lost Secret has a new pair',
      );
    },
  },
  {
    threat: 'T109',
    title: 'a template reads what is not of its own key, or runs code',
    async act(given) {
      for (const template of [
        '$(secret-key)',
        '$(Provider.shared)',
        '$(__proto__)',
        '$(constructor)',
        '$(endpoint.length)',
      ])
        await expectRefusedAtAdmission(() =>
          given.key('key', 'shared', [], { secretTemplate: { data: { 'app.conf': template } } }),
        );
    },
    async twin(given) {
      const { name } = await given.lawfulBucket();
      const data = { 'app.conf': '{{ .Values }} ${HOME} $$(id) $(endpoint)' };
      await given.key(name, 'shared', [name], { secretTemplate: { data } });
      await given.admin.untilReady('AccessKey', given.namespace, name, 60_000);
      const secret = await given.admin.get('Secret', given.namespace, `${name}-credentials`);
      const written = Buffer.from(secret?.data?.['app.conf'] ?? '', 'base64').toString();
      if (!written.startsWith('{{ .Values }} ${HOME} $(id) http')) throw new Error(`the template became ${written}`);
    },
  },
  {
    threat: 'T130',
    title: 'templates multiply a value until the controller or the API server has no room',
    async act(given) {
      const { name } = await given.lawfulBucket();
      const bomb = '$(secret-access-key)'.repeat(819);
      const data = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`bomb-${index}`, bomb]));
      await given.key('key', 'shared', [name], { secretTemplate: { data } });
      const { status } = await given.verdict('AccessKey', 'key');
      const reason = status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
      if (reason !== 'TemplateInvalid') throw new Found('silence', `the reason is ${reason}`);
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T60',
    title: 'a paused AccessKey keeps its rights after the lender took back the Provider',
    async act(given) {
      const name = await ownProvider(given);
      const { bucket, pair, key } = await borrowed(given, name);
      await given.pause('AccessKey', key);
      await withdraw(given, 'Provider', platform, name);
      await expectRightsEnd(given, pair, bucket);
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T61',
    title: 'the policy of a borrower stays in force after the grant of the Bucket was taken back',
    async act(given) {
      const { view, bucket, name } = await granted(given);
      await withdraw(given, 'Bucket', undisclosed, name);
      await given.must(
        () => view.policy(bucket),
        (policy) => policy === undefined,
        'the policy of a borrower is gone with the grant',
      );
      given.namesHidden = false;
    },
    async twin(given) {
      const { view, bucket } = await granted(given);
      if ((await view.policy(bucket)) === undefined) throw new Error('a granted policy is not at the server');
    },
  },
  {
    threat: 'T62',
    title: 'a paused BucketPolicy of a borrower stays in force after the grant of the Bucket was taken back',
    async act(given) {
      const { view, bucket, name, policy } = await granted(given);
      await given.pause('BucketPolicy', policy);
      await withdraw(given, 'Bucket', undisclosed, name);
      await given.must(
        () => view.policy(bucket),
        (policy) => policy === undefined,
        'the paused policy of a borrower is gone with the grant',
      );
      given.namesHidden = false;
    },
    twin: (given) => granted(given),
  },
  {
    threat: 'T63',
    title: "a borrower's adoptionPolicy Always takes over what the lender's account already has",
    async act(given) {
      const victim = await given.victim({ managed: false });
      await given.bucket('taken', 'shared', victim.bucket, { adoptionPolicy: 'Always' });
      await given.verdict('Bucket', 'taken');
      given.refuse('Bucket', 'taken');
    },
    async twin(given) {
      const bucket = given.freshName('found');
      await s3View(given.world.server('minio')).client.makeBucket(bucket);
      const name = given.freshName('lenders');
      await given.admin.create('Bucket', platform, name, {
        spec: { providerRef: { name: 'shared' }, name: bucket, adoptionPolicy: 'Always' },
      });
      await given.admin.untilReady('Bucket', platform, name);
    },
  },
  {
    threat: 'T64',
    title: "the lender's annotations, set on the tenant's own objects, settle what is not the tenant's",
    async act(given) {
      const victim = await given.victim();
      const annotations = {
        [annotation('confirm-owner')]: `${given.namespace}/taken/${victim.bucket}`,
        [annotation('same-server')]: given.stage.endpointOf('shared'),
      };
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('own', url, {}, undefined, { annotations });
      await given.bucket('taken', 'shared', victim.bucket, { adoptionPolicy: 'Always' }, { annotations });
      await given.verdict('Bucket', 'taken');
      await given.key('key', 'shared', ['taken'], {});
      await given.verdict('AccessKey', 'key');
      given.refuse('Bucket', 'taken');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T65',
    title: 'a Provider that moved, with the word that it is the same server, brings its memory to the lent one',
    async act(given) {
      const victim = await given.victim();
      const { url } = await given.hostile({ owner: 'tenant' });
      const { pair } = await given.lawfulKey();
      await given.provider('moving', url, {}, pair);
      await given.bucket('taken', 'moving', victim.bucket);
      await given.admin.untilReady('Bucket', given.namespace, 'taken');
      const endpoint = given.stage.endpointOf('shared');
      await given.tenant.patch('Provider', given.namespace, 'moving', {
        metadata: { annotations: { [annotation('same-server')]: endpoint } },
        spec: { endpoint },
      });
      await given.verdict('Provider', 'moving');
      await given.again('Bucket', 'taken');
      await given.key('key', 'shared', ['taken']);
      await given.verdict('AccessKey', 'key');
      await given.again('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T66',
    title: 'an abandoned Bucket leaves the name marked as its own, so that nobody else can have it',
    async act(given) {
      const victim = await given.victim();
      await given.bucket('taken', 'shared', victim.bucket, { deletionPolicy: 'Delete', forceDelete: true });
      await given.verdict('Bucket', 'taken');
      await given.tenant.patch('Bucket', given.namespace, 'taken', {
        metadata: { annotations: { [annotation('abandon')]: 'true' } },
      });
      await given.tenant.delete('Bucket', given.namespace, 'taken');
      await given.deletion('Bucket', 'taken');
    },
    twin: (given) => given.lawfulDeletion(),
  },
];

const expectRightsEnd = async (given: Case, pair: { accessKey: string; secretKey: string }, bucket: string) => {
  await given.must(
    () => given.rightOf(pair, { bucket, server: 'minio' }),
    (right) => right === undefined,
    'the rights of the borrower are gone with the grant',
  );
};
