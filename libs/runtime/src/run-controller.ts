import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isAbsence, serverAttributes } from './call-attributes.ts';
import { catchUp } from './catch-up.ts';
import { createLiveList } from './live-list.ts';
import { ConfigError, type RuntimeConfig, reachOf, readConfig, usage } from './config.ts';
import type { Controller } from './controller-deps.ts';
import { type RunningController, createController } from './controller.ts';
import { type ControllerTools, type Watches, createWatches } from './controller-tools.ts';
import { type RunningEventRecorder, createEventRecorder } from './events.ts';
import { serveHealth } from './health.ts';
import type { Informer } from './informer.ts';
import { inClusterSource } from './in-cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { type CredentialSource, loadKubeconfig } from './credential-source.ts';
import { type KubeConnection, openKubeConnection } from './kube-connection.ts';
import { type KubeExchange, type KubeRequestsOptions, createKubeClient } from './kube-requests.ts';
import { type Leadership, createLeadership } from './leader-election.ts';
import { createLeaseLock } from './lease-lock.ts';
import { leadershipLost } from './leadership-lost.ts';
import { createLogger } from './logging.ts';
import { type RuntimeMetrics, createMetrics } from './metrics.ts';
import type { KubeObject, ObjectKey, StoredObject } from './resource.ts';
import { type Outage, createOutage } from './outage.ts';
import { type Stopping, endInTime, stopOnSignals } from './stopping.ts';
import { systemClock as clock } from './system-clock.ts';
import { type Tracing, createTracing } from './tracing.ts';
import { versionLine, versionOf } from './version.ts';
import { createWakes } from './wakes.ts';
import { within } from './within.ts';
import { type Workqueue, createWorkqueue } from './workqueue.ts';

export interface ControllerOptions<Spec, Status> {
  /** Such as `bucket-controller`: the lease's name, the logs' `controller`, the Events' source. */
  readonly name: string;
  /** Of the app's package.json. */
  readonly version: string;
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  build(tools: ControllerTools): Controller<Spec, Status> | Promise<Controller<Spec, Status>>;
}

/** At the end, for Events and for traces. */
const flushMs = 2_000;
/** So many slow Providers leave the others their workers. */
const providersAtOnce = 4;
/**
 * Passes at once for a Provider that is not usable, and how many times as long as one took its worker rests: most can only tell so, and
 * thousands of them must not keep the API server from who can do more.
 */
const workersWhileUnusable = 2;
const restWhileUnusable = 3;
const monotonicMs = (): number => performance.now();
// eslint-disable-next-line no-restricted-properties -- this is the composition that every main.ts calls
const random = (): number => Math.random();
const identity = `${hostname()}_${randomUUID()}`;

/**
 * Runs one controller until SIGTERM or SIGINT and returns the exit status: 0 after a graceful stop, 1 after a failure, 2 for
 * a wrong configuration. A second signal, a second later at least, or passes that outlast the deadline, end it with 1; with the deadline it is over.
 */
export const runController = async <Spec, Status>(options: ControllerOptions<Spec, Status>): Promise<number> => {
  const { name, argv, env } = options;
  const version = versionOf(options.version);
  const refuse = (error: ConfigError): number => {
    process.stderr.write(`${name}: ${error.message}\n`);
    return 2;
  };
  let config: RuntimeConfig | 'help' | 'version';
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
  if (config === 'version') {
    process.stdout.write(versionLine(name, version));
    return 0;
  }
  const log = createLogger(name, config.logLevel);
  log.info({ event: 'version', ...version }, `${name} ${version.version} starts`);
  const stopping = stopOnSignals(log, monotonicMs);
  try {
    return await compose(options, config, log, stopping);
  } catch (caught) {
    if (caught instanceof ConfigError) return refuse(caught);
    log.fatal(
      { event: 'start', err: caught, reason: 'StartFailed' },
      caught instanceof Error ? caught.message : 'cannot start',
    );
    return 1;
  }
};

/** What this process talks to the API server with, and whether it leads. */
interface Uplink {
  readonly connection: KubeConnection;
  /** For what needs no leadership: watches, the lease and Events. */
  readonly unfenced: KubeClient;
  /** Its writes throw where this process must not write. */
  readonly kube: KubeClient;
  readonly leadership: Leadership;
  readonly outage: Outage;
}

