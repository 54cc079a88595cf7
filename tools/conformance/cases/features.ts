import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { BucketFeature, BucketSpec } from '@operator/api';
import type { Part } from '@operator/s3';
import { declarationsWith, differencesFrom, replacement, type AnyDeclaration } from '@operator/testing/declarations';
import type { Manifest } from '../../harness/index.ts';
import { Lie, Mismatch, sayingOf, type Bench, type RawAnswer } from '../bench.ts';
import { rawCalls, tryRaw } from '../raw.ts';
import { holds, type SaysUnsupported, type Scenario, type Try } from '../scenario.ts';
import { failureOf } from '../target.ts';
import { surroundingsOf, tryEffect, withOtherBucket } from './other-bucket.ts';

/** What takes the other parts out of a declaration that needs several. */
const withoutRest: Readonly<Partial<Record<Part, object>>> = { kmsEncryption: { bucketKeyEnabled: false } };

/** What stands beside the feature, to see that it converges whatever becomes of the feature. */
const company = ({ feature, beside }: AnyDeclaration): Partial<BucketSpec> => ({
  ...(feature === 'tagging' ? {} : { tagging: { tags: { beside: feature } } }),
  ...(feature === 'versioning' ? {} : { versioning: { enabled: true, mfaDelete: false } }),
  ...beside,
});

/** The part of the message of Unsupported that is about one feature. */
const lackOf = (feature: string, message: string | undefined): string | undefined => {
  const from = message?.search(new RegExp(`(^| )${feature}: `)) ?? -1;
  return from < 0 ? undefined : message?.slice(from).trim();
};

/** In what the bucket of a Bucket differs from what it declares, as an independent client sees it. */
const differences = (bench: Bench, object: string, declared: Partial<BucketSpec>): Promise<readonly string[]> =>
  differencesFrom(declared, bench.independent, bench.named(object), surroundingsOf(bench));

/** Waits for the verdict on what a Bucket declares, and compares it with what an independent client sees. */
const fulfils = async (
  bench: Bench,
  object: string,
  feature: string,
  declared: Partial<BucketSpec>,
  /** Compared also where a part of it is lacking. */
  inPart: ReadonlySet<string> = new Set(),
): Promise<SaysUnsupported | undefined> => {
  const says = await bench.settles('Bucket', object);
  const lack = lackOf(feature, says.unsupported);
  // The server's own words are as good as the operator's.
  if (says.reason === 'RequestRefused') return { unsupported: says.message };
  if (!says.isReady && says.unsupported === undefined)
    throw new Mismatch(`Bucket ${object} says Ready=False ${says.reason}: ${says.message}`);
  const present = Object.fromEntries(
    Object.entries(declared).filter(([name]) => inPart.has(name) || lackOf(name, says.unsupported) === undefined),
  );
  try {
    await bench.sees(
      'an independent client sees what is declared',
      () => differences(bench, object, present),
      (found) => found.length === 0,
    );
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new Lie(`Bucket ${object} is settled (${says.reason}: ${says.message}), and ${error.message}`, {
      cause: error,
    });
  }
  return lack === undefined ? undefined : { unsupported: lack };
};

const stays = async (bench: Bench, object: string, declared: Partial<BucketSpec>, what: string): Promise<void> => {
  const found = await differences(bench, object, declared);
  if (found.length > 0) throw new Mismatch(`${what}: ${found.join('; ')}`);
};

const objectKey = 'conformance/object';
const putObject = (bench: Bench, object: string): Promise<unknown> =>
  bench.independent.send(new PutObjectCommand({ Bucket: bench.named(object), Key: objectKey, Body: 'content' }));
const hasObject = (bench: Bench, object: string): Promise<unknown> =>
  bench.independent.send(new HeadObjectCommand({ Bucket: bench.named(object), Key: objectKey }));

