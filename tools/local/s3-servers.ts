import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { Client } from 'minio';
import {
  endingOf,
  retryPortRaces,
  startChild,
  waitUntilReady,
  type Child,
  type Ending,
  type Lifetime,
} from './child.ts';
import { freePorts } from './ports.ts';
import { obtainServers } from './servers/obtain.ts';

export interface S3ServerOptions {
  /** Data and log lie below. Made when absent; not removed by `stop`. */
  readonly dir: string;
  /** A port of 127.0.0.1; a free one when absent. With `port`, `credentials` and the same `dir` a stopped server comes back. */
  readonly port?: number;
  /** Random when absent. moto and Ceph take none: they make their own. */
  readonly credentials?: S3Credentials;
  /** Added to the server's environment, `MINIO_KMS_SECRET_KEY` for instance. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default `parent`. */
  readonly lifetime?: Lifetime;
  /** Called when the server starts, before it is ready. */
  readonly onStart?: (server: Pick<Child, 'name' | 'pid' | 'logPath' | keyof Ending>) => void;
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A certificate and its key, PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface MinioOptions extends S3ServerOptions {
  /** With it MinIO speaks TLS, and nothing else. It must stand for 127.0.0.1 and be its own authority. */
  readonly tls?: ServerCertificate;
  /** The URL of a webhook that gets the events of `arn:minio:sqs::EVENTS:webhook`. They go nowhere when absent. */
  readonly eventsTo?: string;
  /** The region that requests must be signed for; us-east-1 when absent. */
  readonly region?: string;
}

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Server extends S3Credentials {
  readonly name: 'minio' | 'moto' | 'versitygw' | 'seaweedfs' | 'ceph';
  /** http://127.0.0.1:PORT, or https:// with TLS. */
  readonly endpoint: string;
  /** Where it speaks the AWS IAM protocol: the same address, on moto, SeaweedFS and Ceph. */
  readonly iamEndpoint?: string;
  /** Where its admin operations are: the same address, on Ceph. MinIO's are always there. */
  readonly adminEndpoint?: string;
  readonly region: string;
  readonly pid: number;
  readonly logPath: string;
  stop(): Promise<void>;
}

/** Where all servers are at home. */
const region = 'us-east-1';

/** MinIO with random root credentials, its console off. @throws Error when it cannot be had or does not start */
export const startMinio = (options: MinioOptions): Promise<S3Server> =>
  startS3Server('minio', options, ({ dir, credentials, ports: [port, consolePort] }) => ({
    ...(options.tls === undefined ? {} : { ca: putCertificate(join(dir, 'certificates'), options.tls) }),
    region: options.region ?? region,
    args: [
      'server',
      join(dir, 'data'),
      `--address=127.0.0.1:${port}`,
      `--console-address=127.0.0.1:${consolePort}`,
      `--certs-dir=${join(dir, 'certificates')}`,
    ],
    env: {
      MINIO_ROOT_USER: credentials.accessKey,
      MINIO_ROOT_PASSWORD: credentials.secretKey,
      ...(options.region === undefined ? {} : { MINIO_SITE_REGION: options.region }),
      MINIO_UPDATE: 'off',
      MINIO_BROWSER: 'off',
      // A target of notifications. Nobody listens there, unless a test says where.
      MINIO_NOTIFY_WEBHOOK_ENABLE_EVENTS: 'on',
      MINIO_NOTIFY_WEBHOOK_ENDPOINT_EVENTS: options.eventsTo ?? 'http://127.0.0.1:9/',
    },
  }));

/** Where MinIO looks for it; returns the authority. Source: MinIO, network encryption. */
const putCertificate = (folder: string, { cert, key }: ServerCertificate): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'public.crt'), cert);
  writeFileSync(join(folder, 'private.key'), key, { mode: 0o600 });
  return cert;
};

