import type { BucketFeature } from '@operator/api';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { IAMClient, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { asFault, redact, type Fault } from '@operator/outcome';
import {
  birthOf,
  createBucket,
  deleteBucketPolicy,
  emptyBucketBatch,
  lookUpCreation,
  observeExistence,
  putBucketPolicy,
  readBucketPolicy,
  readHold,
  readOwner,
  removeBucket,
  verifyKey,
  type AspectView,
  type BucketWire,
  type Connection,
  type Driver,
  type DriverFactory,
  type KeyIssuer,
  type KeyPair,
  type KeyUser,
  type Part,
} from '@operator/s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bucketContext, bucketSpec, driverDeps, ownerMark, recordingContext } from './builders.ts';
import { declarationsWith, prepareSurroundings, surroundings, type Surroundings } from './declarations.ts';
import { createConvergence, featureConformance, verdictsOf } from './feature-conformance.ts';
import { independentClient } from './independent-client.ts';

/** A running server, and how to reach it as its administrator. */
export interface ServerUnderTest {
  readonly connection: Connection;
  stop(): Promise<void>;
}

export interface ConformanceOptions {
  /** Driver and server, for the title. */
  readonly name: string;
  readonly createDriver: DriverFactory;
  readonly start: () => Promise<ServerUnderTest>;
  /** Features and parts of them that this very server lacks. */
  readonly lacks?: readonly (BucketFeature | Part)[];
  /** What the server has around its buckets; what moto takes when absent. */
  readonly surroundings?: Surroundings;
  /** True when the driver knows without asking what its server has. */
  readonly isCertain?: boolean;
  /** True when keys can be issued on this server. */
  readonly issuesKeys: boolean;
  /** True when no list of the server shows the keys of objects that XML cannot carry. */
  readonly hidesOddKeys?: boolean;
  /** True when the server locks objects and holds to it. */
  readonly locksObjects?: boolean;
  /** True when versioning can be suspended on a bucket with object lock, as the S3 API does not allow. */
  readonly suspendsUnderLock?: boolean;
  /** True when users are those of the AWS IAM protocol at the address of `iamEndpoint`, where others can change them. */
  readonly speaksIam?: boolean;
  /** True when the server answers AccessDenied to keys that it does not know: nothing but a success then proves a key. */
  readonly deniesUnknownKeys?: boolean;
}

type KeyVerdict = Awaited<ReturnType<typeof verifyKey>>;

const patienceMs = 20_000;

const stepsOf = (views: readonly AspectView[]) =>
  views.flatMap((view) => (view.verdict === 'different' ? [view.step] : []));

/** The Fault a call ends with; fails when it succeeds. */
const faultOf = async (call: Promise<unknown>): Promise<Fault> => {
  try {
    await call;
  } catch (error) {
    return asFault(error);
  }
  throw new Error('expected a Fault, but the call succeeded');
};

/**
 * What every driver must do on a real server: one vitest suite. Servers are started once; each test has a bucket or user of
 * its own.
 */
export const driverConformance = (options: ConformanceOptions): void => {
  describe(`${options.name} conforms`, () => {
    /** A test that this server is concerned by; another server's run does not have it, rather than skip it. */
    const testIf = (isConcerned: boolean, title: string, run: () => Promise<void> | void): void => {
      if (isConcerned) it(title, run);
    };

    const lacks: ReadonlySet<BucketFeature | Part> = new Set(options.lacks ?? []);
    let server: ServerUnderTest | undefined;
    let driver: Driver;
    let independent: S3Client;
    const extra: Driver[] = [];
    const context = recordingContext();
    let leaptMs = 0;
    /** Looks come as far apart as passes do: none is served by what the one before has seen. */
    const leap = () => void (leaptMs += 10_000);
    const deps = driverDeps({ elapsedMs: () => performance.now() + leaptMs });

    beforeAll(async () => {
      server = await options.start();
      driver = options.createDriver(server.connection, deps);
      const { endpoint, region, credentials } = server.connection;
      independent = independentClient({
        endpoint,
        region,
        accessKey: credentials.accessKeyId,
        secretKey: credentials.secretAccessKey.reveal(),
      });
      await prepareSurroundings(independent, [...lacks]);
    });
    afterEach(() => {
      for (const other of extra.splice(0)) other.close();
      context.clear();
    });
    afterAll(async () => {
      driver.close();
      independent.destroy();
      await server?.stop();
    });

    const driverWith = (overrides: Partial<Connection>): Driver => {
      const other = options.createDriver({ ...driver.connection, ...overrides }, driverDeps());
      extra.push(other);
      return other;
    };
    const freshName = () => `conf-${randomUUID().slice(0, 13)}`;
    const freshBucket = async (spec = bucketSpec()): Promise<BucketWire> => {
      const bucket = freshName();
      await createBucket(driver, { bucket, born: birthOf(driver, spec, bucketContext()).input }, context);
      context.clear();
      return { wire: driver.wire(), bucket };
    };
    const put = (s3: BucketWire, Key: string) =>
      s3.wire.send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body: 'content' }), context);

    describe('health', () => {
      it('is good with good credentials', async () => {
        expect(await driver.checkHealth(context)).toMatchObject({ listDenied: false });
        expect(context.writes()).toEqual([]);
      });

      for (const [what, wrong] of [
        ['a wrong secret', { secretAccessKey: redact('wrong-wrong-wrong') }],
        ['an unknown key', { accessKeyId: 'AKIAUNKNOWN000000000' }],
      ] as const)
        it(`is AuthFailed with ${what}, after one attempt`, async () => {
          const withWrong = () => driverWith({ credentials: { ...driver.connection.credentials, ...wrong } });
          // A server that has just started answers 503 until it has loaded its users; MinIO does so for keys that it does not know.
          const first = async () => (await faultOf(withWrong().checkHealth(recordingContext()))).reason;
          await expect.poll(first, { timeout: 30_000 }).not.toBe('Throttled');
          // Another driver: what the first one learned of the server it has still to ask.
          const other = withWrong();
          expect(await faultOf(other.checkHealth(context))).toMatchObject({ kind: 'waiting', reason: 'AuthFailed' });
          // Where it says nothing, a second one, with a made-up key, tells what it is worth.
          const attempts = context.calls.filter(({ operation }) => operation === 'ListBuckets');
          expect(attempts).toHaveLength(options.deniesUnknownKeys === true ? 2 : 1);
        });
    });

    describe('a bucket', () => {
      it('is absent, then present after its creation, then absent after its removal', async () => {
        const bucket = freshName();
        expect(await observeExistence(driver, { bucket }, context)).toEqual({ state: 'absent' });
        expect(await lookUpCreation(driver, { bucket }, context)).toEqual({ kind: 'notListed' });
        const beforeMs = performance.timeOrigin + performance.now() - 5_000;
        const made = await createBucket(driver, { bucket }, context);
        expect(made.outcome).toBe('created');
        expect(Math.abs((made.at?.getTime() ?? 0) - (performance.timeOrigin + performance.now()))).toBeLessThan(5_000);
        context.clear();
        expect(await observeExistence(driver, { bucket }, context)).toMatchObject({ state: 'present' });
        expect(context.calls).toHaveLength(1);
        const creation = await lookUpCreation(driver, { bucket }, context);
        expect(creation.kind === 'listed' ? creation.at.getTime() : creation).toBeGreaterThan(beforeMs);
        if (driver.refusesRecreation === true)
          expect(await createBucket(driver, { bucket }, context)).toMatchObject({ outcome: 'alreadyOurs' });
        await removeBucket(driver, { bucket }, context);
        expect(await observeExistence(driver, { bucket }, context)).toEqual({ state: 'absent' });
        expect(await observeExistence(driver, { bucket, wasThere: true }, context)).toEqual({ state: 'absent' });
        await removeBucket(driver, { bucket }, context);
      });

      it('that holds something is not removed, and is emptied in batches', async () => {
        const s3 = await freshBucket();
        const { bucket } = s3;
        const versioned = bucketSpec({ versioning: { enabled: true, mfaDelete: false } });
        if (!lacks.has('versioning')) await converge(s3, versioned);
        for (const key of ['a', 'b/c', 'ü ñ?']) await put(s3, key);
        await put(s3, 'a');
        await s3.wire.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'b/c' }), context);
        await s3.wire.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'big' }), context);

        expect(await faultOf(removeBucket(driver, { bucket }, context))).toMatchObject({
          kind: 'waiting',
          reason: 'BucketNotEmpty',
          retryAfterMs: 60_000,
        });
        const batch = await emptyBucketBatch(driver, { bucket }, context);
        expect(batch).toMatchObject({ remaining: false, blocked: [] });
        expect(batch.deletedObjects).toBeGreaterThanOrEqual(lacks.has('versioning') ? 2 : 5);
        const next = await emptyBucketBatch(driver, { bucket }, context);
        expect(next).toEqual({ deletedObjects: 0, abortedUploads: 0, remaining: false, blocked: [] });
        await removeBucket(driver, { bucket }, context);
      });

      testIf(
        options.locksObjects === true,
        'with a locked object is emptied of all else, and the lock is told',
        async () => {
          const bucket = freshName();
          await createBucket(driver, { bucket, born: { ObjectLockEnabledForBucket: true } }, context);
          const s3 = { wire: driver.wire(), bucket };
          await put(s3, 'free');
          const until = new Date(performance.timeOrigin + performance.now() + 3_600_000);
          await s3.wire.send(
            new PutObjectCommand({
              Bucket: bucket,
              Key: 'locked',
              Body: 'content',
              ChecksumAlgorithm: 'CRC32',
              ObjectLockMode: 'GOVERNANCE',
              ObjectLockRetainUntilDate: until,
            }),
            context,
          );
          const batch = await emptyBucketBatch(driver, { bucket }, context);
          expect(batch).toMatchObject({ deletedObjects: 1, remaining: true });
          expect(batch.blocked).toMatchObject([{ key: 'locked' }]);
          const [blocked] = batch.blocked;
          if (blocked === undefined) throw new Error('there is one');
          const hold = await readHold(driver, { bucket }, blocked, context);
          expect(hold).toMatchObject({ retention: { mode: 'GOVERNANCE' }, hasLegalHold: false });
          // Servers cut what is less than a second.
          expect(Math.abs((hold?.retention?.until.getTime() ?? 0) - until.getTime())).toBeLessThan(1_000);
          expect(await emptyBucketBatch(driver, { bucket }, context)).toMatchObject({
            deletedObjects: 0,
            remaining: true,
          });
        },
      );

      it('that holds keys which XML cannot carry is emptied of them too, or the Fault shows one', async () => {
        const s3 = await freshBucket();
        const { bucket } = s3;
        for (const key of ['plain', 'a b+c%20d', 'ü&<>', 'v\x0bt', 'w\x10x', 'z\ufffe']) await put(s3, key);
        const batch = await emptyBucketBatch(driver, { bucket }, context);
        if (options.hidesOddKeys === true) {
          expect(batch).toMatchObject({ deletedObjects: 3, remaining: true, fault: { reason: 'RequestRefused' } });
          for (const key of ['v\x0bt', 'w\x10x', 'z\ufffe']) {
            await s3.wire.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), context);
          }
        } else expect(batch).toEqual({ deletedObjects: 6, abortedUploads: 0, remaining: false, blocked: [] });
        await removeBucket(driver, { bucket }, context);
      });

      it('that is absent counts as emptied', async () => {
        expect(await emptyBucketBatch(driver, { bucket: freshName() }, context)).toMatchObject({
          deletedObjects: 0,
          remaining: false,
        });
      });
    });

    const convergence = createConvergence(() => driver, context, leap);
    const { look, converge } = convergence;

    describe('features', () => {
      featureConformance({
        convergence,
        restart() {
          const other = driverWith({});
          return { look: createConvergence(() => other, context, leap).look, wire: other.wire() };
        },
        independent: () => independent,
        lacks,
        declarations: declarationsWith(options.surroundings ?? surroundings.moto),
        freshBucket,
        it,
      });

      testIf(!lacks.has('versioning'), 'versioning that was never on needs no write to be off', async () => {
        const s3 = await freshBucket();
        const views = await look(s3, bucketSpec({ versioning: { enabled: false, mfaDelete: false } }));
        expect(verdictsOf(views).versioning).toBe('same');
      });

      testIf(!lacks.has('versioning'), 'MFA delete is said to be unsupported while versioning converges', async () => {
        const s3 = await freshBucket();
        const views = await converge(s3, bucketSpec({ versioning: { enabled: true, mfaDelete: true } }));
        expect(verdictsOf(views).versioning).toBe('unsupported');
        expect(
          verdictsOf(await look(s3, bucketSpec({ versioning: { enabled: true, mfaDelete: false } }))).versioning,
        ).toBe('same');
      });

      testIf(
        !lacks.has('versioning'),
        `MFA delete is ${lacks.has('mfaDelete') ? 'seen not to come' : 'refused'} with a device that nobody has, while versioning converges`,
        async () => {
          const s3 = await freshBucket();
          const values = new Map([
            ['serial', redact(`conformance-${randomUUID()}`)],
            ['seed', redact('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')],
          ]);
          const bucket = bucketContext({ inputs: new Map([['versioning.mfa', { kind: 'Secret', values }]]) });
          const mfaSecretRef = { name: 'device', serialKey: 'serial', seedKey: 'seed' };
          const guarded = bucketSpec({ versioning: { enabled: true, mfaDelete: true, mfaSecretRef } });
          if (lacks.has('mfaDelete')) {
            expect(verdictsOf(await converge(s3, guarded, bucket)).versioning).toBe('unsupported');
          } else {
            const step = stepsOf(await look(s3, guarded, bucket)).find(({ name }) => name === 'versioning');
            expect(await faultOf(step?.apply(context) ?? Promise.resolve())).toMatchObject({ reason: 'AccessDenied' });
          }
          const plain = bucketSpec({ versioning: { enabled: true, mfaDelete: false, mfaSecretRef } });
          expect(verdictsOf(await look(s3, plain, bucket)).versioning).toBe('same');
        },
      );

      if (!lacks.has('objectLock')) {
        const versioned = { enabled: true, mfaDelete: false };
        const locked = bucketSpec({ versioning: versioned, objectLock: { enabled: true } });

        it('objectLock of a bucket that was made without it comes later, or it is said that only a new bucket gets it', async () => {
          const s3 = await freshBucket();
          const views = await converge(s3, locked);
          const isLate = !lacks.has('laterObjectLock');
          expect(verdictsOf(views)).toMatchObject({ versioning: 'same', objectLock: isLate ? 'same' : 'unsupported' });
          if (!isLate)
            expect(views).toContainEqual(
              expect.objectContaining({ message: expect.stringMatching(/Recreate/) as unknown }),
            );
        });

        it('objectLock that is there cannot be declared off, and versioning cannot be suspended under it', async () => {
          const s3 = await freshBucket(locked);
          await converge(s3, locked);
          const views = await converge(s3, bucketSpec({ versioning: versioned, objectLock: { enabled: false } }));
          expect(views).toContainEqual(
            expect.objectContaining({
              verdict: 'unsupported',
              message: expect.stringMatching(/no server takes away/) as unknown,
            }),
          );
          if (options.suspendsUnderLock === true) return;
          const [step] = stepsOf(await look(s3, bucketSpec({ versioning: { ...versioned, enabled: false } })));
          expect(await faultOf(step?.apply(context) ?? Promise.resolve())).toMatchObject({
            reason: 'RequestRefused',
            message: expect.stringMatching(/keeps object lock for ever/) as unknown,
          });
        });

        it('objectLock keeps a new object as long as the default says, in years and in COMPLIANCE', async () => {
          const s3 = await freshBucket(locked);
          const defaultRetention = { mode: 'COMPLIANCE', years: 1 } as const;
          const spec = bucketSpec({ versioning: versioned, objectLock: { enabled: true, defaultRetention } });
          expect(verdictsOf(await converge(s3, spec)).objectLock).toBe('same');
        });
      }

      testIf(!lacks.has('tagging'), 'the mark is written and read back, without any declared tag', async () => {
        const s3 = await freshBucket();
        await converge(s3, bucketSpec());
        const seen = await readOwner(s3, context);
        expect(seen).toMatchObject({ kind: 'marked', mark: ownerMark() });
        expect(driver.marksBuckets).toBe(true);
      });

      it('a declared feature that is not there is named, and the others converge', async () => {
        const s3 = await freshBucket();
        // No server has both.
        const feature = driver.unsupported.has('cloudTrail') ? 'cloudTrail' : 'quota';
        const absent = {
          cloudTrail: { enabled: true, trail: 'audit', events: 'All' },
          quota: { maxBytes: 1 },
        } as const;
        const spec = bucketSpec({
          [feature]: absent[feature],
          ...(lacks.has('tagging') ? {} : { tagging: { tags: { team: 'a' } } }),
        });
        const views = await converge(s3, spec);
        expect(verdictsOf(views)).toMatchObject({
          [feature]: 'unsupported',
          ...(lacks.has('tagging') ? {} : { tagging: 'same' }),
        });
      });

      it('are found by reads alone: supported is what shows content, and what was never seen to work is not', async () => {
        const s3 = await freshBucket();
        const enabled = !lacks.has('versioning');
        await converge(s3, bucketSpec({ versioning: { enabled, mfaDelete: false } }));
        // Another process, which has written nothing.
        const other = driverWith({});
        const capabilities = await other.probe(context, s3.bucket);
        const has = (feature: BucketFeature) => (lacks.has(feature) ? 'Unsupported' : 'Supported');
        expect(capabilities).toMatchObject({ versioning: has('versioning'), tagging: has('tagging') });
        for (const [feature, support] of Object.entries(await other.probe(context))) {
          if (options.isCertain !== true && feature !== 'accessKeys')
            expect({ [feature]: support }).not.toEqual({ [feature]: 'Supported' });
        }
        expect(capabilities.mfaDelete).toBe(driver.unsupported.has('mfaDelete') ? 'Unsupported' : undefined);
        expect(context.writes()).toEqual([]);
      });
    });

    describe('a bucket policy', () => {
      const policyFor = (bucket: string) => ({
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'Read',
            Effect: 'Allow',
            Principal: '*',
            Action: 's3:GetObject',
            Resource: `arn:aws:s3:::${bucket}/*`,
          },
        ],
      });

      it('is absent, written, read and removed; the bucket stays', async () => {
        const s3 = await freshBucket();
        expect(await readBucketPolicy(s3, context)).toBeUndefined();
        await putBucketPolicy(s3, policyFor(s3.bucket), context);
        expect(await readBucketPolicy(s3, context)).toMatchObject({ Statement: [{ Sid: 'Read', Effect: 'Allow' }] });
        await deleteBucketPolicy(s3, context);
        expect(await readBucketPolicy(s3, context)).toBeUndefined();
        context.clear();
        await deleteBucketPolicy(s3, context);
        expect(context.writes()).toEqual([]);
        expect(await observeExistence(driver, s3, context)).toMatchObject({ state: 'present' });
      });
    });

    if (options.issuesKeys)
      describe('keys', () => {
        const issuer = (): KeyIssuer => {
          if (typeof driver.keys === 'string') throw new Error(driver.keys);
          return driver.keys;
        };
        const freshUser = (overrides: Partial<KeyUser> = {}): KeyUser => {
          const mark = ownerMark({ name: 'app', uid: randomUUID() });
          return { name: issuer().userNameFor(mark), mark, tags: new Map(), ...overrides };
        };
        const chosenPair = (): KeyPair | undefined =>
          issuer().choosesPair
            ? {
                accessKeyId: `K${randomBytes(8).toString('hex')}`,
                secretAccessKey: redact(randomBytes(16).toString('hex')),
              }
            : undefined;
        const allow = (bucket: string) => ({
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Action: ['s3:*'], Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] },
          ],
        });
        const verdictOn = (pair: KeyPair, { bucket }: BucketWire) => verifyKey(driver, pair, context, bucket);
        const becomesUsable = (pair: KeyPair, s3: BucketWire) =>
          expect.poll(() => verdictOn(pair, s3), { timeout: patienceMs }).toBe('accepted');
        /** What is said of a key that the server refuses. */
        const refusal = (verdict: KeyVerdict): KeyVerdict =>
          options.deniesUnknownKeys === true ? 'unproven' : verdict;

        it('are issued to a user of their own, which may do what its policy says and nothing else', async () => {
          const [mine, other] = [await freshBucket(), await freshBucket()];
          const user = freshUser({ displayName: 'The app' });
          expect(await issuer().observeUser(user, context)).toBeUndefined();
          await issuer().putUser(user, context);
          await issuer().putPolicy(user, allow(mine.bucket), context);
          const pair = await issuer().createKey(user, chosenPair(), context);
          await becomesUsable(pair, mine);

          context.clear();
          const observed = await issuer().observeUser(user, context);
          expect(observed).toMatchObject({
            isOurs: true,
            needsUpdate: false,
            keys: [{ accessKeyId: pair.accessKeyId, isActive: true }],
          });
          expect(observed?.arn).toContain(user.name);
          expect(observed?.policy).toMatchObject({ Statement: [{ Effect: 'Allow' }] });
          expect(context.writes()).toEqual([]);

          const app = driver.wireAs(pair);
          await put({ wire: app, bucket: mine.bucket }, 'hello');
          expect((await faultOf(put({ wire: app, bucket: other.bucket }, 'hello'))).reason).toBe('AccessDenied');
          await issuer().putPolicy(user, undefined, context);
          await expect
            .poll(
              () =>
                put({ wire: app, bucket: mine.bucket }, 'again').then(
                  () => 'allowed',
                  (error: unknown) => asFault(error).reason,
                ),
              { timeout: patienceMs },
            )
            .toBe('AccessDenied');
          await issuer().deleteUser(user, context);
        });

        it('can be issued again and again with the same end: every call may be repeated', async () => {
          const user = freshUser();
          await issuer().putUser(user, context);
          await issuer().putUser(user, context);
          const policy = allow('anything');
          await issuer().putPolicy(user, policy, context);
          await issuer().putPolicy(user, policy, context);
          const pair = await issuer().createKey(user, chosenPair(), context);
          await issuer().deleteKey(user, pair.accessKeyId, context);
          await issuer().deleteKey(user, pair.accessKeyId, context);
          expect((await issuer().observeUser(user, context))?.keys).toEqual([]);
          await issuer().putPolicy(user, undefined, context);
          await issuer().putPolicy(user, undefined, context);
          expect(await issuer().deleteUser(user, context)).toEqual([]);
          expect(await issuer().deleteUser(user, context)).toBeUndefined();
          expect(await issuer().observeUser(user, context)).toBeUndefined();
        });

        it('show whose their users are, to the operator of their cluster alone', async () => {
          const others = ['first', 'second'].map((name) =>
            ownerMark({ cluster: randomUUID(), name, uid: randomUUID() }),
          );
          const users = others.map((mark) => freshUser({ name: issuer().userNameFor(mark), mark }));
          for (const user of users) {
            await issuer().putUser(user, context);
            await issuer().putPolicy(user, allow('anything'), context);
          }
          const [first, second] = users;
          if (first === undefined || second === undefined) throw new Error('two users are needed');
          context.clear();
          const found = await issuer().listUsers(first.mark.cluster, () => false, context);
          expect(found).toMatchObject({ isComplete: true, users: [{ name: first.name }] });
          // What a user bears is not signed, as the tags of a bucket are.
          const { cluster, namespace, name, uid } = first.mark;
          expect([undefined, { cluster, namespace, name, uid }]).toContainEqual(found.users[0]?.mark);
          expect(await issuer().listUsers(first.mark.cluster, (name) => name === first.name, context)).toEqual({
            isComplete: true,
            users: [],
          });
          expect(context.writes()).toEqual([]);
          for (const user of users) await issuer().deleteUser(user, context);
          expect((await issuer().listUsers(first.mark.cluster, () => false, context)).users).toEqual([]);
        });

        it('are not issued beyond the most that one user may hold', async () => {
          const most = issuer().maxKeysPerUser;
          const user = freshUser();
          await issuer().putUser(user, context);
          const enough = Math.min(most, 3);
          for (let key = 0; key < enough; key += 1) await issuer().createKey(user, chosenPair(), context);
          expect((await issuer().observeUser(user, context))?.keys).toHaveLength(enough);
          context.clear();
          if (Number.isFinite(most)) {
            expect(await faultOf(issuer().createKey(user, chosenPair(), context))).toMatchObject({
              kind: 'waiting',
              reason: 'KeyLimitReached',
            });
            expect(context.writes()).toHaveLength(1);
          }
          await issuer().deleteUser(user, context);
        });

        it('are not usable when the server does not know them', async () => {
          const unknown = { accessKeyId: 'AKIANOBODY0000000000', secretAccessKey: redact('nobody-knows-this') };
          expect(await verifyKey(driver, unknown, context)).toBe(refusal('unknown'));
        });

        it('are not usable with another secret', async () => {
          const [user, mine] = [freshUser(), await freshBucket()];
          await issuer().putUser(user, context);
          await issuer().putPolicy(user, allow(mine.bucket), context);
          const pair = await issuer().createKey(user, chosenPair(), context);
          await becomesUsable(pair, mine);
          const altered = { ...pair, secretAccessKey: redact('another-secret-of-somebody') };
          expect(await verdictOn(altered, mine)).toBe(refusal('wrongSecret'));
          await issuer().deleteUser(user, context);
        });

        testIf(
          options.speaksIam === true,
          'that somebody deactivated are shown so, which the answer to a call with them does not say',
          async () => {
            const [user, mine] = [freshUser(), await freshBucket()];
            await issuer().putUser(user, context);
            await issuer().putPolicy(user, allow(mine.bucket), context);
            const pair = await issuer().createKey(user, chosenPair(), context);
            await becomesUsable(pair, mine);
            const { iamEndpoint = '', region } = driver.connection;
            const credentials = independent.config.credentials;
            const iam = new IAMClient({ endpoint: iamEndpoint, region, credentials });
            await iam.send(
              new UpdateAccessKeyCommand({ UserName: user.name, AccessKeyId: pair.accessKeyId, Status: 'Inactive' }),
            );
            iam.destroy();
            await expect.poll(() => verdictOn(pair, mine), { timeout: patienceMs }).toBe(refusal('unknown'));
            expect((await issuer().observeUser(user, context))?.keys).toMatchObject([
              { accessKeyId: pair.accessKeyId, isActive: false },
            ]);
            await issuer().deleteUser(user, context);
          },
        );

        it('end with their user: what the key could do, it can no longer', async () => {
          const [user, mine] = [freshUser(), await freshBucket()];
          await issuer().putUser(user, context);
          await issuer().putPolicy(user, allow(mine.bucket), context);
          const pair = await issuer().createKey(user, chosenPair(), context);
          await becomesUsable(pair, mine);
          await issuer().deleteUser(user, context);
          await expect.poll(() => verdictOn(pair, mine), { timeout: patienceMs }).toBe(refusal('unknown'));
        });

        it('that may not list buckets leave the health good', async () => {
          const user = freshUser();
          await issuer().putUser(user, context);
          const pair = await issuer().createKey(user, chosenPair(), context);
          const usable = expect.poll(() => verifyKey(driver, pair, context), { timeout: patienceMs });
          await usable.toBe(refusal('accepted'));
          const weak = driverWith({ credentials: pair });
          const outcome = await weak
            .wire()
            .send(new ListBucketsCommand({}), context)
            .then(
              ({ Buckets = [] }) => `lists ${Buckets.length}`,
              (error: unknown) => asFault(error).reason,
            );
          if (options.deniesUnknownKeys === true && outcome === 'AccessDenied')
            expect(await faultOf(weak.checkHealth(context))).toMatchObject({ reason: 'AuthFailed' });
          else expect(await weak.checkHealth(context)).toMatchObject({ listDenied: outcome === 'AccessDenied' });
          const bucket = await freshBucket();
          expect(
            (await faultOf(weak.wire().send(new HeadBucketCommand({ Bucket: bucket.bucket }), context))).reason,
          ).toBe('AccessDenied');
          expect(await observeExistence(weak, bucket, context)).toMatchObject({ state: 'forbidden' });
          await issuer().deleteUser(user, context);
        });
      });

    testIf(!options.issuesKeys, 'keys cannot be issued, and the driver says what to set', () => {
      expect(driver.keys).toMatch(/iamEndpoint/);
    });
  });
};