/** Something that changes the generation, so that a pass is known to have looked. */
const touch = async (bench: Bench, object: string): Promise<void> => {
  const stored = await bench.get('Bucket', object);
  await bench.change('Bucket', object, {
    adoptionPolicy: stored?.spec.adoptionPolicy === 'Always' ? 'Never' : 'Always',
  });
  await bench.settles('Bucket', object);
};

const told = async (bench: Bench, object: string, feature: BucketFeature): Promise<readonly string[]> =>
  (await bench.events('Bucket', object)).filter(
    (event) => event.startsWith('DriftRepaired:') && event.includes(feature),
  );

/** One feature of the table of declarations, through everything that can be declared of it. */
const scenarioOf = (declaration: AnyDeclaration): Scenario => {
  const { feature, full, other, none, otherNeeds = [], partly = [], isForEver = false, foreign } = declaration;
  const beside = company(declaration);
  const only = (declared: object): Partial<BucketSpec> => ({ [feature]: declared });
  return {
    profile: 'Bucket',
    name: feature,
    async run(bench, it) {
      const object = feature.toLowerCase();
      let former: object | undefined = full;
      const set = async (declared: object | undefined) => {
        await bench.change(
          'Bucket',
          object,
          replacement(former === undefined ? {} : only(former), declared === undefined ? {} : only(declared)),
        );
        former = declared;
      };
      const declares = (declared: object) => async () => {
        await set(declared);
        return fulfils(bench, object, feature, { ...beside, ...only(declared) });
      };

      const first = await it(
        { feature, title: 'declared in full, it is there once the Bucket is Ready', decides: true },
        async () => {
          await bench.declare('Bucket', object, {
            providerRef: { name: bench.provider },
            name: bench.named(object),
            ...beside,
            ...only(full),
          });
          return fulfils(bench, object, feature, { ...beside, ...only(full) });
        },
      );
      if (first !== 'holds' && isForEver) {
        await it(
          { feature, title: 'lacking, a bucket that could never have it is not created' },
          holds(async () => {
            await bench.sees(
              'Ready=False',
              async () => sayingOf(await bench.get('Bucket', object)),
              ({ isReady, reason }) => !isReady && reason === 'Unsupported',
            );
            await bench.deletes('Bucket', object);
          }),
        );
        return;
      }
      if (first !== 'holds') {
        await lacking(bench, it, { declaration, object, set });
        return;
      }
      await tryEffect(bench, it, feature, object);
      if (otherNeeds.length === 0) {
        await it({ feature, title: 'declared otherwise, it is changed' }, declares(other));
      } else {
        for (const part of otherNeeds) {
          const declared = { ...other, ...withoutRest[part] };
          await it(
            { feature: `${feature}.${part}`, title: 'declared, it is there', decides: true },
            declares(declared),
          );
        }
      }
      for (const { needs, declared, rest } of partly) {
        const part = { feature: `${feature}.${needs}`, title: 'declared, it is there', decides: true };
        await it(part, async () => {
          await set(declared);
          const lack = lackOf(feature, (await bench.settles('Bucket', object)).unsupported);
          const present = lack === undefined ? declared : rest;
          const found = await fulfils(bench, object, 'the rest', { ...beside, ...only(present) }, new Set([feature]));
          return lack === undefined ? found : { unsupported: lack };
        });
      }
      await it({ feature, title: 'declared in full again, it is as at first' }, declares(full));
      await it(
        { feature, title: 'left out of the spec, it stays as it is' },
        holds(async () => {
          await set(undefined);
          await bench.becomesReady('Bucket', object);
          await stays(bench, object, only(full), 'the server has changed');
        }),
      );
      await it({ feature, title: 'declared again as it is, nothing is written' }, async () => {
        const before = await bench.events('Bucket', object);
        await set(full);
        const lack = await fulfils(bench, object, feature, only(full));
        const since = (await bench.events('Bucket', object)).slice(before.length);
        const written = since.filter((event) => event.startsWith('BucketUpdated') && event.includes(feature));
        if (written.length > 0) throw new Mismatch(`an Event says: ${written.join('; ')}`);
        return lack;
      });
      await drift(bench, it, { declaration, object });
      if (foreign !== undefined)
        await others(bench, it, { declaration, object, set }).finally(() => foreign.remove?.(bench.independent));
      if (!isForEver) {
        await it({ feature, title: 'declared as off or empty, it is removed' }, declares(none));
        await it({ feature, title: 'declared as off or empty again, the Bucket stays Ready' }, async () => {
          await touch(bench, object);
          return fulfils(bench, object, feature, { ...beside, ...only(none) });
        });
        await it({ feature, title: 'declared in full after it was removed, it is there again' }, declares(full));
      }
      await it(
        { feature, title: 'stays on the server when the Bucket goes and retains its bucket' },
        holds(async () => {
          await bench.change('Bucket', object, { deletionPolicy: 'Retain' });
          await bench.becomesReady('Bucket', object);
          await bench.deletes('Bucket', object);
          await stays(bench, object, only(full), 'the bucket that was kept has changed');
        }),
      );
      await it(
        { feature, title: 'on an adopted bucket, not declared, it stays as it is' },
        holds(async () => {
          await bench.declare('Bucket', object, {
            providerRef: { name: bench.provider },
            name: bench.named(object),
            adoptionPolicy: 'Always',
          });
          await bench.becomesReady('Bucket', object);
          await stays(bench, object, only(full), 'the adopted bucket has changed');
          former = undefined;
        }),
      );
      await it({ feature, title: 'on an adopted bucket, declared, it is changed' }, async () => {
        if (declaration.beside !== undefined) await bench.change('Bucket', object, declaration.beside);
        // What was there is somebody else's now, and stays where such stays.
        const isFull = otherNeeds.length > 0 || foreign?.stays === true;
        const wanted = isFull ? full : other;
        await set(wanted);
        return fulfils(bench, object, feature, only(wanted));
      });
      await it(
        { feature, title: 'the Bucket goes with its bucket' },
        holds(() => bench.deletes('Bucket', object)),
      );
    },
  };
};

