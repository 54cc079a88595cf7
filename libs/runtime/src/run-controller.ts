import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@operator/outcome';
import type { Logger } from 'pino';
import { catchUp } from './catch-up.ts';
import { ConfigError, type RuntimeConfig, readConfig, usage } from './config.ts';
import { type Controller, createController, leadershipLost } from './controller.ts';
import { type EventRecorder, createEventRecorder } from './events.ts';
import { serveHealth } from './health.ts';
import {
  type Informer,
  type InformerOptions,
  type InformerSource,
  type StartedInformer,
  createInformer,
} from './informer.ts';
import { inClusterSource } from './in-cluster.ts';
import type { KubeClient, ObjectRef } from './kube-client.ts';
import { type CredentialSource, loadKubeconfig } from './credential-source.ts';
import { openKubeConnection } from './kube-connection.ts';
import { type KubeExchange, createKubeClient } from './kube-requests.ts';
import { type Leadership, createLeadership } from './leader-election.ts';
import { createLogger } from './logging.ts';
import { type Metrics, createMetrics } from './metrics.ts';
import type { KubeObject, ObjectKey, Resource, StoredObject } from './resource.ts';
import { createTracing } from './tracing.ts';
import { type Wakes, createWakes } from './wakes.ts';
import { within } from './within.ts';
import { createWorkqueue } from './workqueue.ts';

/** What an app composes its controller from. */
export interface ControllerTools {
  readonly kube: KubeClient;
  readonly config: RuntimeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
  readonly events: EventRecorder;
  /** The informer of a resource: one for each resource, made on the first call, started after `build`. */
  informer<T extends StoredObject>(resource: Resource, options?: InformerOptions<T>): Informer<T>;
  /**
   * Watches one object by name, so that RBAC can name it. `onChange` gets its metadata as they are, at first and after every
   * change; undefined when it is absent. The rest is dropped on arrival: what a Secret holds does not stay in memory.
   * Returns the way to stop.
   */
  watchOne(resource: Resource, ref: ObjectRef, onChange: (object: StoredObject | undefined) => void): () => void;
  readonly mapEvents: Wakes['mapEvents'];
  /** Enqueues one object of the controller's own kind, at once or in `afterMs`. */
  enqueue(key: ObjectKey, afterMs?: number): void;
}

export interface ControllerOptions<Spec, Status> {
  /** Such as `bucket-controller`: the lease's name, the logs' `controller`, the Events' source. */
  readonly name: string;
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  build(tools: ControllerTools): Controller<Spec, Status> | Promise<Controller<Spec, Status>>;
}

/** After SIGTERM passes may go on for the deadline less this; what is left is for aborting them and for the lease. */
const abortReserveMs = 5_000;
/** At the end, for Events and for traces. */
const flushMs = 2_000;
/** One Ctrl-C may come more than once: from the terminal, and from who started this process. A person who insists takes longer. */
const sameSignalMs = 1_000;
/** So many slow Providers leave the others their workers. */
const providersAtOnce = 4;
/** Passes at once for a Provider that is not usable: most can only tell so, and thousands of them must not be in the way. */
const workersWhileUnusable = 2;
const monotonicMs = (): number => performance.now();
// eslint-disable-next-line no-restricted-syntax -- this is the composition that every main.ts calls
const clock: Clock = { now: () => new Date() };

/**
 * Runs one controller until SIGTERM or SIGINT and returns the exit status: 0 after a graceful stop, 1 after a failure, 2 for
 * a wrong configuration. A second signal, a second later at least, or passes that outlast the deadline, end it with 1; with the deadline it is over.
 */
export const runController = async <Spec, Status>(options: ControllerOptions<Spec, Status>): Promise<number> => {
  const { name, argv, env } = options;
  const refuse = (error: ConfigError): number => {
    process.stderr.write(`${name}: ${error.message}\n`);
    return 2;
  };
  let config: RuntimeConfig | 'help';
  try {
    config = readConfig(name, argv, env);
  } catch (caught) {
    if (!(caught instanceof ConfigError)) throw caught;
    return refuse(caught);
  }
  if (config === 'help') {
    process.stdout.write(usage(name));
    return 0;
  }
  const log = createLogger(name, config.logLevel);
  const stop = new AbortController();
  const abort = new AbortController();
  let stoppingSinceMs = Infinity;
  onSignals((signal) => {
    if (stop.signal.aborted) {
      if (monotonicMs() - stoppingSinceMs >= sameSignalMs) abort.abort(new Error('stopping at once'));
      return;
    }
    stoppingSinceMs = monotonicMs();
    log.info({ event: 'stop', signal }, 'stopping');
    stop.abort(new Error('stopping'));
  });
  try {
    return await compose(options, config, log, stop.signal, abort);
  } catch (caught) {
    if (caught instanceof ConfigError) return refuse(caught);
    log.fatal({ err: caught, reason: 'StartFailed' }, caught instanceof Error ? caught.message : 'cannot start');
    return 1;
  }
};

