import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudTrailClient,
  CreateTrailCommand,
  GetEventSelectorsCommand,
  PutEventSelectorsCommand,
  type AdvancedEventSelector,
  type EventSelector,
  type PutEventSelectorsRequest,
} from '@aws-sdk/client-cloudtrail';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { redact, type CallContext } from '@operator/outcome';
import {
  createBucket,
  lookAtFeatures,
  retireFeatures,
  type Credentials,
  type Driver,
  type Managed,
} from '@operator/s3';
import { bucketContext, bucketSpec, connectionTo, driverDeps, recordingContext } from '@operator/testing';
import { startMoto, type S3Server } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAwsDriver } from '../aws-driver.ts';
import { objectsOf, recordedOf, selectorsIn } from './event-selectors.ts';

let dir: string;
let moto: S3Server;
/** Not the operator's: what it sees is what stands there. */
let judge: CloudTrailClient;
const drivers: Driver[] = [];
const context = recordingContext();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloud-trail-'));
  moto = await startMoto({ dir });
  const credentials = { accessKeyId: moto.accessKey, secretAccessKey: moto.secretKey };
  judge = new CloudTrailClient({ endpoint: moto.endpoint, region: moto.region, credentials });
  await createBucket(driverOf(), { bucket: 'logs' }, context);
});
afterEach(() => {
  for (const driver of drivers.splice(0)) driver.close();
  context.clear();
});
afterAll(async () => {
  judge.destroy();
  await moto.stop();
  await rm(dir, { recursive: true });
});

/** A clock on which neither the pace of calls nor a look that is shared holds a test up. */
const hurried = () => performance.now() * 10_000;

const driverOf = (
  credentials: Credentials = { accessKeyId: moto.accessKey, secretAccessKey: redact(moto.secretKey) },
  elapsedMs: () => number = hurried,
): Driver => {
  const driver = createAwsDriver(
    connectionTo(moto.endpoint, { region: moto.region, credentials }),
    driverDeps({ elapsedMs }),
  );
  drivers.push(driver);
  return driver;
};

let count = 0;
const fresh = (what: string) => `${what}-${String((count += 1))}`;

const management = { ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [] } satisfies EventSelector;
const theirsClassic = {
  ReadWriteType: 'All',
  IncludeManagementEvents: false,
  DataResources: [{ Type: 'AWS::S3::Object', Values: [objectsOf('theirs', 'aws')] }],
} satisfies EventSelector;
const theirsAdvanced = {
  Name: 'theirs',
  FieldSelectors: [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
    { Field: 'resources.ARN', StartsWith: [objectsOf('theirs', 'aws')] },
  ],
} satisfies AdvancedEventSelector;
const begun = {
  classic: { EventSelectors: [management, theirsClassic] },
  advanced: { AdvancedEventSelectors: [theirsAdvanced] },
} satisfies Record<string, Omit<PutEventSelectorsRequest, 'TrailName'>>;
type Kind = keyof typeof begun;
const kinds: readonly Kind[] = ['classic', 'advanced'];

/** A trail with selectors of a stranger. */
const makeTrail = async (kind: Kind): Promise<{ readonly name: string; readonly arn: string }> => {
  const name = fresh('trail');
  const { TrailARN = '' } = await judge.send(new CreateTrailCommand({ Name: name, S3BucketName: 'logs' }));
  const selectors = structuredClone(begun[kind]);
  await judge.send(new PutEventSelectorsCommand({ TrailName: name, ...selectors }));
  return { name, arn: TrailARN };
};

const seen = async (trail: string) => selectorsIn(await judge.send(new GetEventSelectorsCommand({ TrailName: trail })));
const recorded = async (trail: string, bucket: string) => recordedOf(await seen(trail), objectsOf(bucket, 'aws'));
/** The trail has of others what it had at first, in the same form. */
const expectOthersKept = async (trail: string, kind: Kind, ours: number) => {
  const found = await seen(trail);
  expect(found.kind).toBe(kind);
  const others = Object.values(begun[kind])[0] as readonly unknown[];
  expect(found.selectors).toEqual(expect.arrayContaining([...others]));
  expect(found.selectors).toHaveLength(others.length + ours);
};