interface Subject {
  readonly declaration: AnyDeclaration;
  /** The name of the Bucket. */
  readonly object: string;
  readonly set: (declared: object | undefined) => Promise<void>;
}

/** The server does not have it, as the object says: then that is said well, and harms nothing. */
const lacking = async (bench: Bench, it: Try, { declaration, object, set }: Subject): Promise<void> => {
  const { feature, full, other, none } = declaration;
  const beside = company(declaration);
  await it(
    { feature, title: 'lacking, it is named in Unsupported while all else converges' },
    holds(async () => {
      const says = await bench.settles('Bucket', object);
      if (says.isReady || says.reason !== 'Unsupported')
        throw new Mismatch(`Ready says ${says.reason}, and not Unsupported`);
      if (lackOf(feature, says.unsupported) === undefined)
        throw new Mismatch(`Unsupported says: ${says.unsupported ?? 'nothing'}`);
      await bench.sees(
        'what is declared beside it is there',
        () => differences(bench, object, beside),
        (found) => found.length === 0,
      );
    }),
  );
  await it(
    { feature, title: 'lacking, it is said again after another declaration, and after another look' },
    holds(async () => {
      await set(other);
      await bench.settles('Bucket', object);
      await set(full);
      const first = await bench.settles('Bucket', object);
      await touch(bench, object);
      const second = await bench.settles('Bucket', object);
      for (const { unsupported } of [first, second])
        if (lackOf(feature, unsupported) === undefined)
          throw new Mismatch(`Unsupported says: ${unsupported ?? 'nothing'}`);
    }),
  );
  await it(
    { feature, title: 'lacking, it leaves the bucket and its content alone' },
    holds(async () => {
      await putObject(bench, object);
      await set(full);
      await bench.settles('Bucket', object);
      await touch(bench, object);
      await hasObject(bench, object);
    }),
  );
  await it(
    { feature, title: 'lacking, it is fulfilled when it is declared as off or empty' },
    holds(async () => {
      await set(none);
      const says = await bench.settles('Bucket', object);
      if (lackOf(feature, says.unsupported) !== undefined)
        throw new Mismatch(`Unsupported says: ${says.unsupported ?? ''}`);
    }),
  );
  await it(
    { feature, title: 'lacking, it is said no more when it is left out' },
    holds(async () => {
      await set(full);
      await bench.settles('Bucket', object);
      await set(undefined);
      await bench.becomesReady('Bucket', object);
    }),
  );
  await it(
    { feature, title: 'lacking, it does not keep the Bucket from going with its bucket' },
    holds(async () => {
      await set(full);
      await bench.settles('Bucket', object);
      await bench.deletes('Bucket', object);
    }),
  );
};