/** The Versity gateway over a folder, with versioning and its own accounts. @throws Error when it cannot be had or does not start */
export const startVersitygw = (options: S3ServerOptions): Promise<S3Server> =>
  startS3Server('versitygw', options, ({ dir, credentials, ports: [port] }) => ({
    args: [
      '--port',
      `127.0.0.1:${port}`,
      '--region',
      region,
      '--iam-dir',
      join(dir, 'accounts'),
      'posix',
      '--versioning-dir',
      join(dir, 'versions'),
      join(dir, 'data'),
    ],
    env: { ROOT_ACCESS_KEY: credentials.accessKey, ROOT_SECRET_KEY: credentials.secretKey },
  }));

/**
 * moto with its checks on: signatures, identity policies and bucket-policy denials. The returned key belongs to the IAM user
 * `admin`, which may do everything. @throws Error when it cannot be had or does not start
 */
export const startMoto = (options: S3ServerOptions): Promise<S3Server> =>
  startS3Server('moto', options, ({ ports: [port] }) => ({
    args: ['-H', '127.0.0.1', '-p', String(port)],
    env: {},
    servesIam: true,
    admit: admitMotoAdmin,
  }));

/**
 * SeaweedFS, all of it in one process: S3 with IAM over a filer, a volume server and a master. The returned key is that of its
 * administrator, whom IAM lists as a user `admin-…`. @throws Error when it cannot be had or does not start
 */