/** The way to the API server: as the kubeconfig says, else as the pod does. @throws ConfigError */
const openConnection = async (
  env: ControllerOptions<unknown, unknown>['env'],
  { kubeconfig }: RuntimeConfig,
): Promise<KubeConnection> => {
  const inCluster = kubeconfig === undefined ? inClusterSource(env) : undefined;
  return openKubeConnection(inCluster ?? (await readKubeconfig(kubeconfig)), monotonicMs);
};

const connect = (
  name: string,
  config: RuntimeConfig,
  connection: KubeConnection,
  { log, metrics, tracing }: { readonly log: Logger; readonly metrics: RuntimeMetrics; readonly tracing: Tracing },
): Uplink => {
  const outage = createOutage(log, monotonicMs);
  const observe = (exchange: KubeExchange) => metrics.kubeExchanged(exchange);
  const requests = { connection, userAgent: `wasabi-s3-operator/${name}`, monotonicMs, observe };
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
    observe: (exchange) => {
      observe(exchange);
      outage.answered(exchange.code);
    },
    traced: tracedBy(tracing),
    beforeWrite: () => {
      if (!leadership.mayWrite()) throw leadershipLost();
    },
  });
  return { connection, unfenced, kube, leadership, outage };
};

/** Puts calls to the API server into spans of their own. Source: OpenTelemetry, Semantic conventions for HTTP client spans. */
const tracedBy =
  (tracing: Tracing): NonNullable<KubeRequestsOptions['traced']> =>
  ({ verb, method, resource }, run) =>
    tracing.call(`kubernetes ${verb} ${resource}`, { 'http.request.method': method }, (span) => {
      if (method !== 'GET') span.keep();
      return run((server, status) => {
        span.set({ ...serverAttributes(server), 'http.response.status_code': status });
        if (isAbsence(status, { looks: method === 'GET', removes: method === 'DELETE' })) span.forgive();
      });
    });

/** The queue of a controller's keys: namespaces take turns, and have a lane for each Provider. */
const queueFor = <Spec, Status>(
  controller: Controller<Spec, Status>,
  own: Informer<KubeObject<Spec, Status>>,
  workers: number,
  metrics: RuntimeMetrics,
): Workqueue => {
  const providerOf = (key: ObjectKey): string => {
    const object = own.get(key);
    return (object && controller.reconciler.providerOf(object)) ?? '';
  };
  const isUnusable = (provider: string): boolean => provider !== '' && controller.isUsable?.(provider) === false;
  const workersFor = (provider: string): number =>
    isUnusable(provider) ? Math.min(workers, workersWhileUnusable) : workers;
  const restOf = (provider: string): number => (isUnusable(provider) ? restWhileUnusable : 0);
  return createWorkqueue({
    monotonicMs,
    random,
    observe: metrics.workqueue(controller.resource.kind),
    lanes: { of: providerOf, keysOf: workersFor, restOf },
    workers: workers * providersAtOnce,
  });
};

/** What one process is made of, before anything runs. */
interface Parts extends Uplink {
  readonly config: RuntimeConfig;
  readonly log: Logger;
  readonly metrics: RuntimeMetrics;
  readonly tracing: Tracing;
  readonly events: RunningEventRecorder;
  readonly watches: Watches;
}

