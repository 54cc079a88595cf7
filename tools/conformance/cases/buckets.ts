import { isDeepStrictEqual } from 'node:util';
import {
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  PutBucketTaggingCommand,
} from '@aws-sdk/client-s3';
import { Mismatch, tagsOf, type Bench } from '../bench.ts';
import type { Manifest } from '../../harness/index.ts';
import { holds, type Scenario } from '../scenario.ts';
import { failureOf } from '../target.ts';
import { hasObject, putObject } from './access.ts';

const key = 'conformance/object';

const specOf = (bench: Bench, name: string, more: Manifest = {}): Manifest => ({
  providerRef: { name: bench.provider },
  name: bench.named(name),
  ...more,
});

const isThere = async (bench: Bench, bucket: string): Promise<boolean> => {
  try {
    await bench.independent.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if (failureOf(error).endsWith('404')) return false;
    throw error;
  }
};

const expectThere = async (bench: Bench, bucket: string, wanted: boolean): Promise<void> => {
  await bench.sees(
    `the bucket is ${wanted ? 'there' : 'gone'}`,
    () => isThere(bench, bucket),
    (there) => there === wanted,
  );
};

const expectEvent = async (bench: Bench, name: string, reason: string): Promise<void> => {
  await bench.sees(
    `an Event ${reason}`,
    () => bench.events('Bucket', name),
    (events) => events.some((event) => event.startsWith(`${reason}: `)),
  );
};

const retag = async (bench: Bench, Bucket: string, tags: Readonly<Record<string, string>>): Promise<void> => {
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await bench.independent.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
};

const ownerTag = (name: string): string => `s3.cloud37.dev/${name}`;
const withoutOwner = (tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith(ownerTag(''))));

/** The API server says no, with these words in its answer. */
const refusedAtOnce = (words: RegExp, run: () => Promise<unknown>) =>
  holds(async () => {
    try {
      await run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (words.test(message)) return;
      throw new Mismatch(`the API server says: ${message}`);
    }
    throw new Mismatch('the API server has taken it');
  });

