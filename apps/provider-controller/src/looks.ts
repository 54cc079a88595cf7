import type { Provider } from '@operator/references';

/** Milliseconds from the first pass of a process over a Provider to its first look: the caches, and what vanished, settle before. */
export const firstLookMs = 300_000;
/** Milliseconds between two looks. */
export const lookIntervalMs = 3_600_000;
/** Milliseconds until a look that came to nothing is made again. */
export const retryMs = 300_000;

/** How many of what a look found a status names. */
export const listedAtMost = 20;

/**
 * The last look of each Provider at what is left at the server, in memory. `Sight`: what it found. `Cause`: what makes the next one due before its
 * time, as it is now.
 */
export interface LookMemory<Sight, Cause> {
  /** Undefined when a look is due. `known`: what counts until this process has looked itself. */
  standing(provider: Provider, cause: Cause, now: Date, known: Sight): Sight | undefined;
  remember(provider: Provider, cause: Cause, now: Date, sight: Sight, dueInMs: number): Sight;
  forget(providerUid: string): void;
}

/** An empty memory. `hastens`: true when a look is due at once; `former` as it was at the last pass, undefined at the first. */
export const createLookMemory = <Sight, Cause>(
  hastens: (cause: Cause, former: Cause | undefined) => boolean,
): LookMemory<Sight, Cause> => {
  const looks = new Map<string, { readonly dueAt: number; readonly cause: Cause; readonly sight: Sight }>();
  const remember: LookMemory<Sight, Cause>['remember'] = ({ metadata: { uid } }, cause, now, sight, dueInMs) => {
    looks.set(uid, { dueAt: now.getTime() + dueInMs, cause, sight });
    return sight;
  };
  return {
    remember,
    standing(provider, cause, now, known) {
      const looked = looks.get(provider.metadata.uid);
      if (hastens(cause, looked?.cause)) return undefined;
      if (looked === undefined) return remember(provider, cause, now, known, firstLookMs);
      const dueInMs = looked.dueAt - now.getTime();
      // A clock that was set back must not put a look off.
      if (dueInMs <= 0 || dueInMs > lookIntervalMs) return undefined;
      return remember(provider, cause, now, looked.sight, dueInMs);
    },
    forget: (uid) => void looks.delete(uid),
  };
};