/** Builds the app's controller, and the queue and the workers around it. */
const assemble = async <Spec, Status>(
  { build }: Pick<ControllerOptions<Spec, Status>, 'build'>,
  parts: Parts,
  signal: AbortSignal,
) => {
  const { config, log, metrics, tracing, events, watches, kube, unfenced, leadership, outage, connection } = parts;
  const operatorNamespace = config.operatorNamespace ?? connection.namespace ?? 'default';
  const { informer: informerOf, watchOne, watchAll } = watches;
  let enqueue: ControllerTools['enqueue'] = () => undefined;
  const wakes = createWakes((key) => enqueue(key));
  const shared = { kube, log, metrics, clock, events };
  const controller = await build({
    ...shared,
    config,
    listLive: createLiveList(kube, reachOf(config)),
    operatorNamespace,
    lock: createLeaseLock({ kube: unfenced, namespace: operatorNamespace, identity, log, clock, monotonicMs, random }),
    signal,
    informer: informerOf,
    watchOne,
    watchAll,
    mapEvents: wakes.mapEvents,
    enqueue: (key, afterMs) => enqueue(key, afterMs),
  });
  const informer: Informer<KubeObject<Spec, Status>> = informerOf(controller.resource);
  const queue = queueFor(controller, informer, config.workers, metrics);
  const loop = createController({
    ...controller,
    ...shared,
    metrics,
    informer,
    queue,
    tracing,
    outage,
    monotonicMs,
    random,
    mayWrite: () => leadership.mayWrite(),
    takeCause: wakes.take,
    workers: config.workers * providersAtOnce,
    resyncIntervalMs: config.resyncIntervalMs,
    maxResyncIntervalMs: config.maxResyncIntervalMs,
  });
  enqueue = loop.wake;
  return { informer, queue, loop, plural: controller.resource.plural };
};

/** Campaigns and works, term after term, until the process stops. */
const lead = <T extends StoredObject>(
  { leadership, watches, unfenced, config, log, metrics }: Parts,
  {
    loop,
    informer,
    plural,
  }: { readonly loop: RunningController; readonly informer: Informer<T>; readonly plural: string },
  { stop, abort }: Stopping,
): Promise<void> =>
  leadership.run(async (lost, stoodBy) => {
    const ended = AbortSignal.any([stop, lost]);
    if (!(await untilSynced(watches.hasSynced, ended))) return true;
    const former = { kube: unfenced, log, random, namespaces: config.watchNamespaces, informer };
    if (stoodBy && !(await catchUp({ ...former, labelSelector: config.watchSelector }, ended))) return true;
    metrics.leading(true);
    log.info({ event: 'start', startMs: Math.round(monotonicMs()) }, `reconciling ${plural}`);
    const hasEnded = await loop.run(stop, AbortSignal.any([abort.signal, lost]));
    metrics.leading(false);
    return hasEnded;
  }, stop);

const compose = async <Spec, Status>(
  options: ControllerOptions<Spec, Status>,
  config: RuntimeConfig,
  log: Logger,
  stopping: Stopping,
): Promise<number> => {
  const { name, env } = options;
  const version = versionOf(options.version);
  const connection = await openConnection(env, config);
  const namespace = config.operatorNamespace ?? connection.namespace;
  const service = { name, version: version.version, instance: identity, namespace };
  const quietRatio = config.traceQuietRatio;
  const tracing = await createTracing(
    { service, quietRatio, random, monotonicMs, now: () => clock.now().getTime() },
    env,
  );
  const metrics = createMetrics(name, { lease: config.leaderElectionId, monotonicMs });
  metrics.tellVersion(version);
  const uplink = connect(name, config, connection, { log, metrics, tracing });
  const { unfenced: kube } = uplink;
  const events = createEventRecorder({ kube, component: name, instance: identity, log, clock, monotonicMs });
  const watches = createWatches({ kube, log, random, namespaces: config.watchNamespaces, reach: reachOf(config) });
  const parts: Parts = { ...uplink, config, log, metrics, tracing, events, watches };
  const assembled = await assemble(options, parts, stopping.stop);
  const isReady = watches.hasSynced;
  const closeHealth = await serveHealth({ ...config, registry: metrics.registry, isReady, log });
  const watching = watches.start(assembled.informer, config.watchSelector);
  const work = lead(parts, assembled, stopping);
  const flush = () => {
    assembled.queue.close();
    watches.end();
    return Promise.all([watching, events.flush(flushMs), within(flushMs, tracing.flush())]);
  };
  const close = () => {
    closeHealth();
    uplink.connection.close();
  };
  const hasEnded = await endInTime(stopping, { work, flush, close, deadlineMs: config.shutdownDeadlineMs }, log);
  return hasEnded ? 0 : 1;
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

/** False when `signal` aborted before. */
const untilSynced = async (hasSynced: () => boolean, signal: AbortSignal): Promise<boolean> => {
  while (!hasSynced()) {
    if (signal.aborted) return false;
    await sleep(10, undefined, { signal }).catch(() => undefined);
  }
  return !signal.aborted;
};
