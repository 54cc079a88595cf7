import {
  controllerOf,
  forEach,
  isReady,
  passRequest,
  sumOfMetric,
  until,
  type Controller,
} from '@operator/tools/harness';
import { pause, untilCrowdRests } from '../crowd-rest.ts';
import { slotLabel, slots, type Crowd } from '../crowd.ts';
import { countByObject, readPasses } from '../passes.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';

const kind = 'Bucket';

/**
 * The Buckets of the crowd in shards. Each Bucket has a label with one of four slots, and a shard is a bucket-controller with a
 * Lease of its own that watches some slots. Who adds a shard does it in this order, so that no object has two at any time:
 *
 * 1. Stop the shard that gives slots away, and start it again with a selector without them.
 * 2. Start the new shard with a selector of those slots.
 *
 * Between the two, these objects are only not looked at: what changes meanwhile is seen by the new shard. Whoever would rather
 * move objects between running shards changes the label: the old one lets go when its watch says so, the new one begins when
 * its own does. A shard is removed by moving its objects first, then stopping it.
 */
export const shards: Scenario = {
  name: 'shards',
  title: 'Shards of the crowd, added and removed',
  isTimed: false,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const crowd = await bench.crowd();
    await untilCrowdRests(crowd);
    const running = new Map<string, Controller>();
    const all: Controller[] = [];
    const start = async (name: string, slots: readonly number[]): Promise<void> => {
      const as = `bucket-${name}-${all.length}`;
      const flags = [
        `--watch-selector=${slotLabel} in (${slots.join(',')})`,
        // Every object is looked at when its shard starts.
        '--resync-interval=10m',
        // Each pass is logged: the only account of them that outlives the process.
        '--log-level=debug',
      ];
      const shard = await crowd.world.startController('bucket', { as, flags });
      running.set(name, shard);
      all.push(shard);
    };
    const stop = async (name: string): Promise<void> => {
      const shard = running.get(name);
      running.delete(name);
      if ((await shard?.stop()) !== 'ended with status 0') throw new Error(`shard ${name} did not end well`);
    };
    const isSample = (index: number) => index % (bench.quick ? 5 : 10) === 0;
    const round = shardRound(crowd, bench, { running, all, isSample });
    const figures: Figure[] = [];
    try {
      await crowd.controllers[controllerOf[kind]].stop();
      await Promise.all([start('a', [0, 1]), start('b', [2, 3])]);
      figures.push(...(await round('two', () => Promise.resolve())));
      const split = async () => {
        await stop('a');
        await start('a', [0]);
        await start('c', [1]);
        await stop('b');
        await start('b', [2]);
        await start('d', [3]);
      };
      figures.push(...(await round('two to four', split)));
      // The objects of slots 1 and 3 move to 0 and 2 while all four shards run.
      const moveTo = (index: number) => (isToMove(index) ? slotOf(index) - 1 : undefined);
      figures.push(...(await round('four to two', () => Promise.resolve(), moveTo)));
      await Promise.all([stop('c'), stop('d')]);
      return figures;
    } finally {
      for (const shard of all) await shard.close();
      if (!bench.signal.aborted) {
        await crowd.controllers[controllerOf[kind]].start();
        const patched = indices(crowd.counts[kind]).filter((index) => isSample(index) || isToMove(index));
        await forEach(patched, 16, bench.signal, (index) =>
          patch(crowd, index, { tier: firstTier, slot: slotOf(index) }),
        );
        await until(
          async () => (await crowd.world.kube.list(kind, crowd.namespace)).filter((bucket) => !isReady(bucket)).length,
          (unready) => unready === 0,
          { what: 'the crowd is as it was', timeoutMs: 900_000, everyMs: 2_000 },
        );
      }
    }
  },
};

const slotOf = (index: number): number => index % slots;
/** A fourth, of every slot. */
const isAsked = (index: number): boolean => Math.floor(index / slots) % 4 === 0;
const isToMove = (index: number): boolean => slotOf(index) % 2 === 1;
const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
/** As `bucketSpec` has it. */
const firstTier = 'one';

/** One patch: who gets a new label and a new spec at once leaves one shard as it was and comes to the other as it is to be. */
const patch = (
  { world, namespace, nameOf }: Crowd,
  index: number,
  { tier, slot }: { readonly tier?: string | undefined; readonly slot?: number | undefined },
): Promise<unknown> =>
  world.kube.patch(kind, namespace, nameOf(index), {
    ...(tier === undefined ? {} : { spec: { tagging: { tags: { tier } } } }),
    ...(slot === undefined ? {} : { metadata: { labels: { [slotLabel]: String(slot) } } }),
  });

