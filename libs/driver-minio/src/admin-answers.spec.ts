import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, redact } from '@operator/outcome';
import { connectionTo, driverDeps, recordingContext } from '@operator/testing';
import { createWirePool, type Uplink } from '@operator/s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  getBucketQuota,
  getCannedPolicy,
  getServerVersion,
  getUser,
  listRemoteTargets,
  listServiceAccounts,
  listUserNames,
  parentOf,
  setRemoteTarget,
} from './admin-api.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import type { DeriveKey } from './derive-key.ts';
import { ContainerError, openContainer, sealContainer } from './encrypted-container.ts';
import { markInPolicy, readUserPolicy } from './user-policy.ts';

const secret = 'operator-secret-key';
const otherSecret = 'secret-of-the-target';
/** As quick as it is weak: the real derivations have their own tests. */
const deriveKey: DeriveKey = (derivation, password, salt) =>
  Promise.resolve(createHash('sha256').update(derivation).update(password).update(salt).digest());
const randomBytes = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, index) => index);

const plain = fc.uint8Array({ maxLength: 40_000 });
const id = fc.constantFrom(0, 1, 2);
const sealed = (bytes: Uint8Array, format: number) =>
  sealContainer(redact(secret), bytes, deriveKey, randomBytes, format);
const open = (bytes: Uint8Array, password = secret) => openContainer(redact(password), bytes, deriveKey);

describe('an encrypted body', () => {
  it('opens to what was sealed, of any length and format', () =>
    fc.assert(
      fc.asyncProperty(plain, id, async (bytes, format) => {
        expect(Buffer.compare(await open(await sealed(bytes, format)), bytes)).toBe(0);
      }),
      { numRuns: 200 },
    ));

  /** What may happen to a body on its way; never the same bytes again. */
  const harms = fc.oneof(
    fc.record({ at: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) }).map(({ at, bit }) => (body: Buffer) => {
      const harmed = Buffer.from(body);
      const place = at % body.length;
      harmed[place] = (harmed[place] ?? 0) ^ (1 << bit);
      return harmed;
    }),
    fc.nat().map((length) => (body: Buffer) => body.subarray(0, length % body.length)),
    fc.uint8Array({ minLength: 1, maxLength: 20_000 }).map((more) => (body: Buffer) => Buffer.concat([body, more])),
    fc.nat().map((from) => (body: Buffer) => body.subarray(1 + (from % body.length))),
  );

  it('that was altered, cut or lengthened anywhere does not open', () =>
    fc.assert(
      fc.asyncProperty(plain, id, harms, async (bytes, format, harm) => {
        await expect(open(harm(await sealed(bytes, format)))).rejects.toBeInstanceOf(ContainerError);
      }),
      { numRuns: 500 },
    ));

  it('that is anything at all, or sealed with another secret, is told as no container', () =>
    fc.assert(
      fc.asyncProperty(plain, fc.string(), async (bytes, password) => {
        await expect(open(bytes)).rejects.toBeInstanceOf(ContainerError);
        fc.pre(password !== secret);
        await expect(open(await sealed(bytes, 2), password)).rejects.toBeInstanceOf(ContainerError);
      }),
      { numRuns: 200 },
    ));
});

