import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  accessKeySpec,
  bucketSpec,
  controllerOf,
  ourKinds,
  passRequest,
  publicPolicySpec,
  s3View,
  tally,
  until,
  untilPasses,
  untilQuiet,
  type Controller,
  type ControllerName,
  type OurKind,
  type World,
} from '@operator/tools/harness';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startWorld } from './world.ts';

/* Controllers and CRDs are upgraded one after the other: for a while each meets the other of another version. */

interface Crd {
  readonly spec: {
    readonly names: { readonly kind: OurKind };
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: { readonly properties: Record<'spec' | 'status', Schema> } };
    }[];
  };
}
interface Schema {
  properties: Record<string, object>;
}

const namespace = 'versions';
const bucketName = 'crd-versions';

let world: World;
const controllers = {} as Record<ControllerName, Controller>;

beforeAll(async () => {
  world = await startWorld('crd-versions', ['minio']);
  const { kube } = world;
  await world.createNamespace(namespace);
  for (const name of Object.values(controllerOf)) controllers[name] = await world.startController(name);
  await world.createProvider(namespace, 'one', { server: 'minio' });
  await kube.create('Bucket', namespace, 'one', bucketSpec('one', bucketName));
  await kube.create('BucketPolicy', namespace, 'one', publicPolicySpec('one', 's3:GetObject'));
  await kube.create('AccessKey', namespace, 'one', accessKeySpec('one', 'one', 'ReadWrite'));
  await allReady();
});
afterAll(() => world.stop());

const allReady = async () => {
  for (const kind of ourKinds) await world.kube.untilReady(kind, namespace, 'one');
};

/** Applies the CRDs of crds/ after `change` to the schema of each; resolves once objects are stored by it. */
const applyCrds = async (change: (kind: OurKind, of: Record<'spec' | 'status', Schema>) => void = () => undefined) => {
  const folder = join(projectRoot, 'crds');
  const items = readdirSync(folder).map((file) => {
    const crd = parse(readFileSync(join(folder, file), 'utf8')) as Crd;
    for (const { schema } of crd.spec.versions) change(crd.spec.names.kind, schema.openAPIV3Schema.properties);
    return crd;
  });
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await world.controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], list);
  for (const kind of ourKinds)
    await until(
      () => world.kube.list(kind),
      () => true,
      { what: `${kind} can be listed` },
    );
};

/** Has every object passed once more, and waits until no controller does anything of its own accord. */
const passAll = async (at: string) => {
  const before = new Map<OurKind, number>();
  for (const kind of ourKinds) before.set(kind, await controllers[controllerOf[kind]].passes(kind));
  for (const kind of ourKinds) await world.kube.patch(kind, namespace, 'one', passRequest(at));
  for (const kind of ourKinds) await untilPasses(controllers[controllerOf[kind]], kind, (before.get(kind) ?? 0) + 1);
  await untilQuiet(world.traffic);
};

/** How many passes each kind has had. */
const passesSoFar = async (): Promise<ReadonlyMap<OurKind, number>> =>
  new Map(
    await Promise.all(
      ourKinds.map(async (kind) => [kind, await controllers[controllerOf[kind]].passes(kind)] as const),
    ),
  );

const statusWrites: Readonly<Record<OurKind, string>> = {
  Provider: 'patch providers/status',
  Bucket: 'patch buckets/status',
  BucketPolicy: 'patch bucketpolicies/status',
  AccessKey: 'patch accesskeys/status',
};

const writesSince = (mark: number) => tally(world.traffic.since(mark, ({ effect }) => effect === 'write'));
const key = async () => (await world.kube.get('AccessKey', namespace, 'one'))?.status?.accessKeyId;

describe('controllers', () => {
  beforeEach(() => applyCrds());

  it('that are older than the CRDs leave alone what they do not know, and write nothing for it', async () => {
    const before = await key();
    await applyCrds((_, { spec, status }) => {
      spec.properties.later = { type: 'object', properties: { enabled: { type: 'boolean', default: true } } };
      status.properties.later = { type: 'string' };
    });
    for (const kind of ourKinds) await world.kube.patch(kind, namespace, 'one', { spec: { later: {} } });
    await allReady();
    await passAll('newer-1');
    const mark = world.traffic.mark();
    await passAll('newer-2');
    expect(writesSince(mark)).toBe('');
    for (const kind of ourKinds)
      expect(await world.kube.get(kind, namespace, 'one')).toMatchObject({ spec: { later: { enabled: true } } });
    expect(await key()).toBe(before);
  });

  it('that are newer than the CRDs lose nothing when what they write is not stored, and write no more than once for each pass', async () => {
    const before = await key();
    const unknown: Readonly<Record<OurKind, readonly string[]>> = {
      Provider: ['capabilities', 'serverVersion', 'inUseBy'],
      Bucket: ['managed', 'ownedSince', 'arn'],
      BucketPolicy: ['lastSyncTime', 'region'],
      AccessKey: ['pairGeneration', 'answeredRotateRequest', 'policyHash'],
    };
    await applyCrds((kind, { status }) => {
      for (const field of unknown[kind]) Reflect.deleteProperty(status.properties, field);
    });
    await passAll('older-1');
    const mark = world.traffic.mark();
    const former = await passesSoFar();
    await passAll('older-2');
    await allReady();
    // Who refers to others is passed again when these have news.
    const passes = await passesSoFar();
    const written = Map.groupBy(
      world.traffic.since(mark, ({ effect }) => effect === 'write'),
      ({ operation }) => operation,
    );
    expect([...written.keys()].toSorted()).toEqual(Object.values(statusWrites).toSorted());
    for (const kind of ourKinds)
      expect(written.get(statusWrites[kind])?.length, kind).toBeLessThanOrEqual(
        (passes.get(kind) ?? 0) - (former.get(kind) ?? 0),
      );
    expect(await key()).toBe(before);
    expect(await s3View(world.server('minio')).bucketNames(bucketName)).toEqual([bucketName]);

    await applyCrds();
    await passAll('current-1');
    await allReady();
    const current = world.traffic.mark();
    await passAll('current-2');
    expect(writesSince(current)).toBe('');
    expect(await key()).toBe(before);
  });
});