/**
 * Changes the shards while a sample of the objects changes, and then asks a fourth of all for one pass. Every change must be served, and
 * written once; every object must be served, and each that was asked makes one pass, in one shard.
 */
const shardRound = (
  crowd: Crowd,
  { quick, signal, log }: Bench,
  {
    running,
    all,
    isSample,
  }: {
    readonly running: ReadonlyMap<string, Controller>;
    readonly all: readonly Controller[];
    readonly isSample: (index: number) => boolean;
  },
) => {
  const { world, namespace, counts, nameOf } = crowd;
  const objects = counts[kind];
  const keyOf = (index: number) => `${namespace}/${nameOf(index)}`;
  let rounds = 0;

  const untilQuiet = async () => {
    let seen = -1;
    let since = performance.now();
    await until(
      async () => {
        const metrics = await Promise.all([...running.values()].map((shard) => shard.metrics()));
        const sum = (name: string, labels = {}) =>
          metrics.reduce(
            (total, text) => total + sumOfMetric(text, `wasabi_s3_operator_${name}`, { kind, ...labels }),
            0,
          );
        const passes = sum('reconcile_total');
        if (passes !== seen) [seen, since] = [passes, performance.now()];
        const served = sum('objects', { ready: 'True' });
        return { served, depth: sum('workqueue_depth'), quietMs: performance.now() - since };
      },
      ({ served, depth, quietMs }) => served >= objects && depth === 0 && quietMs >= 2_000,
      { what: `${running.size} shards serve ${objects} objects and are quiet`, timeoutMs: 900_000, everyMs: 500 },
    );
  };

  return async (
    name: string,
    change: () => Promise<void>,
    moveTo: (index: number) => number | undefined = () => undefined,
  ): Promise<readonly Figure[]> => {
    rounds += 1;
    const tier = `tier-${rounds}`;
    log(`shards: ${name}`);
    await untilQuiet();
    const changedFrom = Date.now();
    const toPatch = indices(objects).filter((index) => isSample(index) || moveTo(index) !== undefined);
    const patching = forEach(toPatch, 4, signal, async (index) => {
      await patch(crowd, index, { tier: isSample(index) ? tier : undefined, slot: moveTo(index) });
      // Spread over the time that the change of the shards takes.
      if (isSample(index)) await pause(quick ? 400 : 80, signal);
    });
    await Promise.all([patching, change()]);
    await untilQuiet();
    const unserved = (await world.kube.list(kind, namespace))
      .filter((object) => !isReady(object))
      .map(({ metadata }) => metadata.name);
    const writing = (await readPasses(all)).filter(({ at, steps }) => at >= changedFrom && steps.length > 0);
    const writes = countByObject(writing);

    const askedAt = Date.now();
    const toAsk = indices(objects).filter(isAsked);
    await forEach(toAsk, 16, signal, (index) =>
      world.kube.patch(kind, namespace, nameOf(index), passRequest(`${name}-${askedAt}`)),
    );
    await untilQuiet();
    const asked = countByObject((await readPasses(all)).filter(({ at }) => at >= askedAt));
    const shares = await Promise.all(
      [...running.values()].map(async (shard) =>
        sumOfMetric(await shard.metrics(), 'wasabi_s3_operator_objects', { kind }),
      ),
    );

    const none = (what: string, violating: readonly string[]): Figure => ({
      scenario: 'shards',
      name: `${name}: ${what}`,
      unit: 'count',
      values: [violating.length],
      aim: { atMost: 0 },
      ...(violating.length === 0 ? {} : { note: violating.slice(0, 10).join(', ') }),
    });
    const sample = indices(objects).filter(isSample).map(keyOf);
    return [
      {
        scenario: 'shards',
        name: `${name}: share of a shard`,
        unit: '%',
        values: shares.filter((share) => share > 0).map((share) => (share / objects) * 100),
        note: `${shares.length} shards run, ${shares.filter((share) => share === 0).length} of them empty`,
      },
      none('objects that are not as declared', unserved),
      none(
        'changes not written',
        sample.filter((key) => !writes.has(key)),
      ),
      none(
        'objects written more than once',
        [...writes].filter(([, count]) => count > 1).map(([key]) => key),
      ),
      none(
        'objects without the pass asked for',
        toAsk.map(keyOf).filter((key) => !asked.has(key)),
      ),
      none(
        'objects with more than one',
        [...asked].filter(([, count]) => count > 1).map(([key]) => key),
      ),
    ];
  };
};