describe('an answer of the admin API', () => {
  let server: Server;
  let answer: { readonly status: number; readonly body: Buffer };
  let uplink: Uplink;
  let client: AdminClient;
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(answer.status).end(answer.body));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const credentials = { accessKeyId: 'operator', secretAccessKey: redact(secret) };
    const connection = connectionTo(endpoint, {
      credentials,
      retry: { maxAttempts: 1, backoffStrategy: 'linear' },
    });
    // Its clock runs fast, so that neither the rate nor the circuit makes anything wait.
    ({ uplink } = createWirePool(connection, driverDeps({ elapsedMs: () => performance.now() * 10_000 })));
    client = createAdminClient({ connection, uplink, deriveKey, randomBytes, pathPrefix: '/minio/admin/v3' });
  });
  afterAll(async () => {
    uplink.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  const target = {
    host: '127.0.0.1:9000',
    isSecure: false,
    bucket: 'copies',
    healthCheckNs: 0,
    region: 'us-east-1',
    credentials: { accessKeyId: 'copier', secretAccessKey: redact(otherSecret) },
  };
  /** Each read, and what its value must be whatever came. */
  const reads: readonly (readonly [string, (from: AdminClient) => Promise<unknown>, (value: never) => boolean])[] = [
    [
      'user',
      (from) => getUser(from, 'u', recordingContext()),
      (user: Awaited<ReturnType<typeof getUser>>) =>
        user === undefined || [...user.policies, ...user.groups].every((one) => typeof one === 'string'),
    ],
    ['users', (from) => listUserNames(from, recordingContext()), (names: readonly unknown[]) => Array.isArray(names)],
    [
      'policy',
      (from) => getCannedPolicy(from, 'p', recordingContext()),
      (policy: Awaited<ReturnType<typeof getCannedPolicy>>) => {
        if (policy === undefined) return true;
        markInPolicy(policy);
        return readUserPolicy(policy, { cluster: 'c', namespace: 'n', name: 'n', uid: 'u' }).owner !== 'us';
      },
    ],
    [
      'keys',
      (from) => listServiceAccounts(from, 'u', recordingContext()),
      (keys: Awaited<ReturnType<typeof listServiceAccounts>>) => keys.every(({ accessKeyId }) => isText(accessKeyId)),
    ],
    [
      'parent',
      (from) => parentOf(from, 'k', recordingContext()),
      (parent: unknown) => parent === undefined || isText(parent),
    ],
    [
      'version',
      (from) => getServerVersion(from, recordingContext()),
      (version: unknown) => version === undefined || typeof version === 'string',
    ],
    ['quota', (from) => getBucketQuota(from, 'b', recordingContext()), (quota: unknown) => typeof quota === 'number'],
    [
      'targets',
      (from) => listRemoteTargets(from, 'b', recordingContext()),
      (targets: Awaited<ReturnType<typeof listRemoteTargets>>) =>
        targets.every(({ arn, host }) => isText(arn) && isText(host)),
    ],
    [
      'new target',
      (from) => setRemoteTarget(from, 'b', target, undefined, recordingContext()),
      (answer: Awaited<ReturnType<typeof setRemoteTarget>>) => 'refusal' in answer || isText(answer.arn),
    ],
  ];

  /** A value of its type, or a Fault that tells no secret; never a bug. */
  const judge = async (
    [name, read, isWell]: (typeof reads)[number],
    from: AdminClient,
  ): Promise<string | undefined> => {
    try {
      return isWell((await read(from)) as never) ? undefined : `${name}: a value of another type`;
    } catch (error) {
      if (!(error instanceof Fault)) return `${name}: ${String(error)}`;
      return [secret, otherSecret].some((one) => error.message.includes(one)) ? `${name}: a secret` : undefined;
    }
  };

  // Objects whose keys are those of the API, or such as a careless reader falls for.
  const key = fc.constantFrom(
    ...['accounts', 'accessKey', 'accountStatus', 'description', 'parentUser', 'policyName', 'status', 'memberOf'],
    ...['servers', 'version', 'quota', 'size', 'arn', 'endpoint', 'targetbucket', 'credentials', 'healthCheckDuration'],
    ...['ID', 'Statement', 'Sid', 'Action', 'toString', '__proto__', 'constructor', 'length'],
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1, 1e400, '', 'on', 'enabled', `s3.cloud37.dev/c/n/n/u`),
      fc.string({ maxLength: 8 }),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(key, tie('json'), { maxKeys: 5 }),
    ),
  }));

  it.each(reads.map((read) => [read[0], read] as const))(
    'of any JSON is a %s or refused as what it is not',
    (_name, read) =>
      fc.assert(
        fc.asyncProperty(json, async (value) => {
          const from: AdminClient = {
            endpoint: 'http://minio.test',
            send: () => Promise.resolve(value),
            sendExpecting: () => Promise.resolve({ value }),
          };
          expect(await judge(read, from)).toBeUndefined();
        }),
        { numRuns: 300 },
      ),
  );

  it('of any status and body, sealed or not, is a value or a Fault without a secret', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...reads),
        fc.constantFrom(200, 204, 400, 403, 404, 426, 500, 503),
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          json.map((value) => Buffer.from(JSON.stringify(value))),
          fc
            .string({ maxLength: 40 })
            .map((Code) => Buffer.from(JSON.stringify({ Code, Message: secret.slice(0, 4) }))),
        ),
        fc.boolean(),
        async (read, status, body, isSealed) => {
          answer = { status, body: isSealed ? await sealed(body, 2) : body };
          expect(await judge(read, client)).toBeUndefined();
        },
      ),
      { numRuns: 150 },
    ));
});