/**
 * One look may see nothing: what many Buckets share is read once in ten seconds for all of them. Each changes the object, and no pass writes
 * for an object that has changed since: so not many come one after the other.
 */
const pollsOfALook = 20;

/** Somebody changes it at the server. */
const drift = async (bench: Bench, it: Try, { declaration, object }: Omit<Subject, 'set'>): Promise<void> => {
  const { feature, full, foreign } = declaration;
  // A plain call tries what lasts for ever on a bucket of its own.
  const call = declaration.isForEver === true ? undefined : rawCalls[feature];
  const change = declaration.drift ?? call?.drift ?? (foreign?.stays === false ? foreign.put : call?.put);
  const declared = { [feature]: full };
  const isDrifted = async (): Promise<boolean> => {
    // Where a plain call cannot change it, nothing drifts.
    try {
      await change?.(bench.independent, bench.named(object));
    } catch {
      return false;
    }
    return true;
  };
  if (change === undefined) return;
  let drifted = false;
  let polls = 0;
  const before = await told(bench, object, feature);
  await it(
    { feature, title: 'changed behind the back of the operator, it is repaired' },
    holds(async () => {
      drifted = await isDrifted();
      await bench.sees(
        'what was changed is as declared again',
        async () => {
          if (polls % pollsOfALook === 0) await bench.look('Bucket', object);
          polls += 1;
          return differences(bench, object, declared);
        },
        (found) => found.length === 0,
      );
      if (drifted)
        await bench.sees(
          'an Event DriftRepaired',
          () => told(bench, object, feature),
          (events) => events.length > before.length,
        );
    }),
  );
  await it(
    { feature, title: 'repaired, it is told in one Event' },
    holds(async () => {
      await touch(bench, object);
      await bench.becomesReady('Bucket', object);
      const events = await told(bench, object, feature);
      const expected = before.length + (drifted ? 1 : 0);
      if (events.length !== expected) throw new Mismatch(`${String(events.length)} Events: ${events.join('; ')}`);
    }),
  );
};

/** Somebody adds an entry to a list that both write. */
const others = async (bench: Bench, it: Try, { declaration, object, set }: Subject): Promise<void> => {
  const { feature, full, foreign } = declaration;
  if (foreign === undefined) return;
  const name = bench.named(object);
  const isThere = () => foreign.isThere(bench.independent, name);
  const keeping = foreign.keeping ?? full;
  await it(
    { feature, title: 'an entry of somebody else stays where the spec keeps such' },
    holds(async () => {
      await set(keeping);
      await bench.settles('Bucket', object);
      await foreign.put(bench.independent, name);
      await touch(bench, object);
      if (!(await isThere())) throw new Mismatch('the entry of somebody else is gone');
    }),
  );
  await it({ feature, title: 'an entry of somebody else stays when ours change' }, async () => {
    await set({ ...keeping, ...emptied(keeping) });
    await bench.settles('Bucket', object);
    if (!(await isThere())) throw new Mismatch('the entry of somebody else is gone');
    await set(keeping);
    const lack = await fulfils(bench, object, feature, {});
    if (!(await isThere())) throw new Mismatch('the entry of somebody else is gone');
    return lack;
  });
  await it(
    { feature, title: `an entry of somebody else ${foreign.stays ? 'stays' : 'goes'} by default` },
    holds(async () => {
      await set(full);
      await touch(bench, object);
      await bench.sees('the entry of somebody else is as the spec says', isThere, (there) => there === foreign.stays);
    }),
  );
};

