import { setTimeout as delay } from 'node:timers/promises';
import { reasons, type BucketFeature, type BucketSpec } from '@operator/api';
import { Fault } from '@operator/outcome';
import {
  lookAtFeatures,
  type AspectView,
  type BucketContext,
  type BucketWire,
  type Driver,
  type Managed,
  type Part,
} from '@operator/s3';
import { assert, asyncProperty, array, boolean, constantFrom, record } from 'fast-check';
import { describe, expect } from 'vitest';
import { bucketContext, bucketSpec, recordingContext, type RecordingContext } from './builders.ts';
import { differencesFrom, withBeside, type AnyDeclaration, type Independent } from './declarations.ts';
import { bucketInputs } from './inputs.ts';

/** What the suite of features works with. */
interface FeatureBench {
  readonly convergence: Convergence;
  /** Another process, which remembers nothing. */
  readonly restart: () => Pick<Convergence, 'look'> & Pick<BucketWire, 'wire'>;
  readonly independent: () => Independent;
  readonly lacks: ReadonlySet<BucketFeature | Part>;
  readonly declarations: readonly AnyDeclaration[];
  /** Born with what the spec declares that a bucket has from its creation. */
  readonly freshBucket: (spec?: BucketSpec) => Promise<BucketWire>;
  readonly it: (title: string, run: () => Promise<void>) => void;
}

/** Converges buckets as a controller does. */
interface Convergence {
  readonly look: (s3: BucketWire, spec: BucketSpec, bucket?: BucketContext) => Promise<readonly AspectView[]>;
  /** Applies steps until a look finds none; a second round must not be needed, and writes nothing. */
  readonly converge: (s3: BucketWire, spec: BucketSpec, bucket?: BucketContext) => Promise<readonly AspectView[]>;
}

/** SeaweedFS may not know in all its parts of a bucket that was made a moment ago. A controller tries again then, and so does this. */
const onceKnown = async <T>(look: () => Promise<T>): Promise<T> => {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      return await look();
    } catch (caught) {
      const isMissing = caught instanceof Fault && caught.reason === reasons.BucketMissing;
      if (!isMissing || performance.now() > until) throw caught;
      await delay(50);
    }
  }
};

/** `onLook`: runs before each look. */
export const createConvergence = (driver: () => Driver, context: RecordingContext, onLook: () => void): Convergence => {
  const beside = recordingContext();
  const look: Convergence['look'] = async (s3, spec, bucket = bucketContext()) => {
    onLook();
    const inputs = new Map([...(await bucketInputs(driver(), spec, beside)), ...bucket.inputs]);
    return onceKnown(() => lookAtFeatures(driver(), spec, { ...bucket, inputs }, s3, context));
  };
  return {
    look,
    async converge(s3, spec, bucket) {
      for (const view of await look(s3, spec, bucket)) if (view.verdict === 'different') await view.step.apply(context);
      context.clear();
      const views = await look(s3, spec, bucket);
      expect(views.filter(({ verdict }) => verdict === 'different').map(({ aspect }) => aspect)).toEqual([]);
      expect(context.writes()).toEqual([]);
      return views;
    },
  };
};

/** What the views say, by feature. */
export const verdictsOf = (
  views: readonly AspectView[],
): Readonly<Partial<Record<BucketFeature, AspectView['verdict']>>> =>
  Object.fromEntries(views.map(({ aspect, verdict }) => [aspect, verdict]));

/** What counts as ours after a look that found nothing to do, as the status keeps it. */
const managedOf = (former: Managed, views: readonly AspectView[]): Managed => ({
  ...former,
  ...Object.fromEntries(views.flatMap(({ aspect, managed }) => (managed === undefined ? [] : [[aspect, managed]]))),
});

/** Of the buckets of a history. */
interface Kind {
  readonly isBorn: boolean;
  readonly hasNeedy: boolean;
}

type Choice = 'unset' | 'full' | 'other' | 'none';

