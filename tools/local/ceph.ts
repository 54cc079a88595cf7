import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { Secret } from 'otpauth';
import { cephConf, monitorAddresses } from './ceph-conf.ts';
import { inChroot, refuseChroot } from './chroot.ts';
import { retryPortRaces, startChild, StartFailed, waitUntilReady, type Child } from './child.ts';
import { freePorts } from './ports.ts';
import { listsBuckets, type S3Credentials, type S3Server, type S3ServerOptions } from './s3-servers.ts';
import { obtainServers, Unobtainable, type ObtainOptions } from './servers/obtain.ts';

export interface CephOptions extends S3ServerOptions {
  /**
   * Whether its gateway serves STS. Default true. With it the gateway answers AccessDenied to a wrong secret and to an unknown
   * key, which it tells apart without.
   */
  readonly sts?: boolean;
  /** Name of a topic that it has for notifications; their events go nowhere. None when absent. */
  readonly topic?: string;
}

/** The account of its root user, which stands in the ARNs of what that user makes. */
const cephAccount = 'RGW00000000000000001';

/** An MFA device for one-time codes by time (TOTP). */
export interface MfaDevice {
  readonly serial: string;
  /** Base32. */
  readonly seed: string;
}

export interface CephServer extends S3Server {
  /** Gives the user of the returned key one more MFA device. */
  createMfaDevice(): Promise<MfaDevice>;
}

/** What its processes are called, in the order of their start. */
export const cephProcesses = ['ceph-mon', 'ceph-osd', 'radosgw'] as const;

/** The server's own folder, as Ceph's programs see it. */
const folder = '/mnt';

/** What must be the same when the server comes back. */
interface Cluster {
  readonly fsid: string;
  readonly monitorPorts: readonly [number, number];
  readonly credentials: S3Credentials;
}

/** The root folder of the system that Ceph is in. @throws Unobtainable when there is none, or when nobody may run it here */
export async function obtainCeph(options: ObtainOptions = {}): Promise<string> {
  const refusal = await refuseChroot();
  if (refusal !== undefined) throw new Unobtainable(`ceph cannot be had: ${refusal}`);
  return (await obtainServers(['ceph'], options)).ceph;
}

/** Source: Ceph documentation, Bucket Notifications, Create a Topic. */
const makeTopic = async (endpoint: string, pair: S3Credentials, Name: string): Promise<void> => {
  const credentials = { accessKeyId: pair.accessKey, secretAccessKey: pair.secretKey };
  const client = new SNSClient({ endpoint, region: 'us-east-1', credentials });
  try {
    await client.send(new CreateTopicCommand({ Name }));
  } finally {
    client.destroy();
  }
};

/**
 * Ceph's object gateway over one monitor and one OSD that keeps everything in memory: S3, IAM and STS at one address. The
 * returned key is that of the root user of an account, made by Ceph. Root on Linux only. A server that was stopped comes back
 * with what it held, in the same `dir`.
 * @throws Unobtainable when it cannot be had; Error when it does not start
 */
export async function startCeph(options: CephOptions): Promise<CephServer> {
  const { dir, signal, log = () => undefined, sts = true } = options;
  const root = await obtainCeph({ log, ...(signal ? { signal } : {}) });
  const known = readCluster(dir);

  return retryPortRaces(async () => {
    const [free, newer, older] = (await freePorts(3)) as [number, number, number];
    const port = options.port ?? free;
    const endpoint = `http://127.0.0.1:${port}`;
    const fsid = known?.fsid ?? randomUUID();
    const monitorPorts = known?.monitorPorts ?? [newer, older];
    // A start that lost the race for a port has left what names it.
    if (!known) for (const part of parts) rmSync(join(dir, part), { recursive: true, force: true });
    for (const part of parts) mkdirSync(join(dir, part), { recursive: true, mode: 0o700 });
    const stsKey = sts ? randomBytes(8).toString('hex') : undefined;
    const conf = cephConf({ fsid, monitorPorts, port, stsKey, folder, libraries: librariesOf(root) });
    writeFileSync(join(dir, 'ceph.conf'), conf, { mode: 0o600 });

    const programs = new CephPrograms(root, options);
    try {
      const monitor = await startMonitor(programs, { fsid, monitorPorts, isNew: !known });
      await startOsd(programs, { monitor, isNew: !known });
      const gateway = await programs.start('radosgw', '-f', '-n', 'client.rgw');
      // On a new cluster it first makes its pools.
      const patience = { signal, timeoutMs: 120_000 };
      await waitUntilReady(gateway, async () => (await fetch(endpoint)).status < 500, patience);
      const credentials = known?.credentials ?? (await makeAccount(programs, gateway));
      if (!known) writeCluster(dir, { fsid, monitorPorts, credentials });
      await waitUntilReady(gateway, () => listsBuckets(endpoint, credentials), patience);
      if (options.topic !== undefined) await makeTopic(endpoint, credentials, options.topic);
      log(`ceph ready at ${endpoint}`);
      const { pid, logPath } = gateway;
      return {
        name: 'ceph',
        endpoint,
        iamEndpoint: endpoint,
        adminEndpoint: endpoint,
        region: 'us-east-1', // any will do: it is part of signatures only
        ...credentials,
        pid,
        logPath,
        createMfaDevice: () => createMfaDevice(programs),
        stop: () => programs.stop(),
      };
    } catch (error) {
      await programs.stop();
      throw error;
    }
  });
}

const parts = ['mon', 'osd', 'run'] as const;

