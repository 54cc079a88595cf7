import { isReady, type Kube, type OurKind } from './kube.ts';

/** Sees objects become Ready by one watch, which costs the API server less than looking. */
export interface ReadyWatch {
  /** By object name: `performance.now()` when it was first seen Ready for its latest generation, since the watch began. */
  readonly readyAt: ReadonlyMap<string, number>;
  /** Resolves when so many have been seen Ready. @throws Error after `timeoutMs`, with how many there were, or when the watch ends */
  untilReady(count: number, timeoutMs: number): Promise<void>;
  /** Resolves when this one has been seen Ready for this generation or a later one, any when absent, with when. @throws as `untilReady` */
  untilReadyNamed(name: string, timeoutMs: number, generation?: number): Promise<number>;
  close(): void;
}

/** Sees what happens in a namespace from now on: objects that are Ready already are not seen until they change. */
export async function watchReady(kube: Kube, kind: OurKind, namespace: string): Promise<ReadyWatch> {
  const readyAt = new Map<string, number>();
  const readyFor = new Map<string, number>();
  const stopped = new AbortController();
  const waiting = new Set<() => void>();
  let ended: Error | undefined;
  const events = await kube.watch(kind, namespace, stopped.signal);
  const follow = async () => {
    for await (const { type, object } of events) {
      const { name, generation = 0 } = object.metadata;
      if (type === 'DELETED') {
        readyAt.delete(name);
        readyFor.delete(name);
      } else if (isReady(object) && generation > (readyFor.get(name) ?? -1)) {
        readyAt.set(name, performance.now());
        readyFor.set(name, generation);
        for (const look of waiting) look();
      }
    }
    throw new Error('the API server ended the watch');
  };
  void follow().catch((error: unknown) => {
    ended = new Error(`the watch of ${kind} ended`, { cause: error });
    for (const look of waiting) look();
  });

  const untilSeen = <T>(see: () => T | undefined, timeoutMs: number, what: () => string): Promise<T> =>
    new Promise((resolve, reject) => {
      const finish = (end: () => void) => {
        waiting.delete(look);
        clearTimeout(timer);
        end();
      };
      const look = () => {
        const seen = see();
        const failure = ended;
        if (seen !== undefined) finish(() => resolve(seen));
        else if (failure !== undefined) finish(() => reject(failure));
      };
      const timer = setTimeout(() => {
        finish(() => reject(new Error(`not within ${timeoutMs / 1000} s: ${what()}`)));
      }, timeoutMs);
      waiting.add(look);
      look();
    });

  return {
    readyAt,
    untilReady: async (count, timeoutMs) => {
      await untilSeen(
        () => (readyAt.size >= count ? true : undefined),
        timeoutMs,
        () => `${count} × ${kind} Ready in ${namespace}, ${readyAt.size} are`,
      );
    },
    untilReadyNamed: (name, timeoutMs, generation = 0) =>
      untilSeen(
        () => ((readyFor.get(name) ?? -1) >= generation ? readyAt.get(name) : undefined),
        timeoutMs,
        () => `${kind} ${namespace}/${name} Ready for generation ${generation}`,
      ),
    close: () => stopped.abort(),
  };
}
