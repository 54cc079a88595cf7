import type { Manifest } from '../../harness/index.ts';
import { conditionOf } from '../../harness/index.ts';
import { Mismatch, type Bench } from '../bench.ts';
import { holds, type Scenario } from '../scenario.ts';
import { keyOf } from './keys.ts';

const count = (events: readonly string[], reason: string): number =>
  events.filter((event) => event.startsWith(`${reason}: `)).length;

const statusOf = async (bench: Bench, kind: 'Provider' | 'Bucket', name: string, type: string) =>
  conditionOf(await bench.get(kind, name), type)?.status;

/** A Provider that leads to the same server, with something else in its spec. */
const otherProvider = async (bench: Bench, name: string, change: Manifest): Promise<void> => {
  const stored = await bench.get('Provider', bench.provider);
  if (stored === undefined) throw new Mismatch('the Provider of the run is gone');
  await bench.declare('Provider', name, { ...stored.spec, ...change });
};

const conditions: Scenario = {
  profile: 'Events',
  name: 'conditions',
  async run(bench, it) {
    const feature = 'conditions';
    const spec = { providerRef: { name: bench.provider }, name: bench.named('told') };
    await it(
      { feature, title: 'a Provider that is reached says so', decides: true },
      holds(async () => {
        await bench.becomesReady('Provider', bench.provider);
        const stored = await bench.get('Provider', bench.provider);
        for (const type of ['AuthValid', 'EndpointReachable'])
          if (conditionOf(stored, type)?.status !== 'True')
            throw new Mismatch(`${type} is ${String(conditionOf(stored, type)?.status)}`);
        if (stored?.status?.connected !== true) throw new Mismatch('status.connected is not true');
      }),
    );
    await it(
      { feature, title: 'a Bucket that is Ready has observedGeneration, and neither Reconciling nor Stalled' },
      holds(async () => {
        await bench.declare('Bucket', 'told', spec);
        await bench.becomesReady('Bucket', 'told');
        const stored = await bench.get('Bucket', 'told');
        const conditions = stored?.status?.conditions ?? [];
        const wrong = conditions.filter(({ type }) => type === 'Reconciling' || type === 'Stalled');
        if (wrong.length > 0 || stored?.status?.observedGeneration !== stored?.metadata.generation)
          throw new Mismatch(JSON.stringify(stored?.status));
      }),
    );
    await it(
      { feature, title: 'after a change observedGeneration moves with the verdict' },
      holds(async () => {
        await bench.change('Bucket', 'told', { tagging: { tags: { told: 'one' } } });
        await bench.becomesReady('Bucket', 'told');
        const stored = await bench.get('Bucket', 'told');
        const ready = conditionOf(stored, 'Ready');
        if (ready?.observedGeneration !== stored?.metadata.generation)
          throw new Mismatch(`observedGeneration is ${String(ready?.observedGeneration)}`);
      }),
    );
    await it(
      { feature, title: 'at rest, a look changes nothing of the object' },
      holds(async () => {
        const statusNow = async () => JSON.stringify((await bench.get('Bucket', 'told'))?.status);
        const before = await statusNow();
        const events = await bench.events('Bucket', 'told');
        for (let look = 0; look < 3; look += 1) await bench.look('Bucket', 'told');
        // Another Bucket that is Ready after these looks shows that the controller has gone on.
        await bench.declare('Bucket', 'told-after', { ...spec, name: bench.named('told-after') });
        await bench.becomesReady('Bucket', 'told-after');
        await bench.deletes('Bucket', 'told-after');
        if ((await statusNow()) !== before) throw new Mismatch(`the status is ${await statusNow()}`);
        if ((await bench.events('Bucket', 'told')).length !== events.length) throw new Mismatch('there are new Events');
      }),
    );
    await it(
      { feature, title: 'paused, a change waits, and the object says Paused' },
      holds(async () => {
        const annotate = (value: string | null) =>
          bench.kube.patch('Bucket', bench.namespace, 'told', {
            metadata: { annotations: { 's3.cloud37.dev/paused': value } },
          });
        await annotate('true');
        await bench.sees(
          'the condition Paused',
          () => statusOf(bench, 'Bucket', 'told', 'Paused'),
          (status) => status === 'True',
        );
        await bench.change('Bucket', 'told', { tagging: { tags: { told: 'two' } } });
        await bench.saysNotReady('Bucket', 'told', 'Paused');
        await annotate(null);
        await bench.becomesReady('Bucket', 'told');
      }),
    );
    await it(
      { feature, title: 'a Provider in use waits with its end, and names who uses it' },
      holds(async () => {
        await otherProvider(bench, 'in-use', {});
        await bench.becomesReady('Provider', 'in-use');
        await bench.declare('Bucket', 'user', { providerRef: { name: 'in-use' }, name: bench.named('user') });
        await bench.becomesReady('Bucket', 'user');
        await bench.kube.delete('Provider', bench.namespace, 'in-use');
        const message = await bench.saysNotReady('Provider', 'in-use', 'InUse');
        if (!message.includes('user')) throw new Mismatch(`it says: ${message}`);
        await bench.deletes('Bucket', 'user');
        await bench.deletes('Provider', 'in-use');
      }),
    );
    await it(
      { feature, title: 'a key that the server does not know is told on the Provider, and its objects wait' },
      holds(async () => {
        await bench.kube.create('Secret', bench.namespace, 'unknown', {
          stringData: {
            'access-key': 'AKIACONFORMANCE0NONE',
            'secret-key': 'no-such-secret-of-the-conformance-run-00',
          },
        });
        const secret = { name: 'unknown' };
        await otherProvider(bench, 'unknown', { auth: { accessKeySecretRef: secret, secretKeySecretRef: secret } });
        await bench.saysNotReady('Provider', 'unknown', 'AuthFailed', 'AccessDenied');
        await bench.declare('Bucket', 'unknown', { providerRef: { name: 'unknown' }, name: bench.named('unknown') });
        await bench.saysNotReady('Bucket', 'unknown', 'ProviderNotReady');
        await bench.deletes('Bucket', 'unknown');
        await bench.deletes('Provider', 'unknown');
      }),
    );
    await it(
      { feature, title: 'an endpoint that nobody answers is told on the Provider, and heals when it is put right' },
      holds(async () => {
        const right = (await bench.get('Provider', bench.provider))?.spec.endpoint;
        await otherProvider(bench, 'silent', {
          endpoint: 'http://127.0.0.1:1',
          adminEndpoint: undefined,
          iamEndpoint: undefined,
          tls: undefined,
        });
        await bench.saysNotReady('Provider', 'silent', 'EndpointUnreachable');
        const reachable = await statusOf(bench, 'Provider', 'silent', 'EndpointReachable');
        if (reachable !== 'False') throw new Mismatch(`EndpointReachable is ${String(reachable)}`);
        const tls = (await bench.get('Provider', bench.provider))?.spec.tls;
        await bench.change('Provider', 'silent', { endpoint: right, ...(tls === undefined ? {} : { tls }) });
        await bench.becomesReady('Provider', 'silent');
        await bench.deletes('Provider', 'silent');
      }),
    );
    await it(
      { feature, title: 'a Secret that is missing is named' },
      holds(async () => {
        const secret = { name: 'nowhere' };
        await otherProvider(bench, 'secretless', { auth: { accessKeySecretRef: secret, secretKeySecretRef: secret } });
        const message = await bench.saysNotReady('Provider', 'secretless', 'SecretNotFound');
        if (!message.includes('nowhere')) throw new Mismatch(`it says: ${message}`);
        await bench.deletes('Provider', 'secretless');
      }),
    );
    await it(
      { feature, title: 'the Bucket goes with its bucket' },
      holds(() => bench.deletes('Bucket', 'told')),
    );
  },
};

