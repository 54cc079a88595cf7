import type { Fault } from '@operator/outcome';
import type { ControllerDeps, Turn } from './controller-deps.ts';
import { hasFinalizer } from './finalizer.ts';
import { isSameJson } from './json-equality.ts';
import { isKubeError, isObjectChanged, objectChanged } from './kube-error.ts';
import { kubeFault } from './pass-fault.ts';
import type { KubeObject } from './resource.ts';
import { dropNoise } from './trim.ts';
import { wantedPart } from './wanted-part.ts';

/**
 * What one pass knows of the API server's own view of its object. The cache decides when to look, never what to destroy: before the
 * first external write of a pass the API server has confirmed, in this pass, that the object is as the pass sees it.
 */
export interface LiveProof {
  /**
   * Asks the API server, once for the pass, however many ask at a time. Costs nothing where a write has confirmed it already.
   * @throws Fault `transient` ObjectChanged when the object is another one, or has changed, or is gone; then the cache knows what is
   * true where it can; KubernetesUnavailable and others when there is no answer
   */
  prove(): Promise<void>;
  /** The API server took a write that had uid and resourceVersion of what this pass sees. */
  confirm(): void;
  /** Compares what the API server answered to a write that had no resourceVersion. @throws as `prove` */
  compare(answer: KubeObject): void;
  /** The API server refused a write because the object has changed: brings the cache up to date, and returns what is to be thrown. */
  changed(cause: unknown): Promise<Error>;
  /** True once the pass must not go on: what it sees is not true, whatever a reconciler made of the Fault. */
  readonly isRefuted: () => boolean;
  /** Why the API server did not confirm it when it was asked last; a write that was to follow has not been made. */
  readonly unanswered: () => Fault | undefined;
}

/** For the `catch` of a write that carries preconditions: what the object is by now is in the cache when it throws on. */
export const learnFrom =
  (proof: LiveProof) =>
  async (caught: unknown): Promise<never> => {
    throw isObjectChanged(caught) ? await proof.changed(caught) : caught;
  };

/** For a pass over an object of which the API server has said in this pass that it is gone. */
export const provenGone = (key: string): LiveProof => ({
  prove: () => Promise.resolve(),
  confirm: () => undefined,
  compare: () => undefined,
  changed: (cause) => Promise.resolve(objectChanged(key, cause)),
  isRefuted: () => false,
  unanswered: () => undefined,
});

type Deps<Spec, Status> = Pick<
  ControllerDeps<Spec, Status>,
  'kube' | 'informer' | 'resource' | 'metrics' | 'finalizer'
>;

/** `seen`: the object as this pass began with it. */
export const createLiveProof = <Spec, Status>(
  deps: Deps<Spec, Status>,
  seen: KubeObject<Spec, Status>,
  turn: Pick<Turn, 'key' | 'signal' | 'log'>,
): LiveProof => {
  const { key, signal, log } = turn;
  let state: 'open' | 'proven' | 'refuted' = 'open';
  let unanswered: Fault | undefined;
  let asking: Promise<void> | undefined;

  const refute = (live: KubeObject<Spec, Status> | undefined): Error => {
    state = 'refuted';
    deps.metrics.sawStale(deps.resource.kind);
    log.info({ event: 'stale' }, 'the object is not what the watch has shown of it; looking again');
    learn(deps, seen, live);
    return objectChanged(key);
  };

  const ask = async (): Promise<void> => {
    unanswered = undefined;
    const live = await readLive(deps, seen, signal).catch((caught: unknown) => {
      // A driver lets a Fault through and takes everything else for its own.
      if (!isKubeError(caught)) throw caught;
      throw (unanswered = kubeFault(caught));
    });
    // A write of this pass may have settled it meanwhile.
    if (state !== 'open') return;
    if (live === undefined || !isAsSeen(live, seen, deps.finalizer)) throw refute(live);
    state = 'proven';
  };

  return {
    async prove() {
      if (state === 'open') await (asking ??= ask().finally(() => (asking = undefined)));
      if (state === 'refuted') throw objectChanged(key);
    },
    confirm: () => {
      if (state === 'open') state = 'proven';
    },
    compare(answer) {
      const live = answer as KubeObject<Spec, Status>;
      dropNoise(live);
      // Whether our finalizer was there before, the answer does not say.
      if (!isSame(live, seen)) throw refute(live);
      state = 'proven';
    },
    async changed(cause) {
      state = 'refuted';
      const told = 'what the object is by now cannot be read; the watch will say it';
      await readLive(deps, seen, signal).then(
        (live) => learn(deps, seen, live),
        (caught: unknown) => log.debug({ event: 'conflict', err: caught }, told),
      );
      return objectChanged(key, cause);
    },
    isRefuted: () => state === 'refuted',
    unanswered: () => unanswered,
  };
};

/** What has the name of an object at the API server now. @throws KubeError */
const readLive = async <Spec, Status>(
  { kube, resource }: Pick<Deps<Spec, Status>, 'kube' | 'resource'>,
  { metadata: { name, namespace } }: KubeObject<Spec, Status>,
  signal: AbortSignal,
): Promise<KubeObject<Spec, Status> | undefined> => {
  const live = await kube.get<KubeObject<Spec, Status>>(resource, { name, namespace }, { signal });
  if (live !== undefined) dropNoise(live);
  return live;
};

/**
 * Puts what is live into the cache. One that is gone stays there until the watch says so, for only the watch tells one that vanished
 * from one that a restored store lacks. One whose labels differ may belong to another shard: the watch drops it, or brings it.
 */
const learn = <Spec, Status>(
  { informer }: Pick<Deps<Spec, Status>, 'informer'>,
  seen: KubeObject<Spec, Status>,
  live: KubeObject<Spec, Status> | undefined,
): void => {
  if (live !== undefined && isSameJson(live.metadata.labels ?? {}, seen.metadata.labels ?? {})) informer.remember(live);
};

const isAsSeen = (live: KubeObject, seen: KubeObject, finalizer: string): boolean =>
  isSame(live, seen) && hasFinalizer(live, finalizer) === hasFinalizer(seen, finalizer);

/** The same object, wanting the same, with the same memory: finalizers of others change nothing for a pass. */
const isSame = (live: KubeObject, seen: KubeObject): boolean =>
  live.metadata.uid === seen.metadata.uid &&
  (live.metadata.resourceVersion === seen.metadata.resourceVersion ||
    (isSameJson(wantedPart(live), wantedPart(seen)) && isSameJson(live.status ?? {}, seen.status ?? {})));