const compose = async <Spec, Status>(
  options: ControllerOptions<Spec, Status>,
  config: RuntimeConfig,
  log: Logger,
  stop: AbortSignal,
  abort: AbortController,
): Promise<number> => {
  const { name, env } = options;
  // eslint-disable-next-line no-restricted-properties -- this is the composition that every main.ts calls
  const random = (): number => Math.random();
  const identity = `${hostname()}_${randomUUID()}`;
  const tracing = await createTracing(name, env);
  const metrics = createMetrics(name, monotonicMs);
  const inCluster = config.kubeconfig === undefined ? inClusterSource(env) : undefined;
  const connection = openKubeConnection(inCluster ?? (await readKubeconfig(config.kubeconfig)), monotonicMs);
  const requests = {
    connection,
    userAgent: `wasabi-s3-operator/${name}`,
    monotonicMs,
    observe: (exchange: KubeExchange) => metrics.kubeExchanged(exchange),
  };
  /** For what needs no leadership: watches, the lease and Events. */
  const unfenced = createKubeClient(requests);
  const leadership = config.leaderElect
    ? createLeadership({
        kube: unfenced,
        namespace: config.leaderElectionNamespace ?? connection.namespace ?? 'default',
        name: config.leaderElectionId,
        identity,
        log,
        clock,
        monotonicMs,
        random,
      })
    : alone;
  const kube = createKubeClient({
    ...requests,
    traced: (call, run) => tracing.child(`kubernetes ${call}`, {}, run),
    beforeWrite: () => {
      if (!leadership.mayWrite()) throw leadershipLost();
    },
  });
  const events = createEventRecorder({ kube: unfenced, component: name, instance: identity, log, clock, monotonicMs });
  /** Ends the watches; they outlive `stop`, so that the last passes see what happens. */
  const watching = new AbortController();
  const source = { kube: unfenced, log, random };
  const scoped = { ...source, namespaces: config.watchNamespaces };
  const informers = new Map<string, StartedInformer<StoredObject>>();
  let enqueue: ControllerTools['enqueue'] = () => undefined;
  const wakes = createWakes((key) => enqueue(key));

  const tools: ControllerTools = {
    kube,
    config,
    log,
    metrics,
    clock,
    events,
    signal: stop,
    informer: <T extends StoredObject>(resource: Resource, given?: InformerOptions<T>) => {
      const id = `${resource.group}/${resource.plural}`;
      const known = informers.get(id);
      if (known !== undefined && given !== undefined) throw new Error(`the informer of ${id} is made already`);
      const informer = known ?? createInformer<T>(resource, given);
      informers.set(id, informer);
      return informer as unknown as StartedInformer<T>;
    },
    watchOne: (resource, ref, onChange) => watchOne(source, resource, ref, onChange, watching.signal),
    mapEvents: wakes.mapEvents,
    enqueue: (key, afterMs) => enqueue(key, afterMs),
  };

  const controller = await options.build(tools);
  const { resource } = controller;
  const own: Informer<KubeObject<Spec, Status>> = tools.informer(resource);
  const providerOf = (key: ObjectKey): string => {
    const object = own.get(key);
    return (object && controller.reconciler.providerOf(object)) ?? '';
  };
  const workersFor = (provider: string): number =>
    provider !== '' && controller.isUsable?.(provider) === false
      ? Math.min(config.workers, workersWhileUnusable)
      : config.workers;
  const queue = createWorkqueue({
    monotonicMs,
    random,
    observe: metrics.workqueue(resource.kind),
    lanes: { of: providerOf, keysOf: workersFor },
  });
  enqueue = (key, afterMs = 0) => queue.addAfter(key, afterMs);
  const loop = createController({
    ...controller,
    informer: own,
    kube,
    queue,
    mayWrite: () => leadership.mayWrite(),
    log,
    clock,
    monotonicMs,
    random,
    metrics,
    events,
    tracing,
    takeCause: wakes.take,
    workers: config.workers * providersAtOnce,
    resyncIntervalMs: config.resyncIntervalMs,
  });

  const hasSynced = (): boolean => [...informers.values()].every((informer) => informer.hasSynced());
  const closeHealth = await serveHealth({ ...config, registry: metrics.registry, isReady: hasSynced, log });
  const watches = [...informers.values()].map((informer) => {
    const labelSelector = Object.is(informer, own) ? config.watchSelector : undefined;
    return informer.start({ ...scoped, labelSelector }, watching.signal);
  });
  const late = armDeadline(stop, config.shutdownDeadlineMs, abort, log);

  const leading = leadership.run(async (lost, stoodBy) => {
    const ended = AbortSignal.any([stop, lost]);
    if (!(await untilSynced(hasSynced, ended))) return true;
    if (stoodBy && !(await catchUp({ ...scoped, informer: own, labelSelector: config.watchSelector }, ended)))
      return true;
    metrics.leading(true);
    log.info({ event: 'start', startMs: Math.round(monotonicMs()) }, `reconciling ${resource.plural}`);
    const hasEnded = await loop.run(stop, AbortSignal.any([abort.signal, lost]));
    metrics.leading(false);
    return hasEnded;
  }, stop);

  const ending = leading.then(async () => {
    queue.close();
    watching.abort();
    await Promise.all([...watches, events.flush(flushMs), within(flushMs, tracing.flush())]);
  });
  const hasEnded = await Promise.race([ending.then(() => true), late.over]);
  closeHealth();
  connection.close();
  late.disarm();
  if (hasEnded) log.info({ event: 'stopped' }, 'stopped');
  else log.warn({ event: 'stopped', reason: 'DeadlineExceeded' }, 'stopped before all had ended');
  return hasEnded && !abort.signal.aborted ? 0 : 1;
};

