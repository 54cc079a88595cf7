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

export interface Progress {
  /** Milliseconds until the next look. */
  readonly delayMs: number;
  /** Set once the same steps were taken too often without converging. */
  readonly claim?: Claim;
}

/** Passes with the same steps, in one generation and without a settled one between them, that make a loop. */
const tolerated = 5;
const converging: Backoff = { baseMs: 100, capMs: 30_000 };
const looping: Backoff = { baseMs: 60_000, capMs: 3_600_000 };

/** Notices writes that repeat without converging: another controller undoes them, or the server does not keep them. */
export interface DriftLoops {
  /** Counts a pass that wrote. */
  progressed(
    object: { readonly key: ObjectKey; readonly uid: string; readonly generation: number },
    steps: readonly string[],
  ): Progress;
  /** Ends the run of an object that settled, or is gone. */
  end(key: ObjectKey): void;
}

export const createDriftLoops = (random: () => number): DriftLoops => {
  const runs = new Map<ObjectKey, Run>();
  return {
    progressed({ key, uid, generation }, steps) {
      const before = runs.get(key);
      const run: Run =
        before?.uid === uid && before.generation === generation
          ? before
          : { uid, generation, passes: 0, repeats: new Map(), looped: 0 };
      runs.set(key, run);
      run.passes += 1;
      const taken = [...steps].sort().join(', ');
      const repeats = (run.repeats.get(taken) ?? 0) + 1;
      run.repeats.set(taken, repeats);
      if (run.looped === 0 && repeats < tolerated) return { delayMs: backoffMs(converging, run.passes, random) };
      run.looped += 1;
      return {
        delayMs: backoffMs(looping, run.looped, random),
        claim: {
          type: conditionTypes.DriftLoop,
          status: 'True',
          reason: reasons.DriftLoop,
          message: `Applied ${taken} ${repeats} times without lasting effect; something undoes it. Trying ever less often, at least once an hour.`,
        },
      };
    },
    end: (key) => void runs.delete(key),
  };
};