/** The same declaration without an entry: its lists and maps are empty. */
const emptied = (declared: object): object =>
  Object.fromEntries(
    Object.entries(declared).flatMap(([key, value]: [string, unknown]) =>
      Array.isArray(value) ? [[key, []]] : typeof value === 'object' && value !== null ? [[key, {}]] : [],
    ),
  );

/** Every feature at once, whether the server has it or not. */
const together = (declarations: readonly AnyDeclaration[]): Scenario => ({
  profile: 'Bucket',
  name: 'all features',
  async run(bench, it) {
    const object = 'together';
    const feature = 'all features';
    const on = { versioning: { enabled: true, mfaDelete: false } };
    // What needs a key of the server's or another Bucket, or can be had while the bucket is created alone, is tried by itself.
    const tried = declarations.filter(({ isForEver, isOfTwo }) => isForEver !== true && isOfTwo !== true);
    const declared = (which: 'full' | 'other' | 'none', lacked: ReadonlySet<string>): Partial<BucketSpec> =>
      Object.fromEntries(
        tried
          .filter((one) => !lacked.has(one.feature))
          .map((one) => [one.feature, which === 'other' && (one.otherNeeds ?? []).length > 0 ? one.full : one[which]]),
      );
    let lacked: ReadonlySet<string> = new Set();
    let former: object = {};
    const converges = (which: 'full' | 'other' | 'none') =>
      holds(async () => {
        const spec = declared(which, lacked);
        await bench.change('Bucket', object, replacement(former, spec));
        former = spec;
        await fulfils(bench, object, feature, spec);
      });
    await it(
      { feature, title: 'declared side by side, what the server has converges', decides: true },
      holds(async () => {
        former = { ...declared('full', lacked), ...on };
        await bench.declare('Bucket', object, {
          providerRef: { name: bench.provider },
          name: bench.named(object),
          ...former,
        });
        await fulfils(bench, object, feature, former);
      }),
    );
    await it(
      { feature, title: 'what the server lacks is named, all of it' },
      holds(async () => {
        const { isReady, unsupported } = await bench.settles('Bucket', object);
        const lacks = tried.filter((one) => lackOf(one.feature, unsupported) !== undefined);
        lacked = new Set(lacks.map((one) => one.feature));
        if (isReady !== (lacks.length === 0)) throw new Mismatch(`Unsupported says: ${unsupported ?? 'nothing'}`);
      }),
    );
    await it({ feature, title: 'without what the server lacks, the Bucket is Ready' }, converges('full'));
    await it({ feature, title: 'all changed at once, it converges' }, converges('other'));
    await it({ feature, title: 'all off or empty, it converges' }, converges('none'));
    await it({ feature, title: 'all in full again, it converges' }, converges('full'));
    await it(
      { feature, title: 'the Bucket goes with its bucket' },
      holds(() => bench.deletes('Bucket', object)),
    );
  },
});

/** The device that the owner of the server has named, as a Bucket names it. */
const deviceOf = async ({ target, kube, namespace }: Bench): Promise<Manifest> => {
  if (target.mfaDevice === undefined) return {};
  const { serial, seed } = target.mfaDevice;
  await kube.create('Secret', namespace, 'mfa-device', { stringData: { serial, seed } });
  return { mfaSecretRef: { name: 'mfa-device', serialKey: 'serial', seedKey: 'seed' } };
};

