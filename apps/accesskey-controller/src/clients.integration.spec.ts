import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { secretPresets, type AccessKeySpec, type AccessKeyStatus } from '@operator/api';
import { redact } from '@operator/outcome';
import { createBench, createTestWorld, objectOf, ownerTags } from '@operator/references/testing';
import type { Driver } from '@operator/s3';
import { bucketSpec, connectionTo, driverDeps, independentClient, recordingContext } from '@operator/testing';
import { obtainServers, startMinio, startMoto, type S3Server } from '@operator/tools/local';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createCandidates } from './candidates.ts';
import { reconcilerOf } from '../test/reconciler-of.ts';

// docs/clients.md, as it stands: each snippet is run with the Secret that the AccessKey of that page makes on a real server.

const page = await readFile(join(projectRoot, 'docs/clients.md'), 'utf8');
const snippets = new Map(
  [...page.matchAll(/<!-- snippet: (\S+) -->\n\n```\w+\n(.*?)```/gs)].map(([, name = '', text = '']) => [name, text]),
);
const snippet = (name: string): string => {
  const text = snippets.get(name);
  if (text === undefined) throw new Error(`docs/clients.md has no snippet ${name}`);
  return text;
};

const region = 'eu-central-1';
const mountPath = '/etc/s3';
const run = promisify(execFile);

let programs: Awaited<ReturnType<typeof obtainServers<'aws' | 'rclone' | 'objstore'>>>;
let python: string;
let dir: string;