const makeBucket = async (driver: Driver) => {
  const bucket = fresh('bucket');
  await createBucket(driver, { bucket }, context);
  return { wire: driver.wire(), bucket };
};
type S3 = Awaited<ReturnType<typeof makeBucket>>;

const specOf = (trail: string, events: 'All' | 'ReadOnly' | 'WriteOnly' = 'All', enabled = true) =>
  bucketSpec({ cloudTrail: { enabled, trail, events } });
const look = async (
  driver: Driver,
  s3: S3,
  spec: ReturnType<typeof specOf>,
  managed: Managed = {},
  within: CallContext = context,
) => {
  const views = await lookAtFeatures(driver, spec, bucketContext({ created: false, managed }), s3, within);
  const view = views.find(({ aspect }) => aspect === 'cloudTrail');
  if (view === undefined) throw new Error('it is declared');
  return view;
};
/** Applies what a look finds, until one finds nothing; what counts as ours then. */
const converge = async (
  driver: Driver,
  s3: S3,
  spec: ReturnType<typeof specOf>,
  managed: Managed = {},
): Promise<Managed> => {
  const first = await look(driver, s3, spec, managed);
  const known = { cloudTrail: first.managed ?? [] };
  if (first.verdict === 'different') expect(await first.step.apply(context)).toEqual({ end: 'done' });
  const second = await look(driver, s3, spec, known);
  if (second.verdict === 'different') return converge(driver, s3, spec, known);
  expect(second.verdict).toBe('same');
  return { cloudTrail: second.managed ?? [] };
};

