import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { retryPortRaces, startChild, waitUntilReady, type Child, type Lifetime } from './child.ts';
import { kubectlFor, type Kubectl } from './kubectl.ts';
import { freePort, freePorts } from './ports.ts';
import { obtainServers } from './servers/obtain.ts';

/** What its processes are called, in the order of their start. */
export const controlPlaneProcesses = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** Where Services have their addresses. */
export const serviceNetwork = '10.0.0.0/24';

export interface ControlPlaneUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface ControlPlaneOptions {
  /** Everything lies below: data, certificates, logs, kubeconfigs. Made when absent; not removed by `stop`. */
  readonly dir: string;
  /** Further users beside the administrator. The API server reads them once, at its start. */
  readonly users?: readonly ControlPlaneUser[];
  /** Added to the API server's own flags; a later flag wins. */
  readonly apiServerArgs?: readonly string[];
  /** Garbage collection, namespaces' end and service accounts need it. Default true. */
  readonly controllerManager?: boolean;
  /** Pods get a node by it. Default false. */
  readonly scheduler?: boolean;
  /** Default `parent`. */
  readonly lifetime?: Lifetime;
  /** Called as each server starts, before it is ready. */
  readonly onStart?: (server: Pick<Child, 'name' | 'pid' | 'logPath'>) => void;
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ControlPlane {
  /** https://127.0.0.1:PORT */
  readonly url: string;
  /** http://127.0.0.1:PORT, where the API server keeps everything. */
  readonly etcdUrl: string;
  readonly adminToken: string;
  /** PEM; what a client must trust. */
  readonly ca: string;
  readonly caPath: string;
  /** The administrator's (group system:masters). */
  readonly kubeconfigPath: string;
  readonly kubectlPath: string;
  /** Bearer token of the administrator (`admin`) or of a user given at the start. @throws Error for any other */
  tokenFor(user: string): string;
  /** Writes a kubeconfig with this token (or a user's, by name) and returns its path. */
  kubeconfigFor(user: string, token?: string): string;
  /** A token as a pod of this service account would have; the account must exist. Lives one hour. */
  serviceAccountToken(namespace: string, name: string): Promise<string>;
  /** Runs kubectl as the administrator; returns its output. @throws Error with kubectl's words */
  readonly kubectl: Kubectl;
  /** SIGTERM, or SIGKILL at once with `kill`. Its port stays ours. */
  stopApiServer(options?: { readonly kill?: boolean }): Promise<void>;
  /** On the same port, with the same data. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  restartApiServer(options?: { readonly kill?: boolean }): Promise<void>;
  /** The pids that run now, by server name. */
  pids(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/**
 * A real etcd, kube-apiserver (Node and RBAC authorization) and kube-controller-manager on 127.0.0.1.
 * @throws Error when a server cannot be had or does not start; the signal's reason when aborted. Nothing is left running then.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { signal, log = () => undefined, lifetime = 'parent', controllerManager = true, scheduler = false } = options;
  const binaries = await obtainServers(
    [
      ...(['etcd', 'kube-apiserver', 'kubectl'] as const),
      ...(controllerManager ? (['kube-controller-manager'] as const) : []),
      ...(scheduler ? (['kube-scheduler'] as const) : []),
    ],
    { log, ...(signal ? { signal } : {}) },
  );
  const { dir } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(dir, name);
  const running = new Map<string, Child>();
  const stopAll = async () => {
    // Clients before servers: nobody then waits for an answer that cannot come.
    for (const name of ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'])
      await running.get(name)?.stop();
    await agent?.close();
  };
  let agent: Agent | undefined;

  const start = async (name: string, command: string, args: readonly string[]) => {
    const child = await startChild({ name, command, args, logPath: path(`${name}.log`), lifetime });
    running.set(name, child);
    options.onStart?.(child);
    return child;
  };

  const tokens = new Map<string, string>();
  const users: ControlPlaneUser[] = [
    { name: 'admin', groups: ['system:masters'] },
    { name: 'system:kube-controller-manager' },
    { name: 'system:kube-scheduler' },
    ...(options.users ?? []),
  ];
  for (const user of users) tokens.set(user.name, randomBytes(24).toString('base64url'));
  const tokenFor = (user: string) => {
    const token = tokens.get(user);
    if (token === undefined) throw new Error(`the control plane was started without a user ${user}`);
    return token;
  };
  // Source: kubernetes.io, "Static token file": token,user,uid,"group1,group2".
  const tokenLines = users.map(({ name, groups = [] }) => `${tokenFor(name)},${name},${name},"${groups.join(',')}"`);
  writeFileSync(path('tokens.csv'), `${tokenLines.join('\n')}\n`, { mode: 0o600 });
  const serviceAccountKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(path('service-account.key'), serviceAccountKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
  writeFileSync(path('service-account.pub'), serviceAccountKeys.publicKey.export({ type: 'spki', format: 'pem' }));

  // The API server makes a CA of its own and a certificate for 127.0.0.1 signed by it; this file has both.
  const caPath = path('certificates/apiserver.crt');
  const adminToken = tokenFor('admin');
  let url = '';
  const answers = async (resource: string) => {
    agent ??= new Agent({ connect: { ca: readFileSync(caPath) } });
    const response = await request(`${url}${resource}`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${adminToken}` },
    }).catch(async (error: unknown) => {
      // The file may have been read while the API server was writing it: the next look reads it anew.
      await agent?.close();
      agent = undefined;
      throw error;
    });
    await response.body.dump();
    return response.statusCode === 200;
  };

  const startEtcd = async () => {
    const [clientPort, peerPort] = (await freePorts(2)) as [number, number];
    const endpoint = `http://127.0.0.1:${clientPort}`;
    const etcd = await start('etcd', binaries.etcd, [
      `--data-dir=${path('etcd')}`,
      `--listen-client-urls=${endpoint}`,
      `--advertise-client-urls=${endpoint}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync', // the data need not outlive a power cut
      '--log-level=warn',
    ]);
    await waitUntilReady(etcd, async () => (await fetch(`${endpoint}/readyz`)).ok, { signal });
    return endpoint;
  };

  const startApiServer = async (etcdUrl: string, port: number) => {
    url = `https://127.0.0.1:${port}`;
    const apiServer = await start('kube-apiserver', binaries['kube-apiserver'], [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${path('certificates')}`,
      '--endpoint-reconciler-type=none', // loopback is no address for the kubernetes Service
      `--service-cluster-ip-range=${serviceNetwork}`,
      '--authorization-mode=Node,RBAC',
      `--token-auth-file=${path('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-signing-key-file=${path('service-account.key')}`,
      `--service-account-key-file=${path('service-account.pub')}`,
      '--profiling=false',
      ...(options.apiServerArgs ?? []),
    ]);
    await waitUntilReady(apiServer, () => answers('/readyz'), { signal });
  };

  const kubeconfigFor = (user: string, token = tokenFor(user)) => {
    const file = path(`${user.replaceAll(/[^\w.-]/g, '-')}.kubeconfig`);
    writeFileSync(file, kubeconfig({ url, caPath, user, token }), { mode: 0o600 });
    return file;
  };

  const startControllerManager = async () => {
    const child = await start('kube-controller-manager', binaries['kube-controller-manager'], [
      `--kubeconfig=${kubeconfigFor('system:kube-controller-manager')}`,
      `--service-account-private-key-file=${path('service-account.key')}`,
      `--root-ca-file=${caPath}`,
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      '--secure-port=0',
    ]);
    await waitUntilReady(child, () => answers('/api/v1/namespaces/default/serviceaccounts/default'), { signal });
  };

  const startScheduler = () =>
    start('kube-scheduler', binaries['kube-scheduler'], [
      `--kubeconfig=${kubeconfigFor('system:kube-scheduler')}`,
      '--leader-elect=false',
      '--secure-port=0',
    ]);

  const kubectl = kubectlFor(binaries.kubectl, path('admin.kubeconfig'));

  try {
    const etcdUrl = await retryPortRaces(startEtcd);
    await retryPortRaces(async () => startApiServer(etcdUrl, await freePort()));
    const kubeconfigPath = kubeconfigFor('admin');
    if (controllerManager) await startControllerManager();
    if (scheduler) await startScheduler();
    log(`control plane ready at ${url}`);
    const port = Number(new URL(url).port);
    const controlPlane: ControlPlane = {
      url,
      etcdUrl,
      adminToken,
      ca: readFileSync(caPath, 'utf8'),
      caPath,
      kubeconfigPath,
      kubectlPath: binaries.kubectl,
      tokenFor,
      kubeconfigFor,
      kubectl,
      async serviceAccountToken(namespace, name) {
        return (await kubectl(['create', 'token', name, '-n', namespace])).trim();
      },
      async stopApiServer({ kill = false } = {}) {
        await running.get('kube-apiserver')?.stop(kill ? 0 : undefined);
      },
      startApiServer: () => startApiServer(etcdUrl, port),
      async restartApiServer(how) {
        await controlPlane.stopApiServer(how);
        await controlPlane.startApiServer();
      },
      pids: () =>
        Object.fromEntries(
          [...running].filter(([, child]) => child.ended() === undefined).map(([name, { pid }]) => [name, pid]),
        ),
      stop: stopAll,
    };
    return controlPlane;
  } catch (error) {
    await stopAll();
    throw error;
  }
}

function kubeconfig(to: { url: string; caPath: string; user: string; token: string }): string {
  // JSON is YAML, and needs no quoting rules.
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'local', cluster: { server: to.url, 'certificate-authority': to.caPath } }],
      users: [{ name: to.user, user: { token: to.token } }],
      contexts: [{ name: 'local', context: { cluster: 'local', user: to.user } }],
      'current-context': 'local',
    },
    undefined,
    2,
  )}\n`;
}