/** Every feature of the table of declarations, on a real server. */
export const featureConformance = (bench: FeatureBench): void => {
  const { convergence, restart, independent, lacks, declarations, freshBucket, it } = bench;
  const { look, converge } = convergence;
  const has = ({ feature }: Pick<AnyDeclaration, 'feature'>) => !lacks.has(feature);
  const canOther = ({ otherNeeds = [] }: AnyDeclaration) => !otherNeeds.some((part) => lacks.has(part));
  const specOf = (declaration: AnyDeclaration, declared: object) => bucketSpec(withBeside([[declaration, declared]]));
  const differences = (s3: BucketWire, spec: BucketSpec) => differencesFrom(spec, independent(), s3.bucket);
  // Adopted: then nothing is kept without being declared.
  const adopted = (managed: Managed = {}) => bucketContext({ created: false, managed });

  for (const declaration of declarations.filter((one) => !has(one))) {
    const { feature, full, none } = declaration;
    it(`${feature} is said to be unsupported, and its absence is fulfilled`, async () => {
      const s3 = await freshBucket();
      expect(verdictsOf(await converge(s3, specOf(declaration, full)))[feature]).toBe('unsupported');
      expect(verdictsOf(await converge(s3, specOf(declaration, none)))[feature] ?? 'same').toBe('same');
    });
  }

  for (const declaration of declarations.filter(has)) {
    const { feature, full, other, none, otherNeeds = [] } = declaration;
    const second = canOther(declaration) ? other : none;
    const isForEver = declaration.isForEver === true;
    const bornFor = isForEver ? specOf(declaration, full) : bucketSpec();
    describe(feature, () => {
      it(`${feature} converges from any declaration to any, and the server shows it`, async () => {
        const s3 = await freshBucket(bornFor);
        let managed: Managed = {};
        for (const declared of isForEver ? [full, second, full] : [full, second, none, full, none]) {
          const spec = specOf(declaration, declared);
          const views = await converge(s3, spec, bucketContext({ managed }));
          managed = managedOf(managed, views);
          expect(verdictsOf(views)[feature] ?? 'same').toBe('same');
          if (declared !== none) expect(await differences(s3, spec)).toEqual([]);
        }
      });

      it(`${feature} that was changed behind our back is drift, and is repaired`, async () => {
        const s3 = await freshBucket(bornFor);
        const spec = specOf(declaration, full);
        const managed = managedOf({}, await converge(s3, spec));
        // What somebody adds where foreign entries stay is no drift.
        const drifted = declaration.foreign?.stays === true ? none : second;
        await converge(s3, specOf(declaration, drifted), bucketContext({ managed }));
        expect(verdictsOf(await look(s3, spec, bucketContext({ managed })))[feature]).toBe('different');
        await converge(s3, spec, bucketContext({ managed }));
        expect(await differences(s3, spec)).toEqual([]);
      });

      it(`${feature} that is no longer declared stays as it is`, async () => {
        const s3 = await freshBucket(bornFor);
        const spec = specOf(declaration, full);
        const managed = managedOf({}, await converge(s3, spec));
        await converge(s3, bucketSpec(), adopted(managed));
        expect(await differences(s3, spec)).toEqual([]);
      });

      it(`${feature} is at rest for a process that has just started`, async () => {
        const s3 = await freshBucket(bornFor);
        let managed: Managed = {};
        for (const declared of isForEver ? [full] : [none, full, none]) {
          const spec = specOf(declaration, declared);
          managed = managedOf(managed, await converge(s3, spec, bucketContext({ managed })));
          const { look: lookAgain, wire } = restart();
          const views = await lookAgain({ ...s3, wire }, spec, bucketContext({ managed }));
          expect(verdictsOf(views)[feature] ?? 'same').toBe('same');
        }
      });

      if (otherNeeds.length > 0 && !canOther(declaration))
        it(`${feature} as it needs ${otherNeeds.join(' and ')} is said to be unsupported`, async () => {
          const s3 = await freshBucket();
          expect(verdictsOf(await converge(s3, specOf(declaration, other)))[feature]).toBe('unsupported');
        });

      for (const { needs, declared, rest } of declaration.partly ?? [])
        it(`${feature} with ${needs} ${lacks.has(needs) ? 'is said to be unsupported, and the rest of it is there' : 'converges'}`, async () => {
          const s3 = await freshBucket();
          const spec = specOf(declaration, declared);
          const managed = managedOf({}, await converge(s3, spec));
          // Once more: what the server lacks is not tried in each pass.
          const views = await converge(s3, spec, bucketContext({ managed }));
          expect(verdictsOf(views)[feature]).toBe(lacks.has(needs) ? 'unsupported' : 'same');
          expect(await differences(s3, specOf(declaration, lacks.has(needs) ? rest : declared))).toEqual([]);
          await converge(s3, specOf(declaration, none), bucketContext({ managed }));
          expect(await differences(s3, specOf(declaration, none))).toEqual([]);
        });

      const { foreign } = declaration;
      if (foreign === undefined) return;
      it(`${feature} of others ${foreign.stays ? 'stays' : 'goes'}, and ours goes without it`, async () => {
        const s3 = await freshBucket();
        const keeping = foreign.keeping ?? full;
        const managed = managedOf({}, await converge(s3, specOf(declaration, keeping)));
        await foreign.put(independent(), s3.bucket);
        const kept = await look(s3, specOf(declaration, keeping), bucketContext({ managed }));
        expect(verdictsOf(kept)[feature]).toBe('same');
        const emptied = { ...none, ...(foreign.keeping !== undefined && { others: 'Keep' }) };
        await converge(s3, specOf(declaration, emptied), bucketContext({ managed }));
        expect(await foreign.isThere(independent(), s3.bucket)).toBe(true);
        expect(await differences(s3, specOf(declaration, none))).toEqual([]);
        await converge(s3, specOf(declaration, full));
        expect(await foreign.isThere(independent(), s3.bucket)).toBe(foreign.stays);
        if (foreign.removing === undefined) return;
        await converge(s3, specOf(declaration, foreign.removing));
        expect(await foreign.isThere(independent(), s3.bucket)).toBe(false);
      });
    });
  }

  it('any history of declarations ends as a new bucket with the last of them would', async () => {
    const mine = declarations.filter(has);
    const choice = (declaration: AnyDeclaration) =>
      constantFrom<Choice[]>('unset', 'full', 'none', ...(canOther(declaration) ? (['other'] as const) : []));
    const step = record(Object.fromEntries(mine.map((declaration) => [declaration.feature, choice(declaration)])));
    const forEver = mine.filter(({ isForEver }) => isForEver === true);
    const needy = mine.filter(({ beside, isForEver }) => beside !== undefined && isForEver !== true);
    /** `isBorn`: whether the bucket has what it has for ever; then that is never declared off, and what it needs is never taken away. `hasNeedy`: whether it gets what needs something beside it, which then stays. */
    const specFor = ({ isBorn, hasNeedy }: Kind, choices: Readonly<Record<string, Choice>>) => {
      const chosen = mine.flatMap((declaration) => {
        const one = choices[declaration.feature] ?? 'unset';
        const isLegal =
          declaration.isForEver === true ? (one === 'none') !== isBorn : hasNeedy || !needy.includes(declaration);
        return one === 'unset' || !isLegal ? [] : [[declaration, declaration[one]] as const];
      });
      const needed = [...(isBorn ? forEver : []), ...(hasNeedy ? needy : [])].map(({ beside }) => beside);
      return bucketSpec(Object.assign(withBeside(chosen), ...needed) as Partial<BucketSpec>);
    };
    const bornFor = ({ isBorn }: Kind) =>
      bucketSpec(isBorn ? withBeside(forEver.map((declaration) => [declaration, declaration.full])) : {});
    const histories = array(step, { minLength: 2, maxLength: 4 });
    const kinds = record({ isBorn: boolean(), hasNeedy: boolean() });
    const history = asyncProperty(kinds, histories, async (kind, steps) => {
      const [s3, fresh] = [await freshBucket(bornFor(kind)), await freshBucket(bornFor(kind))];
      let managed: Managed = {};
      for (const choices of steps) {
        managed = managedOf(managed, await converge(s3, specFor(kind, choices), adopted(managed)));
      }
      const last = specFor(kind, steps.at(-1) ?? {});
      const views = await converge(fresh, last, adopted());
      // What the last one does not declare is left as it was.
      const declared = ([feature]: readonly [string, unknown]) => last[feature as BucketFeature] !== undefined;
      const own = (all: Managed) =>
        Object.fromEntries(Object.entries(all).filter((entry) => declared(entry) && entry[1].length > 0));
      expect(own(managed)).toEqual(own(managedOf({}, views)));
      for (const { feature, seen } of mine.filter(({ feature }) => last[feature] !== undefined)) {
        const [there, new_] = [await seen(independent(), s3.bucket), await seen(independent(), fresh.bucket)];
        expect({ [feature]: there }).toEqual({ [feature]: new_ });
      }
    });
    await assert(history, { numRuns: 6, endOnFailure: true });
  });
};
