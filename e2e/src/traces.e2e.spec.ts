import { join } from 'node:path';
import {
  accessKeySpec,
  bucketSpec,
  conditionOf,
  controllerOf,
  type Controller,
  type ControllerName,
  ourKinds,
  passRequest,
  publicPolicySpec,
  s3View,
  until,
  type World,
} from '@operator/tools/harness';
import { type CollectedSpan, type Collector, startCollector } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

const namespace = 'traced';
const content = 'what an object holds is nobody else’s';
const objectKey = 'an-object-with-a-name-of-its-own';

let world: World;
let collector: Collector;
const controllers = {} as Record<ControllerName, Controller>;

/** Two controllers send over gRPC, two over HTTP. */
const tracesOf = (name: ControllerName): Readonly<Record<string, string>> => ({
  ...(name === 'provider' || name === 'bucket'
    ? { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
    : { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl }),
  OTEL_BSP_SCHEDULE_DELAY: '100',
  S3_OPERATOR_TRACE_QUIET_RATIO: '1',
});

beforeAll(async () => {
  world = await startWorld('traces', ['minio']);
  collector = await startCollector({ dir: join(world.dir, 'logs', 'collector') });
  await world.createNamespace(namespace);
  for (const name of Object.values(controllerOf)) {
    const flags = [`--operator-namespace=${namespace}`];
    controllers[name] = await world.startController(name, { env: tracesOf(name), flags });
  }
  const { kube } = world;
  await world.createProvider(namespace, 'minio', { server: 'minio' });
  await kube.untilReady('Provider', namespace, 'minio');
  await kube.create('Bucket', namespace, 'photos', bucketSpec('minio', 'traced-photos'));
  await kube.untilReady('Bucket', namespace, 'photos');
  await kube.create('AccessKey', namespace, 'photos', accessKeySpec('minio', 'photos', 'ReadWrite'));
  await kube.create('BucketPolicy', namespace, 'photos', publicPolicySpec('photos', 's3:GetObject'));
  await kube.untilReady('AccessKey', namespace, 'photos');
  await kube.untilReady('BucketPolicy', namespace, 'photos');
});

afterAll(async () => {
  await world.stop();
  await collector.stop();
});

/** All spans, once there is one like this. */
const spansWith = async (what: string, isIt: (span: CollectedSpan) => boolean): Promise<readonly CollectedSpan[]> =>
  until(
    () => collector.spans(),
    (spans) => spans.some(isIt),
    { what, timeoutMs: 30_000 },
  );

const isRootOf = (kind: string, outcome: string) => (span: CollectedSpan) =>
  span.name === `reconcile ${kind}` && span.attributes.outcome === outcome;

const hasFailed = ({ status }: CollectedSpan): boolean => status.code === 2;

describe('traces', () => {
  it.each(ourKinds)('have a root for each pass over a %s: its outcome, its Provider, and who made it', async (kind) => {
    const spans = await spansWith(`a settled pass over the ${kind}`, isRootOf(kind, 'settled'));
    const root = spans.findLast(isRootOf(kind, 'settled'));
    expect(root?.parentSpanId ?? '').toBe('');
    expect(root?.status).toEqual({});
    expect(root?.attributes).toMatchObject({
      'k8s.object': `${namespace}/${kind === 'Provider' ? 'minio' : 'photos'}`,
      'k8s.uid': expect.any(String) as string,
      provider: `${namespace}/minio`,
    });
    expect(root?.resource).toMatchObject({
      'service.name': `${controllerOf[kind]}-controller`,
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      'service.instance.id': expect.any(String) as string,
      'k8s.namespace.name': namespace,
    });
  });

  it('are whole: each span but the roots has its parent in the same trace', async () => {
    const spans = await collector.spans();
    const known = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
    const lost = spans.filter(
      ({ traceId, parentSpanId = '' }) => parentSpanId !== '' && !known.has(`${traceId} ${parentSpanId}`),
    );
    expect(lost.map(({ name }) => name)).toEqual([]);
    expect(spans.some(({ name }) => name === 'step versioning')).toBe(true);
  });

  it('tell of each call where it went and what the server answered', async () => {
    const spans = await collector.spans();
    const calls = spans.filter(({ name }) => /^(S3\.|minio-admin\.|kubernetes )/.test(name));
    expect(spans.filter(({ kind }) => kind === 3).length).toBe(calls.length);
    for (const { name, kind, attributes } of calls) {
      expect({ name, kind, ...attributes }).toMatchObject({
        kind: 3,
        'server.address': '127.0.0.1',
        'server.port': expect.any(Number) as number,
        'http.response.status_code': expect.any(Number) as number,
      });
    }
    const ofBucket = calls.filter(({ name }) => /^S3\.(Put|Get)Bucket/.test(name));
    expect(ofBucket.length).toBeGreaterThan(3);
    for (const { name, attributes } of ofBucket) {
      expect(attributes).toMatchObject({
        'rpc.system.name': 'aws-api',
        'rpc.method': name.replace('.', '/'),
        'aws.s3.bucket': 'traced-photos',
        'aws.request_id': expect.stringMatching(/^[0-9A-F]{16}$/) as string,
      });
    }
  });

  it('have no failure where nothing failed: what is not there yet is none', async () => {
    const spans = await collector.spans();
    const absent = spans.filter(({ attributes }) => attributes['http.response.status_code'] === 404);
    expect(absent.map(({ name }) => name)).toContain('S3.HeadBucket');
    expect(spans.filter(hasFailed).map(({ name, attributes }) => ({ name, ...attributes }))).toEqual([]);
  });

  it('have the number that the log has', async () => {
    for (const kind of ourKinds) {
      const { traceId } = (await collector.spans()).find(isRootOf(kind, 'settled')) ?? {};
      const lines = (await controllers[controllerOf[kind]].output())
        .split('\n')
        .filter((line) => line.includes('"traceId"'))
        .map((line) => JSON.parse(line) as { traceId: string; resource: string });
      const roots = (await collector.spans()).filter(({ name }) => name === `reconcile ${kind}`);
      const objects = new Map(roots.map((root) => [root.traceId, root.attributes['k8s.object']]));
      expect(lines.length, kind).toBeGreaterThan(0);
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      for (const line of lines) expect(objects.get(line.traceId)).toBe(line.resource);
    }
  });

  it('say of a pass that failed why, on its root and on the call that was refused', async () => {
    const { kube } = world;
    await kube.patch('Secret', namespace, 'minio-root', { stringData: { 'secret-key': 'not-the-right-one' } });
    await until(
      () => kube.get('Provider', namespace, 'minio'),
      (provider) => conditionOf(provider, 'Ready')?.reason === 'AuthFailed',
      { what: 'the Provider has noticed', timeoutMs: 60_000 },
    );
    const spans = await spansWith('a failed pass', (span) => isRootOf('Provider', 'waiting')(span));
    const root = spans.find(isRootOf('Provider', 'waiting'));
    expect(root).toMatchObject({
      status: { code: 2, message: expect.any(String) as string },
      attributes: { reason: 'AuthFailed', 'error.type': 'AuthFailed' },
      events: [{ name: 'exception', attributes: { 'exception.type': 'AuthFailed' } }],
    });
    const refused = spans.find(
      (span) => span.traceId === root?.traceId && span.name.startsWith('S3.') && hasFailed(span),
    );
    expect(refused?.attributes).toMatchObject({
      'error.type': 'SignatureDoesNotMatch',
      'http.response.status_code': 403,
    });
    await kube.patch('Secret', namespace, 'minio-root', {
      stringData: { 'secret-key': world.server('minio').secretKey },
    });
    await kube.untilReady('Provider', namespace, 'minio', 60_000);
  });

  it('hold no secret, and nothing of an object, whatever is done with it', async () => {
    const { kube } = world;
    await s3View(world.server('minio')).client.putObject('traced-photos', objectKey, content);
    await kube.patch('AccessKey', namespace, 'photos', {
      metadata: { annotations: { 's3.cloud37.dev/rotate-requested-at': 'now' } },
    });
    await kube.patch('Bucket', namespace, 'photos', passRequest('once'));
    await kube.untilReady('AccessKey', namespace, 'photos', 60_000);
    for (const kind of ['BucketPolicy', 'AccessKey', 'Bucket'] as const) {
      await kube.delete(kind, namespace, 'photos');
      await until(
        () => kube.get(kind, namespace, 'photos'),
        (found) => found === undefined,
        { what: `the ${kind} is gone`, timeoutMs: 60_000 },
      );
    }
    await spansWith('the deletion of the bucket', ({ name }) => name === 'S3.DeleteBucket');
    const text = await collector.text();
    expect(world.secrets.size).toBeGreaterThan(4);
    expect(world.secrets.search('traces', text)).toEqual([]);
    expect(text).not.toContain(objectKey);
    expect(text).not.toContain(content);
  });
});