/** A server that answers 200 without a code, and does nothing, needs no device to be known. */
const tryWithoutDevice = async (bench: Bench): Promise<RawAnswer> => {
  const found = await tryRaw(bench.independent, await bench.createForeign('raw-mfadelete'), 'mfaDelete');
  return found.raw === 'refused' && bench.target.mfaDevice === undefined
    ? {
        raw: 'untried',
        words: `${found.words} Name a device of the administrator with --mfa-serial and --mfa-seed-file.`,
      }
    : found;
};

/** The second factor: most servers answer 200 to it and forget it. */
const secondFactor: Scenario = {
  profile: 'Bucket',
  name: 'mfaDelete',
  async run(bench, it) {
    const feature = 'versioning.mfaDelete';
    const object = 'second-factor';
    const about = { feature, title: 'declared, it is there, or its lack is said', decides: true };
    const end = await it(about, async () => {
      const device = await deviceOf(bench);
      await bench.declare('Bucket', object, {
        providerRef: { name: bench.provider },
        name: bench.named(object),
        tagging: { tags: { beside: 'mfaDelete' } },
        versioning: { enabled: true, mfaDelete: true, ...device },
      });
      const says = await bench.sees(
        'a verdict',
        async () => sayingOf(await bench.get('Bucket', object)),
        ({ isReady, reason }) => isReady || (reason !== 'no verdict' && reason !== 'Converging'),
      );
      if (!says.isReady) return { unsupported: says.message, raw: await tryWithoutDevice(bench) };
      const { MFADelete } = await bench.independent.send(
        new GetBucketVersioningCommand({ Bucket: bench.named(object) }),
      );
      if (MFADelete !== 'Enabled') throw new Lie('the Bucket is Ready, and the server shows no MFADelete');
      return undefined;
    });
    if (end === 'holds')
      await it(
        { feature, title: 'a version is not removed without a code' },
        holds(async () => {
          const Bucket = bench.named(object);
          const put = new PutObjectCommand({ Bucket, Key: objectKey, Body: 'content' });
          const { VersionId } = await bench.independent.send(put);
          const removed = bench.independent.send(new DeleteObjectCommand({ Bucket, Key: objectKey, VersionId }));
          const found = await removed.then(() => 'removed', failureOf);
          if (found !== 'AccessDenied 403')
            throw new Lie(`the Bucket is Ready, and DeleteObject of a version: ${found}`);
        }),
      );
    await it(
      { feature, title: 'versioning and tags beside it are there' },
      holds(() =>
        bench.sees(
          'versioning and tags',
          () =>
            differences(bench, object, {
              versioning: { enabled: true, mfaDelete: true },
              tagging: { tags: { beside: 'mfaDelete' } },
            }),
          (found) => found.length === 0,
        ),
      ),
    );
    await it(
      { feature, title: 'left out, the Bucket is Ready and goes with its bucket' },
      holds(async () => {
        await bench.change('Bucket', object, { versioning: { mfaDelete: false } });
        await bench.becomesReady('Bucket', object);
        await bench.deletes('Bucket', object);
      }),
    );
  },
};

/** What AWS has outside the bucket is tried where it is named: a queue or topic that may get notifications, a role that copies, a trail that records. */
export const featureScenarios = (bench: Pick<Bench, 'target' | 'named'>): readonly Scenario[] => {
  const { events, replicationRole, trail, type } = bench.target;
  const untried: readonly (string | false)[] = [
    events === undefined && 'notifications',
    type === 'aws' && replicationRole === undefined && 'replication',
    type === 'aws' && trail === undefined && 'cloudTrail',
  ];
  const declarations = declarationsWith(surroundingsOf(bench)).filter(({ feature }) => !untried.includes(feature));
  return [
    ...declarations.map((declaration) => withOtherBucket(scenarioOf(declaration), declaration.feature)),
    secondFactor,
    together(declarations),
  ];
};
