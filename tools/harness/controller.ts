import { createReadStream, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { nodeEnvironment, nodeFlags } from '../bundle.ts';
import type { ControllerName } from '../controllers.ts';
import { logTail, startChild, waitUntilReady, type Child } from '../local/index.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { Kind } from './kube.ts';
import { portIn } from './listening.ts';
import { sumOfMetric } from './metrics.ts';
import { asPod } from './pod.ts';
import { cpuSecondsOf, memoryOf } from './proc.ts';
import type { Traffic } from './traffic.ts';
import { until } from './until.ts';

export interface ControllerOptions {
  /** Distinguishes two of the same kind: the name of its proxy and its log. The controller's own when absent. */
  readonly as?: string;
  /** Watch scope; all namespaces when absent. */
  readonly namespaces?: readonly string[];
  readonly flags?: readonly string[];
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node itself, `--cpu-prof` for instance. */
  readonly nodeFlags?: readonly string[];
  /** Path of the kubeconfig; the administrator's when absent. Not with proxies. */
  readonly kubeconfig?: string;
  /** What its proxy leads to in place of the API server: a watch proxy. Only with proxies. */
  readonly upstream?: string;
  /** With a service account, as in a pod, and no kubeconfig; not with proxies. Only where `canBePod`. */
  readonly asPod?: boolean;
}

/** One controller as a process of its own; in a world with proxies, behind a proxy of its own to the API server. */
export interface Controller {
  readonly name: ControllerName;
  /** `Call.proxy` of its calls to the API server; without proxies only its name. */
  readonly proxy: string;
  readonly pid: number;
  /** Milliseconds since the epoch when the process was last started. */
  readonly startedAt: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<string>;
  /** Starts the process again, with the same flags; resolves when it listens. @throws StartFailed when it ends before */
  start(): Promise<void>;
  /** How it ended although nobody asked it to, with the end of its log; undefined while that has not happened. */
  ownEnd(): string | undefined;
  /** Everything it ever wrote, over all its starts. */
  output(): Promise<string>;
  /** `host:port` of /metrics, of the last start. */
  readonly metricsAddress: string;
  /** The text of /metrics. */
  metrics(): Promise<string>;
  /** Passes that ended, by the metric: of this kind since the last start. */
  passes(kind: Kind): Promise<number>;
  /** Resident memory in MiB. */
  residentMebibytes(): Promise<number>;
  /** The most it had resident since its last start, in MiB. */
  peakMebibytes(): Promise<number>;
  /** CPU time in seconds since its last start, user and system, of all its threads. */
  cpuSeconds(): Promise<number>;
  /** Ends the process and its proxy. */
  close(): Promise<void>;
}

export interface ControllerPlace {
  readonly dir: string;
  /** Folder of the bundles: `<name>-controller/main.js` below it is run. */
  readonly bundles: string;
  readonly controlPlane: {
    readonly url: string;
    readonly ca: string;
    readonly caPath: string;
    readonly adminToken: string;
    readonly kubeconfigPath: string;
  };
  /** What is between; when absent the controller reaches the API server directly and traces nothing. */
  readonly between?: {
    readonly traffic: Traffic;
    /** Where OpenTelemetry data goes; nothing is traced when absent. */
    readonly tracesUrl?: string;
    readonly onSecretText: (text: string) => void;
    /** Gets the text of /metrics before the process is asked to end; not before it is killed. */
    readonly onLastMetrics?: (text: string) => void;
  };
}

const longestAnswerMs = 20_000;

/** @throws StartFailed when it ends before it listens */
export async function startController(
  name: ControllerName,
  place: ControllerPlace,
  options: ControllerOptions = {},
): Promise<Controller> {
  const as = options.as ?? name;
  const { dir, controlPlane, between } = place;
  const proxy =
    between &&
    (await startCountingProxy({
      name: as,
      side: 'kube',
      upstream: options.upstream ?? controlPlane.url,
      ca: controlPlane.ca,
      traffic: between.traffic,
      onSecretText: between.onSecretText,
    }));
  let kubeconfig = options.kubeconfig ?? controlPlane.kubeconfigPath;
  if (proxy !== undefined) {
    kubeconfig = join(dir, `${as}.kubeconfig`);
    writeFileSync(kubeconfig, kubeconfigOf(proxy.url, controlPlane.adminToken), { mode: 0o600 });
  }
  const tokenPath = join(dir, `${as}.token`);
  if (options.asPod === true) writeFileSync(tokenPath, controlPlane.adminToken, { mode: 0o600 });
  const logPath = join(dir, 'logs', `${as}.log`);

  let child: Child;
  let startedAt = 0;
  let metricsPort: number | undefined;
  let ownEnd: string | undefined;
  let isAskedToEnd = false;
  const start = async () => {
    const logged = await stat(logPath).then(
      ({ size }) => size,
      () => 0, // no start before this one
    );
    const args = [
      ...nodeFlags,
      ...(options.nodeFlags ?? []),
      join(place.bundles, `${name}-controller/main.js`),
      ...(options.asPod === true ? [] : [`--kubeconfig=${kubeconfig}`]),
      // Ports that the system gives at the very moment: nobody can be faster, and after a kill none is waited for.
      '--metrics-address=127.0.0.1:0',
      '--health-address=127.0.0.1:0',
      ...(options.namespaces === undefined ? [] : [`--watch-namespaces=${options.namespaces.join(',')}`]),
      ...(options.flags ?? []),
    ];
    const { hostname, port } = new URL(controlPlane.url);
    startedAt = Date.now();
    isAskedToEnd = false;
    metricsPort = undefined;
    const started = await startChild({
      name: as,
      ...(options.asPod === true
        ? asPod(process.execPath, args, { tokenPath, caPath: controlPlane.caPath })
        : { command: process.execPath, args }),
      // What a test runner sets is not what a container has.
      env: {
        ...Object.fromEntries(Object.keys(process.env).map((key) => [key, undefined])),
        PATH: process.env.PATH,
        ...nodeEnvironment,
        ...(options.asPod === true && { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }),
        ...(between?.tracesUrl !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: between.tracesUrl }),
        ...options.env,
      },
      logPath,
      lifetime: 'parent',
    });
    child = started;
    const listens = async () => {
      metricsPort = portIn(await textOf(createReadStream(logPath, { start: logged })), '/metrics');
      return metricsPort !== undefined;
    };
    await waitUntilReady(started, listens, { everyMs: 10 }).catch(async (error: unknown) => {
      await started.stop();
      if (!isAskedToEnd) throw error; // else it was killed meanwhile
    });
    void started.exited.then((how) => {
      if (!isAskedToEnd && child === started) ownEnd = `${as} ${how}; the end of ${logPath}:\n${logTail(logPath)}`;
    });
  };
  try {
    await start();
  } catch (error) {
    await proxy?.close();
    throw error;
  }

  const metricsAddress = (): string => {
    if (metricsPort === undefined) throw new Error(`${as} does not listen`);
    return `127.0.0.1:${metricsPort}`;
  };
  // One that does not answer hangs: that is to be seen, not to be waited for.
  const fetchText = async (path: string) => {
    const signal = AbortSignal.timeout(longestAnswerMs);
    return (await fetch(`http://${metricsAddress()}${path}`, { signal })).text();
  };
  const keepMetrics = async () => {
    if (between?.onLastMetrics === undefined || child.ended() !== undefined) return;
    between.onLastMetrics(await fetchText('/metrics').catch(() => '')); // one that hangs or ends has none
  };
  return {
    name,
    proxy: as,
    get pid() {
      return child.pid;
    },
    get startedAt() {
      return startedAt;
    },
    async kill() {
      isAskedToEnd = true;
      if (child.ended() === undefined) process.kill(child.pid, 'SIGKILL');
      await child.exited;
    },
    async stop() {
      await keepMetrics();
      isAskedToEnd = true;
      await child.stop(15_000);
      return child.exited;
    },
    start,
    ownEnd: () => ownEnd,
    output: () => readFile(logPath, 'utf8'),
    get metricsAddress() {
      return metricsAddress();
    },
    metrics: () => fetchText('/metrics'),
    async passes(kind) {
      return sumOfMetric(await fetchText('/metrics'), 'wasabi_s3_operator_reconcile_total', { kind });
    },
    residentMebibytes: async () => (await memoryOf(child.pid)).resident,
    peakMebibytes: async () => (await memoryOf(child.pid)).peak,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    async close() {
      await keepMetrics();
      isAskedToEnd = true;
      await child.stop();
      await proxy?.close();
    },
  };
}

/** Waits until the controller has ended this many passes over objects of the kind since its last start. */
export const untilPasses = (
  controller: Controller,
  kind: Kind,
  passes: number,
  timeoutMs = 30_000,
  everyMs = 25,
): Promise<number> =>
  until(
    () => controller.passes(kind),
    (seen) => seen >= passes,
    { what: `${controller.proxy} has made ${passes} passes`, timeoutMs, everyMs },
  );

const kubeconfigOf = (server: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // The client refuses plain HTTP without this.
    clusters: [{ name: 'counted', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'counted', context: { cluster: 'counted', user: 'admin' } }],
    'current-context': 'counted',
  });