describe.each(kinds)('a trail with %s selectors', (kind) => {
  it('records the buckets of two drivers that change it at once, and is given back by each', async () => {
    const { name } = await makeTrail(kind);
    const [one, other] = [driverOf(), driverOf()];
    const buckets = await Promise.all([one, other, one, other, one].map(async (driver) => makeBucket(driver)));
    await Promise.all(buckets.map((s3, index) => converge(index % 2 === 0 ? one : other, s3, specOf(name))));
    for (const { bucket } of buckets) expect(await recorded(name, bucket)).toEqual(['All']);
    await expectOthersKept(name, kind, 1);

    context.clear();
    for (const s3 of buckets) expect((await look(one, s3, specOf(name))).verdict).toBe('same');
    expect(context.writes()).toEqual([]);

    const last = { spec: specOf(name), bucket: bucketContext({ managed: { cloudTrail: [name] } }) };
    await Promise.all(buckets.map((s3) => retireFeatures(one, s3, last, context)));
    await expectOthersKept(name, kind, 0);
    context.clear();
    for (const s3 of buckets) await retireFeatures(other, s3, last, context);
    expect(context.writes()).toEqual([]);
  });

  it('records what is declared by then, and nothing once that is off', async () => {
    const { name } = await makeTrail(kind);
    const driver = driverOf();
    const s3 = await makeBucket(driver);
    let managed: Managed = {};
    for (const events of ['All', 'ReadOnly', 'WriteOnly'] as const) {
      managed = await converge(driver, s3, specOf(name, events), managed);
      expect(managed).toEqual({ cloudTrail: [name] });
      expect(await recorded(name, s3.bucket)).toEqual([events]);
    }
    expect(await converge(driver, s3, specOf(name, 'All', false), managed)).toEqual({ cloudTrail: [] });
    await expectOthersKept(name, kind, 0);
  });

  it('no longer records the bucket when the spec names another trail, and knows one by both of its names', async () => {
    const [former, next] = [await makeTrail(kind), await makeTrail(kind)];
    const driver = driverOf();
    const s3 = await makeBucket(driver);
    const managed = await converge(driver, s3, specOf(former.name));
    const byArn = await converge(driver, s3, specOf(former.arn), managed);
    expect(byArn).toEqual({ cloudTrail: [former.arn] });
    expect(await recorded(former.name, s3.bucket)).toEqual(['All']);
    expect(await converge(driver, s3, specOf(next.name), byArn)).toEqual({ cloudTrail: [next.name] });
    expect(await recorded(former.name, s3.bucket)).toEqual([]);
    expect(await recorded(next.name, s3.bucket)).toEqual(['All']);
    await expectOthersKept(former.name, kind, 0);
  });

  it('loses nothing to a process that is killed between its read and its write', async () => {
    const { name } = await makeTrail(kind);
    const [killed, next] = [driverOf(), driverOf()];
    const [s3, another] = [await makeBucket(killed), await makeBucket(next)];
    const view = await look(killed, s3, specOf(name));
    if (view.verdict !== 'different') throw new Error('expected a gap');
    expect(view.managed).toEqual([name]);
    const dying: CallContext = {
      ...context,
      call: (call, run) => (call.write ? Promise.reject(new Error('killed')) : context.call(call, run)),
    };
    await expect(view.step.apply(dying)).rejects.toThrow('killed');
    await converge(next, another, specOf(name));
    await converge(next, s3, specOf(name), { cloudTrail: view.managed ?? [] });
    expect(await recorded(name, s3.bucket)).toEqual(['All']);
    expect(await recorded(name, another.bucket)).toEqual(['All']);
    await expectOthersKept(name, kind, 1);
  });

  it('that somebody without the lock overwrites is seen at once, and written again', async () => {
    const { name } = await makeTrail(kind);
    const driver = driverOf();
    const s3 = await makeBucket(driver);
    const view = await look(driver, s3, specOf(name));
    if (view.verdict !== 'different') throw new Error('expected a gap');
    const disturbed: CallContext = {
      ...context,
      async call(call, run) {
        const answer = await context.call(call, run);
        if (call.write)
          await judge.send(new PutEventSelectorsCommand({ TrailName: name, ...structuredClone(begun[kind]) }));
        return answer;
      },
    };
    await expect(view.step.apply(disturbed)).rejects.toMatchObject({ kind: 'transient', reason: 'Conflict' });
    await converge(driver, s3, specOf(name));
    await expectOthersKept(name, kind, 1);
  });
});

it('one look serves all buckets of a trail for ten seconds, and drift is seen after that', async () => {
  let nowMs = 0;
  const { name } = await makeTrail('classic');
  const driver = driverOf(undefined, () => nowMs);
  const [one, other] = [await makeBucket(driver), await makeBucket(driver)];
  const reads = () => context.calls.filter(({ operation }) => operation === 'GetEventSelectors').length;
  await converge(driver, one, specOf(name));
  nowMs += 60_000;
  context.clear();
  expect((await look(driver, one, specOf(name))).verdict).toBe('same');
  expect((await look(driver, other, specOf(name))).verdict).toBe('different');
  expect(reads()).toBe(1);
  await judge.send(new PutEventSelectorsCommand({ TrailName: name, ...structuredClone(begun.classic) }));
  expect((await look(driver, one, specOf(name))).verdict).toBe('same');
  nowMs += 10_000;
  expect((await look(driver, one, specOf(name))).verdict).toBe('different');
  expect(reads()).toBe(2);
});

it('a trail that is not there is named with what to do, owes nothing to a wish for its absence, and keeps no deletion', async () => {
  const driver = driverOf();
  const s3 = await makeBucket(driver);
  expect(await look(driver, s3, specOf('nowhere'))).toMatchObject({
    verdict: 'blocked',
    fault: {
      kind: 'waiting',
      reason: 'TrailNotFound',
      message: expect.stringMatching(/no trail nowhere in region us-east-1\. Create it, or correct spec/) as string,
    },
  });
  expect((await look(driver, s3, specOf('nowhere', 'All', false))).verdict).toBe('same');
  const last = { spec: specOf('nowhere'), bucket: bucketContext({ managed: { cloudTrail: ['gone-too'] } }) };
  await retireFeatures(driver, s3, last, context);
});