async function startMonitor(
  programs: CephPrograms,
  { fsid, monitorPorts, isNew }: Pick<Cluster, 'fsid' | 'monitorPorts'> & { readonly isNew: boolean },
): Promise<Child> {
  if (isNew) {
    const map = `${folder}/monmap`;
    const addresses = monitorAddresses(monitorPorts);
    await programs.run('monmaptool', '--create', '--clobber', '--fsid', fsid, '--addv', 'a', addresses, map);
    await programs.run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
  }
  return programs.start('ceph-mon', '-f', '-i', 'a');
}

async function startOsd(
  programs: CephPrograms,
  { monitor, isNew }: { readonly monitor: Child; readonly isNew: boolean },
): Promise<void> {
  if (isNew) {
    const uuid = randomUUID();
    await whileRunning(monitor, programs.run('ceph', 'osd', 'new', uuid));
    await programs.run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', uuid);
  }
  await programs.start('ceph-osd', '-f', '-i', '0');
}

const rootUser = 'root';

/** The account and its root user. Source: Ceph documentation, "User Accounts". */
async function makeAccount(programs: CephPrograms, gateway: Child): Promise<S3Credentials> {
  const admin = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse(await whileRunning(gateway, programs.run('radosgw-admin', ...args)));
  await admin('account', 'create', '--account-name=operator', `--account-id=${cephAccount}`);
  const user = [
    'user',
    'create',
    `--uid=${rootUser}`,
    `--display-name=${rootUser}`,
    `--account-id=${cephAccount}`,
    '--account-root',
  ];
  // For quotas of buckets, which are admin operations.
  const rights = ['--caps', 'buckets=*'];
  // Ceph makes the key: given as arguments, its secret would be in the list of processes.
  const { keys } = (await admin(...user, ...rights, '--gen-access-key', '--gen-secret')) as {
    keys: { access_key: string; secret_key: string }[];
  };
  const [key] = keys;
  if (key === undefined) throw new Error('radosgw-admin made no access key for its root user');
  return { accessKey: key.access_key, secretKey: key.secret_key };
}

/** Its seed is for tests alone: it is in the list of processes. Source: Ceph documentation, radosgw-admin, mfa create. */
async function createMfaDevice(programs: CephPrograms): Promise<MfaDevice> {
  const device = { serial: `device-${randomUUID()}`, seed: new Secret({ size: 20 }).base32 };
  const totp = [`--totp-serial=${device.serial}`, `--totp-seed=${device.seed}`, '--totp-seed-type=base32'];
  await programs.run('radosgw-admin', 'mfa', 'create', `--uid=${rootUser}`, ...totp);
  return device;
}

/** @throws StartFailed when the daemon that the call needs ends before it */
async function whileRunning<T>(child: Child, call: Promise<T>): Promise<T> {
  const ended = child.exited.then((end): never => {
    throw new StartFailed(child, end);
  });
  ended.catch(() => undefined); // it ends some day, after the call as a rule
  return Promise.race([call, ended]);
}

/** Ceph's programs, each inside the Debian system, with the server's folder in it. */
class CephPrograms {
  readonly #root: string;
  readonly #options: CephOptions;
  readonly #started: Child[] = [];

  constructor(root: string, options: CephOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** Runs one to its end; returns its output. @throws Error with its last words */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const { signal } = this.#options;
    const call = this.#call(program, args);
    try {
      const { stdout } = await promisify(execFile)(call.command, call.args, {
        env: { ...process.env, ...call.env },
        timeout: 120_000,
        ...(signal ? { signal } : {}),
      });
      return stdout;
    } catch (error) {
      signal?.throwIfAborted();
      const words = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      throw new Error(`${program} failed: ${words.trim().split('\n').slice(-3).join(' | ')}`, { cause: error });
    }
  }

  async start(name: (typeof cephProcesses)[number], ...args: readonly string[]): Promise<Child> {
    const { dir, lifetime = 'parent', onStart } = this.#options;
    const child = await startChild({
      name,
      ...this.#call(name, args),
      logPath: join(dir, `${name}.log`),
      lifetime,
      // The gateway takes 15 s, and holds nothing; the OSD needs the time to put down what it holds.
      graceMs: name === 'radosgw' ? 1_000 : 20_000,
    });
    this.#started.push(child);
    onStart?.(child);
    return child;
  }

  async stop(): Promise<void> {
    for (const child of this.#started.toReversed()) await child.stop();
  }

  #call(program: string, args: readonly string[]) {
    const call = inChroot(this.#root, [program, ...args], { from: this.#options.dir, to: folder });
    return { ...call, env: { ...call.env, CEPH_CONF: `${folder}/ceph.conf` } };
  }
}

/** Debian names the folder after the architecture. */
function librariesOf(root: string): string {
  const candidates = readdirSync(join(root, 'usr/lib'));
  const found = candidates.find((entry) => existsSync(join(root, 'usr/lib', entry, 'rados-classes')));
  if (found === undefined) throw new Error(`${root} has no libraries of Ceph; remove that folder and try again`);
  return `/usr/lib/${found}`;
}

const clusterPath = (dir: string) => join(dir, 'cluster.json');

function readCluster(dir: string): Cluster | undefined {
  const path = clusterPath(dir);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Cluster) : undefined;
}

function writeCluster(dir: string, cluster: Cluster): void {
  const path = clusterPath(dir);
  writeFileSync(`${path}.part`, JSON.stringify(cluster), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}