const existence: Scenario = {
  profile: 'Bucket',
  name: 'existence',
  async run(bench, it) {
    const feature = 'existence';
    const bucket = bench.named('there');
    await it(
      { feature, title: 'a Bucket becomes a bucket', decides: true },
      holds(async () => {
        await bench.declare('Bucket', 'there', specOf(bench, 'there'));
        await bench.becomesReady('Bucket', 'there');
        await expectThere(bench, bucket, true);
      }),
    );
    await it(
      { feature, title: 'its status has name, ARN, region and endpoint of the bucket' },
      holds(async () => {
        const { status } = (await bench.get('Bucket', 'there')) ?? {};
        const { bucketName, arn, region, endpoint, exists, ownership } = status ?? {};
        const seen = JSON.stringify({ bucketName, arn, region, endpoint, exists, ownership });
        const isWhole = arn?.endsWith(`:::${bucket}`) === true && (region ?? '') !== '' && (endpoint ?? '') !== '';
        if (bucketName !== bucket || exists !== true || ownership !== 'Created' || !isWhole) throw new Mismatch(seen);
      }),
    );
    await it(
      { feature, title: 'an object that is put there can be read' },
      holds(async () => {
        await putObject(bench, bucket, key);
        if (!(await hasObject(bench, bucket, key))) throw new Mismatch('the object cannot be read');
      }),
    );
    await it(
      { feature, title: 'a bucket that somebody removed is created again, and told' },
      holds(async () => {
        await bench.independent.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
        await bench.independent.send(new DeleteBucketCommand({ Bucket: bucket }));
        await bench.look('Bucket', 'there');
        await expectThere(bench, bucket, true);
        await expectEvent(bench, 'there', 'BucketMissing');
      }),
    );
    await it(
      { feature, title: 'the name of a bucket that is there cannot be changed' },
      refusedAtOnce(/name/, async () => {
        await bench.becomesReady('Bucket', 'there');
        await bench.change('Bucket', 'there', { name: bench.named('elsewhere') });
      }),
    );
    await it(
      { feature, title: 'the Provider of a bucket that is there cannot be changed' },
      refusedAtOnce(/providerRef/, () => bench.change('Bucket', 'there', { providerRef: { name: 'another' } })),
    );
    await it(
      { feature, title: 'a name of 63 characters is taken' },
      holds(async () => {
        const name = 'l'.repeat(63 - bench.named('').length);
        await bench.declare('Bucket', 'longest', specOf(bench, name));
        await bench.becomesReady('Bucket', 'longest');
        await expectThere(bench, bench.named(name), true);
        await bench.deletes('Bucket', 'longest');
        await expectThere(bench, bench.named(name), false);
      }),
    );
    const wrong: readonly (readonly [title: string, name: string])[] = [
      ['with capitals', bench.named('Upper')],
      ['with an underscore', bench.named('under_score')],
      ['that ends in a hyphen', bench.named('end-')],
      ['of 64 characters', bench.named('l'.repeat(64 - bench.named('').length))],
      ['that is an address', '192.168.5.4'],
    ];
    for (const [title, name] of wrong) {
      await it(
        { feature, title: `a name ${title} is refused before anything is sent` },
        refusedAtOnce(/name/, () => bench.declare('Bucket', 'wrong', { providerRef: { name: bench.provider }, name })),
      );
    }
    await it(
      { feature, title: 'a Bucket whose Provider is missing says so, and creates nothing' },
      holds(async () => {
        await bench.declare('Bucket', 'nobodys', { ...specOf(bench, 'nobodys'), providerRef: { name: 'missing' } });
        await bench.saysNotReady('Bucket', 'nobodys', 'ProviderNotFound');
        await expectThere(bench, bench.named('nobodys'), false);
        await bench.deletes('Bucket', 'nobodys');
      }),
    );
    await it(
      { feature, title: 'a Bucket that goes takes its bucket along' },
      holds(async () => {
        await bench.deletes('Bucket', 'there');
        await expectThere(bench, bucket, false);
      }),
    );
  },
};