it('a Bucket of a namespace that borrows the Provider changes no trail, asks about none, and says why', async () => {
  const { name } = await makeTrail('classic');
  const driver = driverOf();
  const s3 = await makeBucket(driver);
  await converge(driver, s3, specOf(name));
  context.clear();
  // What it says of itself is anybody's word, and its owner may record the bucket for reasons of their own.
  const bucket = bucketContext({ created: false, isBorrowed: true, managed: { cloudTrail: [name] } });
  const [tags, trail] = await lookAtFeatures(driver, specOf('another'), bucket, s3, context);
  expect(tags).toMatchObject({ aspect: 'tagging' });
  expect(trail).toMatchObject({ verdict: 'blocked', fault: { kind: 'terminal', reason: 'ReferenceNotGranted' } });
  const off = await lookAtFeatures(driver, specOf(name, 'All', false), bucket, s3, context);
  expect(off.map(({ aspect }) => aspect)).toEqual(['tagging']);
  await retireFeatures(driver, s3, { spec: specOf(name), bucket }, context);
  expect(context.calls.filter(({ operation }) => operation.includes('EventSelectors'))).toEqual([]);
  expect(await recorded(name, s3.bucket)).toEqual(['All']);
});

it('a trail of another region is found by its ARN there', async () => {
  const far = new CloudTrailClient({
    endpoint: moto.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: moto.accessKey, secretAccessKey: moto.secretKey },
  });
  const { TrailARN = '' } = await far.send(new CreateTrailCommand({ Name: 'far', S3BucketName: 'logs' }));
  const driver = driverOf();
  const s3 = await makeBucket(driver);
  await converge(driver, s3, specOf(TrailARN));
  const found = selectorsIn(await far.send(new GetEventSelectorsCommand({ TrailName: 'far' })));
  expect(recordedOf(found, objectsOf(s3.bucket, 'aws'))).toEqual(['All']);
  far.destroy();
});

it('credentials without the right to the trail are told which to give, and keep no other feature', async () => {
  const { name } = await makeTrail('classic');
  const admin = driverOf();
  const iam = new IAMClient({
    endpoint: moto.endpoint,
    region: moto.region,
    credentials: { accessKeyId: moto.accessKey, secretAccessKey: moto.secretKey },
  });
  await iam.send(new CreateUserCommand({ UserName: 'no-trails' }));
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
  await iam.send(
    new PutUserPolicyCommand({ UserName: 'no-trails', PolicyName: 's3', PolicyDocument: JSON.stringify(policy) }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'no-trails' }));
  iam.destroy();
  const driver = driverOf({
    accessKeyId: AccessKey?.AccessKeyId ?? '',
    secretAccessKey: redact(AccessKey?.SecretAccessKey ?? ''),
  });
  const s3 = { ...(await makeBucket(admin)), wire: driver.wire() };
  const spec = { ...specOf(name), versioning: { enabled: true, mfaDelete: false } };
  const views = await lookAtFeatures(driver, spec, bucketContext({ created: false }), s3, context);
  expect(views).toMatchObject([
    { aspect: 'tagging', verdict: 'different' },
    { aspect: 'versioning', verdict: 'different' },
    {
      aspect: 'cloudTrail',
      verdict: 'blocked',
      fault: {
        reason: 'AccessDenied',
        message: expect.stringMatching(
          new RegExp(`Allow the Provider's credentials cloudtrail:GetEventSelectors on the trail ${name}\\.`),
        ) as string,
      },
    },
  ]);
});
