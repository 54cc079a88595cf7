import { conditionTypes, reasons } from '@operator/api';
import type { Claim } from '@operator/outcome';
import { type Backoff, backoffMs } from './backoff.ts';
import type { ObjectKey } from './resource.ts';

interface Run {
  readonly uid: string;
  readonly generation: number;
  passes: number;
  /** How often the same steps were taken in this run. */
  readonly repeats: Map<string, number>;
  /** Passes since the loop was seen. */
  looped: number;
}

/** Repairs of one object that settled, each found undone by the very next look. */
interface Undone {
  readonly uid: string;
  readonly generation: number;
  readonly taken: string;
  times: number;
}

export interface Progress {
  /** Milliseconds until the next look. */
  readonly delayMs: number;
  /** Set once the same steps were taken too often without converging. */
  readonly claim?: Claim;
}

/**
 * Passes with the same steps, in one generation, that make a loop: without a settled one between them, or each settled and undone
 * before the next look.
 */
const tolerated = 5;
const converging: Backoff = { baseMs: 100, capMs: 30_000 };
const looping: Backoff = { baseMs: 60_000, capMs: 3_600_000 };

/** Notices writes that repeat without converging: another controller undoes them, or the server does not keep them. */
export interface DriftLoops {
  /** Counts a pass that wrote; one without steps only waits for something, and is no part of a loop. */
  progressed(
    object: { readonly key: ObjectKey; readonly uid: string; readonly generation: number },
    steps: readonly string[],
  ): Progress;
  /** Ends the run of an object that settled. A look that found nothing to do also ends what was undone before it. */
  settled(key: ObjectKey): void;
  /** Forgets an object that is gone. */
  forget(key: ObjectKey): void;
}

export const createDriftLoops = (random: () => number): DriftLoops => {
  const runs = new Map<ObjectKey, Run>();
  const repaired = new Map<ObjectKey, Undone>();

  /** How often in a row these steps were taken on an object that had settled; counted by the first pass of a run. */
  const countRepair = (key: ObjectKey, { uid, generation, passes }: Run, taken: string): number => {
    const before = repaired.get(key);
    const isSame = before?.uid === uid && before.generation === generation && before.taken === taken;
    const undone = isSame ? before : { uid, generation, taken, times: 0 };
    if (passes === 1) undone.times += 1;
    repaired.set(key, undone);
    return undone.times;
  };

  return {
    progressed({ key, uid, generation }, steps) {
      const before = runs.get(key);
      const run: Run =
        before?.uid === uid && before.generation === generation
          ? before
          : { uid, generation, passes: 0, repeats: new Map(), looped: 0 };
      runs.set(key, run);
      run.passes += 1;
      if (steps.length === 0) return { delayMs: backoffMs(converging, run.passes, random) };
      const taken = [...steps].sort().join(', ');
      const repeats = (run.repeats.get(taken) ?? 0) + 1;
      run.repeats.set(taken, repeats);
      const undone = countRepair(key, run, taken);
      const times = Math.max(repeats, undone);
      if (run.looped === 0 && times < tolerated) return { delayMs: backoffMs(converging, run.passes, random) };
      run.looped = Math.max(run.looped + 1, undone - tolerated + 1);
      return {
        delayMs: backoffMs(looping, run.looped, random),
        claim: {
          type: conditionTypes.DriftLoop,
          status: 'True',
          reason: reasons.DriftLoop,
          message: `Applied ${taken} ${times} times, but something keeps reverting it. Backing off to one attempt an hour.`,
        },
      };
    },
    settled: (key) => {
      if (!runs.delete(key)) repaired.delete(key);
    },
    forget: (key) => {
      runs.delete(key);
      repaired.delete(key);
    },
  };
};