const adoption: Scenario = {
  profile: 'Bucket',
  name: 'adoption',
  async run(bench, it) {
    const feature = 'adoption';
    const bucket = bench.named('theirs');
    const kept = { purpose: 'theirs', team: 'somebody' };
    let before: Readonly<Record<string, string>> = {};
    const isUntouched = async () => {
      const now = await tagsOf(bench.independent, bucket);
      if (!isDeepStrictEqual(now, before)) throw new Mismatch(`its tags are ${JSON.stringify(now)}`);
      if (!(await hasObject(bench, bucket, key))) throw new Mismatch('its object is gone');
    };
    await it(
      { feature, title: 'IfOwned leaves a bucket of somebody else alone, and says so' },
      holds(async () => {
        await bench.createForeign('theirs', kept);
        await putObject(bench, bucket, key);
        before = await tagsOf(bench.independent, bucket);
        await bench.declare('Bucket', 'theirs', specOf(bench, 'theirs', { tagging: { tags: { ours: 'yes' } } }));
        await bench.saysNotReady('Bucket', 'theirs', 'NotOwned', 'OwnershipInDoubt', 'AlreadyClaimed');
        await isUntouched();
      }),
    );
    await it(
      { feature, title: 'Never leaves it alone, and says so' },
      holds(async () => {
        await bench.change('Bucket', 'theirs', { adoptionPolicy: 'Never' });
        await bench.saysNotReady('Bucket', 'theirs', 'NotOwned', 'OwnershipInDoubt', 'AlreadyClaimed', 'NameTaken');
        await isUntouched();
      }),
    );
    await it(
      { feature, title: 'a Bucket that never had it goes without it, whatever its deletionPolicy' },
      holds(async () => {
        await bench.deletes('Bucket', 'theirs');
        await isUntouched();
      }),
    );
    await it(
      { feature, title: 'Always adopts it, with all that is in it', decides: true },
      holds(async () => {
        await bench.declare('Bucket', 'theirs', specOf(bench, 'theirs', { adoptionPolicy: 'Always' }));
        await bench.becomesReady('Bucket', 'theirs');
        if (!(await hasObject(bench, bucket, key))) throw new Mismatch('its object is gone');
        const { status } = (await bench.get('Bucket', 'theirs')) ?? {};
        if (status?.ownership !== 'Adopted') throw new Mismatch(`status.ownership is ${String(status?.ownership)}`);
        await expectEvent(bench, 'theirs', 'BucketAdopted');
      }),
    );
    await it(
      { feature, title: 'its tags stay beside the owner tags' },
      holds(async () => {
        const now = await tagsOf(bench.independent, bucket);
        for (const [name, value] of Object.entries(before))
          if (now[name] !== value) throw new Mismatch(`its tags are ${JSON.stringify(now)}`);
      }),
    );
    await it(
      { feature, title: 'adopted and retained, it can be adopted by a later object of the name' },
      holds(async () => {
        await bench.change('Bucket', 'theirs', { deletionPolicy: 'Retain' });
        await bench.deletes('Bucket', 'theirs');
        if (!(await hasObject(bench, bucket, key))) throw new Mismatch('its object is gone');
        await bench.declare('Bucket', 'theirs', specOf(bench, 'theirs', { adoptionPolicy: 'Always' }));
        await bench.becomesReady('Bucket', 'theirs');
      }),
    );
    await it(
      { feature, title: 'adopted, it goes with forceDelete like any other' },
      holds(async () => {
        await bench.deletes('Bucket', 'theirs');
        await expectThere(bench, bucket, false);
      }),
    );
  },
};

