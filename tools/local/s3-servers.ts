import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { Client } from 'minio';
import { retryPortRaces, startChild, waitUntilReady, type Child, type Lifetime } from './child.ts';
import { freePorts } from './ports.ts';
import { obtainServers } from './servers/obtain.ts';

export interface S3ServerOptions {
  /** Data and log lie below. Made when absent; not removed by `stop`. */
  readonly dir: string;
  /** A port of 127.0.0.1; a free one when absent. With `port`, `credentials` and the same `dir` a stopped server comes back. */
  readonly port?: number;
  /** Random when absent. moto takes none: it makes its own. */
  readonly credentials?: S3Credentials;
  /** Added to the server's environment, `MINIO_KMS_SECRET_KEY` for instance. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default `parent`. */
  readonly lifetime?: Lifetime;
  /** Called when the server starts, before it is ready. */
  readonly onStart?: (server: Pick<Child, 'name' | 'pid' | 'logPath'>) => void;
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
}

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Server extends S3Credentials {
  readonly name: 'minio' | 'moto' | 'versitygw';
  /** http://127.0.0.1:PORT, or https:// with TLS. On moto the same address serves IAM, STS and the rest of AWS. */
  readonly endpoint: string;
  readonly region: string;
  readonly pid: number;
  readonly logPath: string;
  stop(): Promise<void>;
}

/** Where all three servers are at home. */
const region = 'us-east-1';

/** MinIO with random root credentials, its console off. @throws Error when it cannot be had or does not start */
export const startMinio = (options: MinioOptions): Promise<S3Server> =>
  startS3Server('minio', options, ({ dir, credentials, ports: [port, consolePort] }) => ({
    ...(options.tls === undefined ? {} : { ca: putCertificate(join(dir, 'certificates'), options.tls) }),
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
      MINIO_UPDATE: 'off',
      MINIO_BROWSER: 'off',
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
    admit: admitMotoAdmin,
  }));

interface Start {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The authority of its certificate, PEM, where it speaks TLS. */
  readonly ca?: string;
  /** Makes the credentials to use, once the server answers at all. */
  readonly admit?: (endpoint: string) => Promise<S3Credentials>;
}

async function startS3Server(
  name: S3Server['name'],
  options: S3ServerOptions,
  plan: (given: { dir: string; credentials: S3Credentials; ports: readonly [number, number] }) => Start,
): Promise<S3Server> {
  const { dir, signal, log = () => undefined, lifetime = 'parent' } = options;
  const command = (await obtainServers([name], { log, ...(signal ? { signal } : {}) }))[name];
  for (const folder of ['data', 'versions', 'accounts']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const given = options.credentials ?? randomCredentials();

  return retryPortRaces(async () => {
    const [free, second] = (await freePorts(2)) as [number, number];
    const port = options.port ?? free;
    const { args, env, admit, ca } = plan({ dir, credentials: given, ports: [port, second] });
    const endpoint = `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    const child = await startChild({
      name,
      command,
      args,
      env: { ...env, ...options.env },
      cwd: dir,
      logPath: join(dir, `${name}.log`),
      lifetime,
    });
    options.onStart?.(child);
    try {
      if (admit) await waitUntilReady(child, async () => (await fetch(endpoint)).status < 500, { signal });
      const credentials = admit ? await admit(endpoint) : given;
      await waitUntilReady(child, () => listsBuckets(endpoint, credentials, ca), { signal });
      log(`${name} ready at ${endpoint}`);
      return {
        name,
        endpoint,
        region,
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
export const randomCredentials = (): S3Credentials => ({
  accessKey: `root${randomBytes(6).toString('hex')}`,
  secretKey: randomBytes(24).toString('hex'),
});

/** Only a signed call answered proves that the server is up with its accounts loaded. `ca`: of an https:// endpoint. */
export async function listsBuckets(
  endpoint: string,
  { accessKey, secretKey }: S3Credentials,
  ca?: string,
): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: ca !== undefined,
    ...(ca === undefined ? {} : { transportAgent: new Agent({ ca }) }),
    accessKey,
    secretKey,
    region,
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