const events: Scenario = {
  profile: 'Events',
  name: 'events',
  async run(bench, it) {
    const feature = 'events';
    const told = () => bench.events('Bucket', 'heard');
    const expectOnce = async (reason: string, about?: string): Promise<void> => {
      const found = await bench.sees(`an Event ${reason}`, told, (all) => count(all, reason) > 0);
      if (count(found, reason) !== 1) throw new Mismatch(`there are ${String(count(found, reason))} of ${reason}`);
      if (about !== undefined && !found.some((event) => event.startsWith(`${reason}: `) && event.includes(about)))
        throw new Mismatch(found.join('; '));
    };
    await it(
      { feature, title: 'a Provider that was validated is told once', decides: true },
      holds(async () => {
        const found = await bench.sees(
          'an Event ValidateSucceeded',
          () => bench.events('Provider', bench.provider),
          (all) => count(all, 'ValidateSucceeded') > 0,
        );
        if (count(found, 'ValidateSucceeded') !== 1) throw new Mismatch(found.join('; '));
      }),
    );
    await it(
      { feature, title: 'a bucket that was created is told once' },
      holds(async () => {
        await bench.declare('Bucket', 'heard', {
          providerRef: { name: bench.provider },
          name: bench.named('heard'),
          tagging: { tags: { heard: 'first' } },
        });
        await bench.settles('Bucket', 'heard');
        await expectOnce('BucketCreated', bench.named('heard'));
      }),
    );
    await it(
      { feature, title: 'a changed setting is told once, by its name' },
      holds(async () => {
        await bench.change('Bucket', 'heard', { tagging: { tags: { heard: 'second' } } });
        await bench.becomesReady('Bucket', 'heard');
        await expectOnce('BucketUpdated', 'tagging');
      }),
    );
    await it(
      { feature, title: 'further looks tell nothing' },
      holds(async () => {
        const before = await told();
        await bench.look('Bucket', 'heard');
        await bench.change('Bucket', 'heard', { forceDelete: true, deletionPolicy: 'Retain' });
        await bench.becomesReady('Bucket', 'heard');
        const since = (await told()).slice(before.length);
        if (since.length > 0) throw new Mismatch(since.join('; '));
      }),
    );
    await it(
      { feature, title: 'a bucket that was deleted is told once' },
      holds(async () => {
        await bench.change('Bucket', 'heard', { deletionPolicy: 'Delete' });
        await bench.becomesReady('Bucket', 'heard');
        await bench.deletes('Bucket', 'heard');
        await expectOnce('BucketDeleted', bench.named('heard'));
      }),
    );
    await it(
      { feature, title: 'an annotation that means nothing is told in an Event' },
      holds(async () => {
        await bench.declare(
          'Bucket',
          'annotated',
          { providerRef: { name: bench.provider }, name: bench.named('annotated') },
          { annotations: { 's3.cloud37.dev/no-such-annotation': 'x' } },
        );
        await bench.sees(
          'an Event AnnotationInvalid',
          () => bench.events('Bucket', 'annotated'),
          (all) => count(all, 'AnnotationInvalid') > 0,
        );
        await bench.deletes('Bucket', 'annotated');
      }),
    );
    await it({ feature, title: 'a key that was created and deleted is told, where there are keys' }, async () => {
      await bench.declare('AccessKey', 'heard', {
        providerRef: { name: bench.provider },
        policy: { statement: [{ effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' }] },
      });
      const { unsupported } = await bench.settles('AccessKey', 'heard');
      const heard = async () => bench.events('AccessKey', 'heard');
      if (unsupported === undefined) {
        await keyOf(bench, 'heard');
        await bench.sees('an Event AccessKeyCreated', heard, (all) => count(all, 'AccessKeyCreated') === 1);
      }
      await bench.deletes('AccessKey', 'heard');
      if (unsupported !== undefined) return { unsupported };
      await bench.sees('an Event AccessKeyDeleted', heard, (all) => count(all, 'AccessKeyDeleted') === 1);
      return undefined;
    });
    await it(
      { feature: 'no secret is shown', title: 'no object, log or metric has a secret of the run', decides: true },
      holds(async () => {
        const leaks = await bench.world.findLeaks();
        if (leaks.length > 0) throw new Mismatch(leaks.map(({ secret, where }) => `${secret} in ${where}`).join('; '));
      }),
    );
  },
};

export const eventScenarios: readonly Scenario[] = [conditions, events];