beforeAll(async () => {
  programs = await obtainServers(['aws', 'rclone', 'objstore']);
  python = join(dirname(programs.aws), 'python');
  dir = await mkdtemp(join(tmpdir(), 'clients-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** An AccessKey on a real server, and what an application sees of it. */
const issue = async (driver: Driver) => {
  const tags = [...ownerTags({ name: 'photos' })].map(([Key, Value]) => ({ Key, Value }));
  const s3 = driver.wire();
  const context = recordingContext();
  const configuration = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await s3.send(new CreateBucketCommand({ Bucket: 'photos', ...configuration }), context);
  await s3.send(new PutBucketTaggingCommand({ Bucket: 'photos', Tagging: { TagSet: tags } }), context);
  const world = createTestWorld(driver);
  const status = { bucketName: 'photos', exists: true, endpoint: driver.serverIdentity, ownership: 'Created' as const };
  world.buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucketSpec({ region }), { status }));
  const { spec } = parse(snippet('access-key')) as { readonly spec: AccessKeySpec };
  const templates = (parse(snippet('template')) as { readonly spec: AccessKeySpec }).spec.secretTemplate?.data ?? {};
  const candidates = createCandidates();
  const bench = createBench<AccessKeySpec, AccessKeyStatus>({
    writes: world.writes,
    live: (_resource, key) => world.buckets.get(key),
    object: objectOf('AccessKey', 'app', { ...spec, secretTemplate: { presets: [...secretPresets], data: templates } }),
    reconciler: () => reconcilerOf(world, { candidates }),
  });
  const ref = { namespace: 'team-a', name: 'app-credentials' };
  return {
    bench,
    secret: () => world.kube.secret(ref) ?? {},
    configMap: () => world.kube.get('configmaps', ref)?.data ?? {},
  };
};

/** A folder with a Secret as the kubelet mounts it: each key is a link through `..data`, which is turned to a new folder at once. */
const mount = async (folder: string, secret: Readonly<Record<string, string>>): Promise<string> => {
  await mkdir(folder, { recursive: true });
  const version = await mkdtemp(join(folder, '..version-'));
  for (const [key, value] of Object.entries(secret)) {
    await writeFile(join(version, key), value);
    await symlink(join('..data', key), join(folder, key)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
  await symlink(version, join(folder, '..new'));
  await rename(join(folder, '..new'), join(folder, '..data'));
  return folder;
};

describe.each(['minio', 'moto'] as const)('on %s, with the Secret of the page', (name) => {
  let server: S3Server;
  let driver: Driver;
  let key: Awaited<ReturnType<typeof issue>>;
  let folder: string;

  beforeAll(async () => {
    const home = join(dir, name);
    server = name === 'minio' ? await startMinio({ dir: home, region }) : await startMoto({ dir: home });
    const endpoint = server.endpoint.replace('127.0.0.1', 'localhost');
    const credentials = { accessKeyId: server.accessKey, secretAccessKey: redact(server.secretKey) };
    const connection = connectionTo(endpoint, { region, credentials });
    const { createMinioDriver } = await import('@operator/driver-minio');
    const { createAwsDriver } = await import('@operator/driver-aws');
    driver =
      name === 'minio'
        ? createMinioDriver(connection, driverDeps())
        : createAwsDriver({ ...connection, iamEndpoint: endpoint }, driverDeps());
    key = await issue(driver);
    expect(await key.bench.run()).toMatchObject({ result: 'settled' });
    folder = await mount(join(home, 'mounted'), key.secret());
  });

  afterAll(async () => {
    driver.close();
    await server.stop();
  });

  const path = () => [dirname(programs.aws), dirname(programs.rclone), process.env.PATH ?? ''].join(delimiter);
  /** Only what a container would have: nothing of this machine's own configuration. */
  const surroundings = (env: Readonly<Record<string, string>>) => ({
    PATH: path(),
    HOME: join(dir, name),
    PYTHONUNBUFFERED: '1',
    ...env,
  });
  const commandOf = (text: string, language: 'sh' | 'python' | 'js'): readonly [string, readonly string[]] => {
    const here = text.replaceAll(mountPath, folder);
    if (language === 'sh') return ['/bin/sh', ['-ec', here]];
    if (language === 'python') return [python, ['-c', here]];
    return [process.execPath, ['--input-type=module', '-e', here]];
  };
  const runSnippet = async (text: string, language: 'sh' | 'python' | 'js', env: Readonly<Record<string, string>>) => {
    const [file, args] = commandOf(text, language);
    const cwd = language === 'js' ? projectRoot : join(dir, name);
    return (await run(file, [...args], { cwd, env: surroundings(env), timeout: 110_000 })).stdout;
  };

  it.each([
    ['aws-cli-env', 'sh'],
    ['js-env', 'js'],
    ['minio-js-env', 'js'],
    ['minio-python-env', 'python'],
  ] as const)('the snippet %s works by environment alone', async (title, language) => {
    expect(await runSnippet(snippet(title), language, key.secret())).toMatch(/hello\s*$/);
  });

  it('the snippet boto3-env works by environment alone, presigned URL included', async () => {
    const url = (await runSnippet(snippet('boto3-env'), 'python', key.secret())).trim();
    expect(url).toContain(region);
    // moto, once it checks signatures, ends with an error of its own where they stand in the URL.
    if (name === 'minio') expect(await (await fetch(url)).text()).toBe('hello');
  });

  it.each([
    ['aws-cli-files', 'sh'],
    ['boto3-files', 'python'],
    ['js-files', 'js'],
    ['rclone', 'sh'],
  ] as const)('the snippet %s works by mounted files alone', async (title, language) => {
    expect(await runSnippet(snippet(title), language, {})).toMatch(/hello\s*$/);
  });

  it("Thanos' own client reads objstore.yml", async () => {
    expect((await run(programs.objstore, [join(folder, 'objstore.yml')])).stdout).toContain(
      "written by Thanos' client",
    );
  });

  it('what the presets of other apps name opens the bucket', async () => {
    const secret = key.secret();
    const { endpoint, bucket } = secret;
    const { spec } = JSON.parse(secret.BucketInfo ?? '') as {
      readonly spec: { readonly bucketName: string; readonly secretS3: Readonly<Record<string, string>> };
    };
    const rook = key.configMap();
    const given = {
      loki: [secret.access_key_id, secret.access_key_secret, endpoint, secret.bucketnames],
      cosi: [spec.secretS3.accessKeyID, spec.secretS3.accessSecretKey, spec.secretS3.endpoint, spec.bucketName],
      rook: [
        secret.AWS_ACCESS_KEY_ID,
        secret.AWS_SECRET_ACCESS_KEY,
        `http://${rook.BUCKET_HOST ?? ''}:${rook.BUCKET_PORT ?? ''}`,
        rook.BUCKET_NAME,
      ],
      cloudNativePG: [secret.ACCESS_KEY_ID, secret.ACCESS_SECRET_KEY, endpoint, bucket],
      harbor: [secret.REGISTRY_STORAGE_S3_ACCESSKEY, secret.REGISTRY_STORAGE_S3_SECRETKEY, endpoint, bucket],
    };
    for (const [app, values] of Object.entries(given)) {
      const [accessKey = '', secretKey = '', at = '', Bucket = ''] = values;
      const client = independentClient({ endpoint: at, region, accessKey, secretKey });
      await client.send(new PutObjectCommand({ Bucket, Key: app, Body: app }));
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: app }));
      client.destroy();
      expect(Contents.map(({ Key }) => Key)).toEqual([app]);
    }
  });

  it("the AWS SDK reads Velero's file", async () => {
    const { endpoint = '', bucket = '' } = key.secret();
    const velero = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'cloud'), AWS_ENDPOINT_URL_S3: endpoint };
    const env = { ...velero, AWS_REGION: region, bucket, 'force-path-style': 'true' };
    expect(await runSnippet(snippet('js-env'), 'js', env)).toBe('hello\n');
  });

  it('the template of the page has the values of the key', () => {
    const { 'app.toml': written, 'access-key-id': id, 'secret-access-key': secret } = key.secret();
    const host = server.endpoint.replace('http://127.0.0.1', 'localhost');
    expect(written).toBe(
      `[storage]\nurl = "s3://photos"\nendpoint = "${host}"\naccess_key = "${id}"\nsecret_key = "${secret}"\n`,
    );
  });

  const loops = {
    'boto3-files': [
      'python',
      `
import sys
for line in sys.stdin:
    client().put_object(Bucket=bucket, Key="again.txt", Body=b"again")
    print("again", flush=True)
`,
    ],
    'js-files': [
      'js',
      `
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'again.txt', Body: 'again' }));
  console.log('again');
}
`,
    ],
  } as const;

  it('the snippets that read files again go on through a revocation, in one process', async () => {
    const processes = Object.entries(loops).map(([title, [language, loop]]) => {
      const [file, args] = commandOf(`${snippet(title)}${loop}`, language);
      const child = spawn(file, args, { cwd: projectRoot, env: surroundings({}), stdio: ['pipe', 'pipe', 'inherit'] });
      return { title, child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    });
    try {
      const again = async ({ child, lines }: (typeof processes)[number]) => {
        child.stdin.write('\n');
        return (await lines.next()).value as unknown;
      };
      for (const each of processes) {
        expect((await each.lines.next()).value, each.title).toBe('hello');
        expect(await again(each), each.title).toBe('again');
      }
      const former = key.secret();
      key.bench.annotate({ 's3.cloud37.dev/revoke-requested-at': 'now' });
      expect(await key.bench.run()).toMatchObject({ result: 'settled' });
      expect(key.secret()['access-key-id']).not.toBe(former['access-key-id']);
      await expect(runSnippet(snippet('aws-cli-env'), 'sh', former)).rejects.toThrow(/InvalidAccessKeyId/);
      await mount(folder, key.secret());
      for (const each of processes) expect(await again(each), each.title).toBe('again');
      expect(await runSnippet(snippet('aws-cli-files'), 'sh', {})).toMatch(/hello\s*$/);
    } finally {
      for (const { child } of processes) child.kill();
    }
  });
});

describe('docs/clients.md', () => {
  const manifests = [
    'access-key',
    'pod-env',
    'pod-files',
    'thanos',
    'loki',
    'velero',
    'cloudnative-pg',
    'harbor',
    'rook',
    'cosi',
    'template',
  ];
  const run = [
    'aws-cli-env',
    'boto3-env',
    'js-env',
    'minio-js-env',
    'minio-python-env',
    'boto3-files',
    'js-files',
    'aws-cli-files',
    'rclone',
  ];

  it('has no snippet that is not tried', () => {
    expect([...snippets.keys()].sort()).toEqual([...manifests, ...run].sort());
    expect(page.match(/^```(sh|python|js|yaml)$/gm)).toHaveLength(snippets.size + 1); // the two lines of `presets`
  });
});