const ownership: Scenario = {
  profile: 'Bucket',
  name: 'ownership',
  async run(bench, it) {
    const feature = 'owner tags';
    const bucket = bench.named('ours');
    let marked: Readonly<Record<string, string>> = {};
    const first = await it({ feature, title: 'a new bucket has the owner tags', decides: true }, async () => {
      await bench.declare('Bucket', 'ours', specOf(bench, 'ours'));
      await bench.becomesReady('Bucket', 'ours');
      marked = await tagsOf(bench.independent, bucket);
      // A server without tags keeps none.
      if (Object.keys(marked).length === 0) return { unsupported: 'The bucket has no tags.' };
      const uid = (await bench.get('Bucket', 'ours'))?.metadata.uid;
      const isWhole = ['cluster', 'proof'].every((name) => marked[ownerTag(name)] !== undefined);
      const isOurs = marked[ownerTag('namespace')] === bench.namespace && marked[ownerTag('uid')] === uid;
      if (!isWhole || !isOurs || marked[ownerTag('name')] !== 'ours')
        throw new Mismatch(`its tags are ${JSON.stringify(marked)}`);
      return undefined;
    });
    if (first !== 'holds') return;
    await it(
      { feature, title: 'owner tags that somebody removed are written again' },
      holds(async () => {
        await retag(bench, bucket, { ...withoutOwner(marked), theirs: 'yes' });
        await bench.look('Bucket', 'ours');
        await bench.sees(
          'the owner tags are there',
          () => tagsOf(bench.independent, bucket),
          (tags) => tags[ownerTag('proof')] === marked[ownerTag('proof')] && tags.theirs === 'yes',
        );
        await bench.becomesReady('Bucket', 'ours');
      }),
    );
    await it(
      { feature, title: 'owner tags of another operator put it in doubt, and nothing is written' },
      holds(async () => {
        const another = { ...marked, [ownerTag('cluster')]: '00000000-0000-4000-8000-000000000000' };
        await retag(bench, bucket, another);
        await bench.change('Bucket', 'ours', { tagging: { tags: { late: 'yes' } } });
        await bench.saysNotReady('Bucket', 'ours', 'OwnershipInDoubt', 'AlreadyClaimed', 'NotOwned');
        const now = await tagsOf(bench.independent, bucket);
        if (now.late !== undefined) throw new Mismatch(`its tags are ${JSON.stringify(now)}`);
      }),
    );
    await it(
      { feature, title: 'in doubt, a bucket stays while its Bucket is being deleted' },
      holds(async () => {
        await bench.kube.delete('Bucket', bench.namespace, 'ours');
        await bench
          .saysNotReady('Bucket', 'ours', 'OwnershipInDoubt', 'AlreadyClaimed', 'NotOwned')
          .catch(async (error: unknown) => {
            // Proved to be somebody else's, the object may go; the bucket stays.
            if ((await bench.get('Bucket', 'ours')) !== undefined) throw error;
          });
        await expectThere(bench, bucket, true);
      }),
    );
    await it(
      { feature, title: 'with its own owner tags back, the deletion ends' },
      holds(async () => {
        await retag(bench, bucket, marked);
        if ((await bench.get('Bucket', 'ours')) === undefined) return;
        await bench.look('Bucket', 'ours');
        await bench.deletes('Bucket', 'ours');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'owner tags of an object elsewhere, without a proof, do not pass for ours' },
      holds(async () => {
        const elsewhere = { ...marked, [ownerTag('namespace')]: 'elsewhere' };
        const tags = Object.fromEntries(Object.entries(elsewhere).filter(([name]) => name !== ownerTag('proof')));
        await bench.createForeign('forged', tags);
        await bench.declare('Bucket', 'forged', specOf(bench, 'forged'));
        await bench.saysNotReady('Bucket', 'forged', 'OwnershipInDoubt', 'AlreadyClaimed', 'NotOwned');
        await bench.deletes('Bucket', 'forged');
        await expectThere(bench, bench.named('forged'), true);
      }),
    );
    const shared = bench.named('shared');
    await it(
      { feature, title: 'of two Buckets for one bucket the older has it, and the other says who' },
      holds(async () => {
        await bench.declare('Bucket', 'older', specOf(bench, 'shared'));
        await bench.becomesReady('Bucket', 'older');
        await bench.declare('Bucket', 'younger', specOf(bench, 'shared', { tagging: { tags: { younger: 'yes' } } }));
        const message = await bench.saysNotReady('Bucket', 'younger', 'AlreadyClaimed');
        if (!message.includes('older')) throw new Mismatch(`the message says: ${message}`);
        if ((await tagsOf(bench.independent, shared)).younger !== undefined)
          throw new Mismatch('the younger has written tags');
      }),
    );
    await it(
      { feature, title: 'the younger goes, and the bucket stays with the older' },
      holds(async () => {
        await bench.deletes('Bucket', 'younger');
        await bench.look('Bucket', 'older');
        await bench.becomesReady('Bucket', 'older');
        await expectThere(bench, shared, true);
        await bench.deletes('Bucket', 'older');
        await expectThere(bench, shared, false);
      }),
    );
  },
};

const deletion: Scenario = {
  profile: 'Bucket',
  name: 'deletion',
  async run(bench, it) {
    const feature = 'deletion';
    const make = async (name: string, more: Manifest = {}) => {
      await bench.declare('Bucket', name, specOf(bench, name, more));
      await bench.becomesReady('Bucket', name);
      return bench.named(name);
    };
    await it(
      { feature, title: 'Retain keeps the bucket and what is in it' },
      holds(async () => {
        const bucket = await make('kept', { deletionPolicy: 'Retain' });
        await putObject(bench, bucket, key);
        await bench.deletes('Bucket', 'kept');
        if (!(await hasObject(bench, bucket, key))) throw new Mismatch('its object is gone');
        await expectEvent(bench, 'kept', 'BucketRetained');
      }),
    );
    await it(
      { feature, title: 'Delete removes an empty bucket, and says so', decides: true },
      holds(async () => {
        const bucket = await make('empty', { forceDelete: false });
        await bench.deletes('Bucket', 'empty');
        await expectThere(bench, bucket, false);
        await expectEvent(bench, 'empty', 'BucketDeleted');
      }),
    );
    await it(
      { feature, title: 'Delete waits while something is in the bucket, and removes nothing' },
      holds(async () => {
        const bucket = await make('full', { forceDelete: false });
        await putObject(bench, bucket, key);
        await bench.kube.delete('Bucket', bench.namespace, 'full');
        await bench.saysNotReady('Bucket', 'full', 'BucketNotEmpty');
        if (!(await hasObject(bench, bucket, key))) throw new Mismatch('its object is gone');
      }),
    );
    await it(
      { feature, title: 'emptied by its owner, it goes' },
      holds(async () => {
        await bench.independent.send(new DeleteObjectCommand({ Bucket: bench.named('full'), Key: key }));
        await bench.look('Bucket', 'full');
        await bench.deletes('Bucket', 'full');
        await expectThere(bench, bench.named('full'), false);
      }),
    );
    await it(
      { feature, title: 'forceDelete empties it first, many objects and odd names too' },
      holds(async () => {
        const bucket = await make('many');
        const keys = [...Array.from({ length: 30 }, (_, index) => `a/${String(index)}`), 'x y+z%&', 'ü/é', 'end/'];
        await Promise.all(keys.map((name) => putObject(bench, bucket, name)));
        await bench.deletes('Bucket', 'many');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'forceDelete removes versions and delete markers too' },
      holds(async () => {
        const bucket = await make('versions', { versioning: { enabled: true } });
        await putObject(bench, bucket, key);
        await putObject(bench, bucket, key);
        await bench.independent.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
        await bench.deletes('Bucket', 'versions');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'forceDelete aborts uploads that nobody finished' },
      holds(async () => {
        const bucket = await make('uploads');
        await bench.independent.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
        await bench.deletes('Bucket', 'uploads');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'a bucket that is gone already does not hold its Bucket' },
      holds(async () => {
        const bucket = await make('vanished');
        await bench.independent.send(new DeleteBucketCommand({ Bucket: bucket }));
        await bench.deletes('Bucket', 'vanished');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'while a Bucket is paused its bucket is not removed' },
      holds(async () => {
        const bucket = await make('paused');
        const pause = async (value: string | null) => {
          await bench.kube.patch('Bucket', bench.namespace, 'paused', {
            metadata: { annotations: { 's3.cloud37.dev/paused': value } },
          });
        };
        await pause('true');
        await bench.kube.delete('Bucket', bench.namespace, 'paused');
        await bench.sees(
          'an Event Paused, or the condition',
          async () => [
            ...(await bench.events('Bucket', 'paused')),
            JSON.stringify((await bench.get('Bucket', 'paused'))?.status?.conditions ?? []),
          ],
          (said) => said.some((one) => one.includes('Paused')),
        );
        await expectThere(bench, bucket, true);
        await pause(null);
        await bench.deletes('Bucket', 'paused');
        await expectThere(bench, bucket, false);
      }),
    );
    await it(
      { feature, title: 'created again after it was deleted, it is a new bucket' },
      holds(async () => {
        const bucket = await make('again');
        await putObject(bench, bucket, key);
        await bench.deletes('Bucket', 'again');
        await make('again');
        if (await hasObject(bench, bucket, key)) throw new Mismatch('the old object is there');
        await bench.deletes('Bucket', 'again');
      }),
    );
  },
};

export const bucketScenarios: readonly Scenario[] = [existence, adoption, ownership, deletion];
