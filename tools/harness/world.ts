import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { installCrds, s3Starters, startControlPlane, type ControlPlane, type S3Server } from '../local/index.ts';
import type { ControllerName } from '../controllers.ts';
import { startController, type Controller, type ControllerOptions } from './controller.ts';
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts';
import { allKinds, Kube, KubeApiError, type Manifest } from './kube.ts';
import { searchLogs } from './search-logs.ts';
import { SecretsMade, type Leak } from './secrets-made.ts';
import { Traffic } from './traffic.ts';
import { until } from './until.ts';

export type ServerName = S3Server['name'];

export interface WorldOptions {
  /** Folder of the bundles, see `bundleControllers`. */
  readonly bundles: string;
  /** The world's own folder is made in here. */
  readonly folder: string;
  /**
   * Without proxies (default: with) controllers and Providers reach the servers directly, calls are not noted, secrets of
   * controllers not learnt, and nothing is traced: what is between costs CPU time that a measurement would see.
   */
  readonly proxies?: boolean;
  /** False: nothing is traced, with proxies either. All that is traced is kept in memory. */
  readonly traces?: boolean;
  /** Added to the API server's own flags. */
  readonly apiServerArgs?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface ProviderOptions {
  readonly server: ServerName;
  /** Where the Provider points; the server's own counting proxy, or the server in a world without, when absent. */
  readonly endpoint?: string;
  /** Over the rest of the spec. */
  readonly spec?: Manifest;
}

/** A control plane, S3 servers and controllers, with proxies between them where they are wanted. */
export interface World {
  readonly dir: string;
  readonly controlPlane: ControlPlane;
  readonly kube: Kube;
  readonly traffic: Traffic;
  readonly secrets: SecretsMade;
  /** Characters of OpenTelemetry data that the controllers have sent. */
  tracedCharacters(): number;
  server(name: ServerName): S3Server;
  /** Ends a server; what it holds stays, and its port is kept for it. */
  stopServer(name: ServerName): Promise<void>;
  /** Brings it back with what it held (moto holds nothing); resolves when it is ready. */
  startServer(name: ServerName): Promise<void>;
  /** A further counting proxy before a server, of this name. */
  proxyTo(server: ServerName, name: string): Promise<CountingProxy>;
  createNamespace(name: string): Promise<void>;
  /** Creates the Secret `<name>-root` and the Provider; does not wait. */
  createProvider(namespace: string, name: string, options: ProviderOptions): Promise<void>;
  startController(name: ControllerName, options?: ControllerOptions): Promise<Controller>;
  /** Searches everything that the run put out so far for every secret value made in it. */
  findLeaks(): Promise<readonly Leak[]>;
  /** Ends everything. @throws Error with the end of its log for each controller that had ended although nobody asked it to */
  stop(): Promise<void>;
}

/** `name`: what its folder begins with, of which the logs stay when it is stopped. */
export async function startWorld(
  name: string,
  serverNames: readonly ServerName[],
  options: WorldOptions,
): Promise<World> {
  const { bundles, proxies = true, traces: isTraced = true, apiServerArgs = [] } = options;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const dir = mkdtempSync(join(options.folder, `${name}-`));
  const logs = join(dir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });

  const closers: (() => Promise<unknown> | undefined)[] = [];
  const controllers: Controller[] = [];
  const stop = async () => {
    const ownEnds = controllers.splice(0).flatMap((controller) => controller.ownEnd() ?? []);
    for (const close of closers.splice(0).reverse()) await close();
    for (const entry of readdirSync(dir))
      if (entry !== 'logs') rmSync(join(dir, entry), { recursive: true, force: true });
    if (ownEnds.length > 0) throw new Error(ownEnds.join('\n'));
  };
  try {
    const servers = new Map<ServerName, S3Server>();
    closers.push(...serverNames.map((server) => () => servers.get(server)?.stop()));
    const [controlPlane, ...started] = await allOrStop(
      startControlPlane({ dir: join(dir, 'control-plane'), apiServerArgs, ...signal }),
      ...serverNames.map((server) => s3Starters[server]({ dir: join(dir, server), ...signal })),
    );
    closers.push(() => controlPlane.stop());
    for (const server of started) servers.set(server.name, server);

    const secrets = new SecretsMade();
    secrets.add('the administrator token of the API server', controlPlane.adminToken);
    for (const server of started) secrets.add(`the root secret key of ${server.name}`, server.secretKey);
    const onSecretText = (text: string) => secrets.addFrom(text);

    const traces: string[] = [];
    const traceReceiver = await receiveTraces(traces);
    closers.push(traceReceiver.close);
    const traffic = new Traffic();
    const kube = new Kube(controlPlane, onSecretText);
    closers.push(() => kube.close());

    const serverNamed = (server: ServerName): S3Server => {
      const found = servers.get(server);
      if (found === undefined) throw new Error(`this world has no ${server}`);
      return found;
    };
    const proxyTo = async (server: ServerName, as: string) => {
      const upstream = serverNamed(server).endpoint;
      const proxy = await startCountingProxy({ name: as, side: 's3', upstream, traffic, onSecretText });
      closers.push(() => proxy.close());
      return proxy;
    };
    const ownProxies = new Map<ServerName, string>();
    if (proxies) for (const server of serverNames) ownProxies.set(server, (await proxyTo(server, server)).url);

    await installCrds(controlPlane.kubectl);
    // For about a second after its CRD a kind answers 429.
    for (const kind of allKinds)
      await until(
        () => kube.list(kind),
        () => true,
        { what: `${kind} can be listed` },
      );

    const lastMetrics: (readonly [controller: string, text: string])[] = [];
    const findLeaks = async (): Promise<readonly Leak[]> => {
      const leaks = [...secrets.search('traces', traces.join('\n'))];
      leaks.push(...(await searchLogs(secrets, dir)));
      for (const kind of allKinds) {
        if (kind !== 'Secret') leaks.push(...secrets.search(`${kind} objects`, await kube.dump(kind)));
      }
      for (const [where, text] of lastMetrics) leaks.push(...secrets.search(`last metrics of ${where}`, text));
      for (const controller of controllers) {
        const metrics = await controller.metrics().catch(() => ''); // one that does not run has none
        leaks.push(...secrets.search(`metrics of ${controller.proxy}`, metrics));
        const commandLine = await readFile(`/proc/${controller.pid}/cmdline`, 'utf8').catch(() => '');
        leaks.push(...secrets.search(`command line of ${controller.proxy}`, commandLine));
      }
      return leaks;
    };

    return {
      dir,
      controlPlane,
      kube,
      traffic,
      secrets,
      tracedCharacters: () => traces.reduce((sum, { length }) => sum + length, 0),
      server: serverNamed,
      stopServer: (server) => serverNamed(server).stop(),
      async startServer(server) {
        const { endpoint, accessKey, secretKey } = serverNamed(server);
        const port = Number(new URL(endpoint).port);
        const again = { dir: join(dir, server), port, credentials: { accessKey, secretKey }, ...signal };
        servers.set(server, await s3Starters[server](again));
      },
      proxyTo,
      async createNamespace(namespace) {
        await kube.create('Namespace', undefined, namespace, {});
      },
      async createProvider(namespace, provider, options) {
        const {
          accessKey,
          secretKey,
          region,
          endpoint: direct,
          iamEndpoint,
          adminEndpoint,
        } = serverNamed(options.server);
        const endpoint = options.endpoint ?? ownProxies.get(options.server) ?? direct;
        await kube.create('Secret', namespace, `${provider}-root`, {
          stringData: { 'access-key': accessKey, 'secret-key': secretKey },
        });
        const secret = { name: `${provider}-root` };
        await kube.create('Provider', namespace, provider, {
          spec: {
            type: options.server === 'moto' ? 'aws' : options.server === 'minio' ? 'minio' : 'custom',
            endpoint,
            region,
            ...(iamEndpoint === undefined ? {} : { iamEndpoint: endpoint }),
            ...(adminEndpoint === undefined ? {} : { adminEndpoint: endpoint }),
            auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
            // A check of its own accord would disturb what is counted.
            checkIntervalSeconds: 86_400,
            ...options.spec,
          },
        });
      },
      async startController(controller, options) {
        const onLastMetrics = (text: string) => void lastMetrics.push([options?.as ?? controller, text]);
        const between = {
          traffic,
          onSecretText,
          onLastMetrics,
          ...(isTraced ? { tracesUrl: traceReceiver.url } : {}),
        };
        const place = { dir, bundles, controlPlane, ...(proxies ? { between } : {}) };
        const running = await startController(controller, place, options);
        controllers.push(running);
        closers.push(() => running.close());
        return running;
      },
      findLeaks,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Stoppable {
  stop(): Promise<void>;
}

/** Waits for all; when one fails, those that did start are stopped before its error is thrown. */
const allOrStop = async <First extends Stoppable, Rest extends Stoppable>(
  first: Promise<First>,
  ...rest: readonly Promise<Rest>[]
): Promise<[First, ...Rest[]]> => {
  const ends = await Promise.allSettled([first, ...rest]);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) {
    for (const end of ends) if (end.status === 'fulfilled') await end.value.stop();
    throw failed.reason;
  }
  return Promise.all([first, ...rest]);
};

/** True when the API server refused for this status. */
export const isRefusedWith = (error: unknown, status: number): boolean =>
  error instanceof KubeApiError && error.status === status;

/** Takes what OpenTelemetry sends and keeps it as text. */
async function receiveTraces(into: string[]): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((incoming, response) => {
    buffer(incoming).then(
      (body) => {
        into.push(body.toString('latin1'));
        response.end('{}');
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