export const startSeaweedfs = (options: S3ServerOptions): Promise<S3Server> =>
  startS3Server('seaweedfs', options, ({ dir, credentials, ports }) => {
    const [port, s3Grpc, filer, filerGrpc, volume, volumeGrpc, master, masterGrpc] = ports;
    return {
      args: [
        '-logtostderr=true', // else it writes its log to /tmp as well
        'server',
        `-dir=${join(dir, 'data')}`,
        ...['-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
        // Each gRPC port too: they would be 10 000 above the others, free or not.
        ...[`-master.port=${master}`, `-master.port.grpc=${masterGrpc}`],
        ...[`-volume.port=${volume}`, `-volume.port.grpc=${volumeGrpc}`],
        ...['-filer', `-filer.port=${filer}`, `-filer.port.grpc=${filerGrpc}`],
        ...['-s3', `-s3.port=${port}`, `-s3.port.grpc=${s3Grpc}`],
        // Its catalogues, which would take ports of their own choice: 0 is off.
        ...['-s3.port.iceberg=0', '-s3.port.lance=0'],
        ...[`-filer.localSocket=${join(dir, 'filer.sock')}`, `-s3.localSocket=${join(dir, 's3.sock')}`],
        ...['-s3.iam=true', '-s3.iam.readOnly=false'],
        // A collection for each bucket, each of several volumes.
        ...['-volume.max=1000', '-master.volumeSizeLimitMB=64'],
        ...['-volume.preStopSeconds=0', '-master.telemetry=false'],
      ],
      env: { AWS_ACCESS_KEY_ID: credentials.accessKey, AWS_SECRET_ACCESS_KEY: credentials.secretKey },
      servesIam: true,
      // Its filer waits 15 s for subscriptions of its own process, whatever happens. What was written is in files by then.
      graceMs: 500,
      leaves: [
        `master-grpc-${masterGrpc}`,
        `volume-grpc-${volumeGrpc}`,
        `filer-grpc-${filerGrpc}`,
        `s3-grpc-${s3Grpc}`,
      ].map(
        (name) => `/tmp/seaweedfs-${name}.sock`, // of a folder of its own choice
      ),
      // Buckets are listed before there is a volume server to take an object.
      isUp: () => hasVolumeServer(`http://127.0.0.1:${master}`),
    };
  });

/** Source: SeaweedFS wiki, "Master Server API", /dir/status. */
async function hasVolumeServer(master: string): Promise<boolean> {
  const response = await fetch(`${master}/dir/status`);
  const { Topology } = (await response.json()) as { Topology?: { Max?: number } };
  return (Topology?.Max ?? 0) > 0;
}

type Ports = readonly [number, number, number, number, number, number, number, number];

interface Start extends Ending {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The authority of its certificate, PEM, where it speaks TLS. */
  readonly ca?: string;
  /** Where all are at home, when absent. */
  readonly region?: string;
  /** Makes the credentials to use, once the server answers at all. */
  readonly admit?: (endpoint: string) => Promise<S3Credentials>;
  /** True once it can do more than list buckets, where that comes later. */
  readonly isUp?: () => Promise<boolean>;
  /** True where its address speaks the AWS IAM protocol too. */
  readonly servesIam?: boolean;
}

async function startS3Server(
  name: Exclude<S3Server['name'], 'ceph'>,
  options: S3ServerOptions,
  plan: (given: { dir: string; credentials: S3Credentials; ports: Ports }) => Start,
): Promise<S3Server> {
  const { dir, signal, log = () => undefined, lifetime = 'parent' } = options;
  const command = (await obtainServers([name], { log, ...(signal ? { signal } : {}) }))[name];
  for (const folder of ['data', 'versions', 'accounts']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const given = options.credentials ?? randomCredentials();

  return retryPortRaces(async () => {
    const [free, ...more] = (await freePorts(8)) as unknown as Ports;
    const port = options.port ?? free;
    const start = plan({ dir, credentials: given, ports: [port, ...more] });
    const { args, env, admit, ca, isUp } = start;
    const endpoint = `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    const child = await startChild({
      name,
      command,
      args,
      env: { ...env, ...options.env },
      cwd: dir,
      logPath: join(dir, `${name}.log`),
      lifetime,
      ...endingOf(start),
    });
    options.onStart?.(child);
    try {
      if (admit) await waitUntilReady(child, async () => (await fetch(endpoint)).status < 500, { signal });
      const credentials = admit ? await admit(endpoint) : given;
      await waitUntilReady(child, () => listsBuckets(endpoint, credentials, { ca, region: start.region }), { signal });
      if (isUp) await waitUntilReady(child, isUp, { signal });
      log(`${name} ready at ${endpoint}`);
      return {
        name,
        endpoint,
        ...(start.servesIam ? { iamEndpoint: endpoint } : {}),
        region: start.region ?? region,
        ...credentials,
        pid: child.pid,
        logPath: child.logPath,
        stop: () => child.stop(),
      };
    } catch (error) {
      await child.stop();
      throw error;
    }
  });
}

/** Of lengths that every server takes. */
const randomCredentials = (): S3Credentials => ({
  accessKey: `root${randomBytes(6).toString('hex')}`,
  secretKey: randomBytes(24).toString('hex'),
});

/** Only a signed call answered proves that the server is up with its accounts loaded. `ca`: of an https:// endpoint. */
export async function listsBuckets(
  endpoint: string,
  { accessKey, secretKey }: S3Credentials,
  { ca, region: signedFor = region }: { readonly ca?: string | undefined; readonly region?: string | undefined } = {},
): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: ca !== undefined,
    ...(ca === undefined ? {} : { transportAgent: new Agent({ ca }) }),
    accessKey,
    secretKey,
    region: signedFor,
    retryOptions: { disableRetry: true },
  });
  await client.listBuckets();
  return true;
}

/** Source: docs.getmoto.org, "IAM-like access control": checks are off until reset-auth says after how many calls they begin. */
async function admitMotoAdmin(endpoint: string): Promise<S3Credentials> {
  const iam = new IAMClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'unchecked', secretAccessKey: 'unchecked' },
  });
  try {
    await iam.send(new CreateUserCommand({ UserName: 'admin' }));
    const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    await iam.send(
      new PutUserPolicyCommand({
        UserName: 'admin',
        PolicyName: 'everything',
        PolicyDocument: JSON.stringify(everything),
      }),
    );
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: 'admin' }));
    if (!key?.AccessKeyId || !key.SecretAccessKey) throw new Error('moto made no access key for its admin');
    const checked = await fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: '0' });
    if (!checked.ok) throw new Error(`moto refused to check signatures: ${checked.status}`);
    return { accessKey: key.AccessKeyId, secretKey: key.SecretAccessKey };
  } finally {
    iam.destroy();
  }
}