/** @throws ConfigError when there is no kubeconfig, or none that names a cluster */
const readKubeconfig = async (path: string | undefined): Promise<CredentialSource> => {
  try {
    return await loadKubeconfig(path);
  } catch (caught) {
    throw new ConfigError(`kubeconfig: ${caught instanceof Error ? caught.message : String(caught)}`);
  }
};

/** Leadership without an election. */
const alone: Leadership = {
  mayWrite: () => true,
  async run(lead, signal) {
    while (!signal.aborted) await lead(new AbortController().signal, false);
  },
};

/** For as long as the process lives: one that comes while it ends must not change how it does. */
const onSignals = (then: (signal: NodeJS.Signals) => void): void => {
  process.on('SIGTERM', then);
  process.on('SIGINT', then);
};

/** Once `stop` aborts, aborts the passes that go on for too long; `over` comes with the deadline, for all that is left then. */
const armDeadline = (
  stop: AbortSignal,
  deadlineMs: number,
  abort: AbortController,
  log: Logger,
): { readonly over: Promise<false>; disarm(): void } => {
  const { promise: over, resolve } = Promise.withResolvers<false>();
  const timers: NodeJS.Timeout[] = [];
  const abortPasses = (): void => {
    log.warn({ event: 'stop', reason: 'DeadlineExceeded' }, 'passes are still running; aborting them');
    abort.abort(new Error('the deadline for stopping is over'));
  };
  const arm = (): void => {
    timers.push(
      setTimeout(abortPasses, Math.max(deadlineMs - abortReserveMs, deadlineMs / 2)),
      setTimeout(resolve, deadlineMs, false),
    );
  };
  if (stop.aborted) arm();
  else stop.addEventListener('abort', arm, { once: true });
  return {
    over,
    disarm: () => {
      timers.forEach(clearTimeout);
    },
  };
};

/** False when `signal` aborted before. */
const untilSynced = async (hasSynced: () => boolean, signal: AbortSignal): Promise<boolean> => {
  while (!hasSynced()) {
    if (signal.aborted) return false;
    await sleep(10, undefined, { signal }).catch(() => undefined);
  }
  return !signal.aborted;
};

/** An informer of one object; `onChange` gets undefined once it is known to be absent. */
const watchOne = (
  source: Omit<InformerSource, 'namespaces'>,
  resource: Resource,
  { namespace, name }: ObjectRef,
  onChange: (object: StoredObject | undefined) => void,
  ended: AbortSignal,
): (() => void) => {
  const stopped = new AbortController();
  const informer = createInformer<StoredObject>(resource, {
    fieldSelector: `metadata.name=${name}`,
    trim: ({ metadata }) => ({ metadata }),
  });
  informer.on({ onAdd: onChange, onUpdate: onChange, onDelete: () => onChange(undefined) });
  informer.onSynced(() => {
    if (informer.list()[Symbol.iterator]().next().done === true) onChange(undefined);
  });
  const signal = AbortSignal.any([ended, stopped.signal]);
  void informer.start({ ...source, namespaces: namespace === undefined ? [] : [namespace] }, signal);
  return () => stopped.abort();
};
