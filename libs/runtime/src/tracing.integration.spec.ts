import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type CollectedSpan, type Collector, startCollector } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { transient } from '@operator/outcome';
import { ConfigError } from './config.ts';
import { KubeError } from './kube-error.ts';
import { type Tracing, createTracing, wantsTraces } from './tracing.ts';

const protocols = ['http/json', 'http/protobuf', 'grpc'] as const;
const service = { name: 'c', version: '1.2.3', instance: 'pod_1', namespace: 'storage' };
const options = {
  service,
  quietRatio: 1,
  random: Math.random,
  monotonicMs: () => performance.now(),
  now: () => Date.now(),
};

let dir: string;
let collector: Collector;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tracing-'));
  collector = await startCollector({ dir });
});

afterAll(async () => {
  await collector.stop();
  await rm(dir, { recursive: true });
});

// The exporters read the standard variables themselves.
afterEach(() => {
  vi.unstubAllEnvs();
});

const tracingTo = (protocol: (typeof protocols)[number], quietRatio = 1): Promise<Tracing> => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
  return createTracing({ ...options, quietRatio }, process.env);
};

/** The spans of one trace, once the collector has written them. */
const spansOf = async (traceId: string): Promise<readonly CollectedSpan[]> => {
  const found = async () => (await collector.spans()).filter((span) => span.traceId === traceId);
  await vi.waitFor(async () => expect(await found()).not.toEqual([]), 30_000);
  return found();
};

describe('tracing', () => {
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, true],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, false],
    [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, false],
  ])('with %j: %s', (env, wanted) => {
    expect(wantsTraces(env)).toBe(wanted);
  });

  it('numbers passes for the logs even when nothing is traced', async () => {
    const tracing = await createTracing(options, {});
    const ids = await Promise.all([1, 2].map(() => tracing.root('pass', {}, async ({ traceId }) => traceId)));
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each(protocols)('over %s sends a root span with its steps and calls, and who sent it', async (protocol) => {
    const tracing = await tracingTo(protocol);
    const traceId = await tracing.root('reconcile Thing', { provider: 'n/p' }, async (root) => {
      await tracing.child('step paint', {}, () =>
        tracing.call('S3.HeadBucket', { 'rpc.method': 'S3/HeadBucket' }, async (span) =>
          span.set({ 'http.response.status_code': 200 }),
        ),
      );
      root.set({ outcome: 'settled' });
      return root.traceId;
    });
    await tracing.flush();
    const spans = await spansOf(traceId);
    const named = (name: string) => spans.find((span) => span.name === name);
    const [root, step, call] = [named('reconcile Thing'), named('step paint'), named('S3.HeadBucket')];
    expect(root).toMatchObject({
      status: {},
      kind: 1,
      attributes: { provider: 'n/p', outcome: 'settled' },
    });
    expect(root?.parentSpanId ?? '').toBe('');
    expect(step).toMatchObject({ parentSpanId: root?.spanId, kind: 1 });
    expect(call).toMatchObject({ parentSpanId: step?.spanId, kind: 3 });
    expect(call?.attributes).toEqual({ 'rpc.method': 'S3/HeadBucket', 'http.response.status_code': 200 });
    expect(root?.resource).toMatchObject({
      'service.name': 'c',
      'service.version': '1.2.3',
      'service.instance.id': 'pod_1',
      'k8s.namespace.name': 'storage',
    });
  });

  const echoed = 'The canonical request was: x-amz-security-token:hush';
  it.each([
    ['of our own', transient('Throttled', 'The server is busy.'), 'Throttled', 'The server is busy.'],
    [
      'of a server',
      Object.assign(new Error(echoed), { name: 'SignatureDoesNotMatch' }),
      'SignatureDoesNotMatch',
      'SignatureDoesNotMatch',
    ],
    [
      'of the network',
      Object.assign(new Error(echoed), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED',
      'Error ECONNREFUSED',
    ],
    ['whose name is no name', Object.assign(new Error('x'), { name: echoed, code: echoed }), 'Error', 'Error'],
    ['that is none', echoed, 'Error', 'Error'],
    [
      'of the API server',
      new KubeError({ status: 409, reason: 'Conflict', message: 'it changed' }),
      'Conflict',
      'it changed',
    ],
  ])('records an error %s without words that are not ours', async (_title, error, type, message) => {
    const tracing = await tracingTo('http/json');
    let traceId = '';
    await tracing
      .root('failing', {}, (root) => {
        traceId = root.traceId;
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything may be thrown
        return Promise.reject(error);
      })
      .catch(() => undefined);
    await tracing.flush();
    expect(await spansOf(traceId)).toMatchObject([
      {
        status: { code: 2, message },
        attributes: { 'error.type': type },
        events: [{ name: 'exception', attributes: { 'exception.type': type, 'exception.message': message } }],
      },
    ]);
    expect(await collector.text()).not.toContain('hush');
  });

  it('takes an answer that was expected for no failure, and a fault that nobody threw for one', async () => {
    const tracing = await tracingTo('grpc');
    const traceId = await tracing.root('pass', {}, async (root) => {
      const call = tracing.call('S3.HeadBucket', {}, (span) => {
        span.forgive();
        return Promise.reject(new Error('NotFound'));
      });
      await call.catch(() => undefined);
      root.fail(transient('Throttled', 'The server is busy.'));
      return root.traceId;
    });
    await tracing.flush();
    const status = Object.fromEntries((await spansOf(traceId)).map((span) => [span.name, span.status.code]));
    expect(status).toEqual({ 'S3.HeadBucket': undefined, pass: 2 });
  });

  it('sends a pass that writes whole, and of those that only look none where none is asked for', async () => {
    const tracing = await tracingTo('http/json', 0);
    const passOf = (writes: boolean): Promise<string> =>
      tracing.root('pass', {}, async ({ traceId }) => {
        await tracing.call('S3.GetBucketTagging', {}, () => Promise.resolve());
        await tracing.call('S3.PutBucketTagging', {}, async (span) => {
          if (writes) span.keep();
        });
        return traceId;
      });
    const quiet = await passOf(false);
    const written = await passOf(true);
    await tracing.flush();
    const names = (await spansOf(written)).map(({ name }) => name);
    expect(names.toSorted()).toEqual(['S3.GetBucketTagging', 'S3.PutBucketTagging', 'pass']);
    expect((await collector.spans()).filter(({ traceId }) => traceId === quiet)).toEqual([]);
  });

  it('sends nothing where the standard sampler takes nothing', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off');
    const unsampled = await tracingTo('http/json');
    const dropped = await unsampled.root('pass', {}, async (span) => {
      span.keep();
      return span.traceId;
    });
    await unsampled.flush();
    vi.unstubAllEnvs();
    const sampled = await tracingTo('http/json');
    const sent = await sampled.root('pass', {}, async ({ traceId }) => traceId);
    await sampled.flush();
    await spansOf(sent);
    expect((await collector.spans()).filter(({ traceId }) => traceId === dropped)).toEqual([]);
  });

  it.each([
    ['deployment.environment.name=test', 'c'],
    ['deployment.environment.name=test,service.name=given', 'given'],
  ])('names its resource with OTEL_RESOURCE_ATTRIBUTES=%s', async (attributes, name) => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', attributes);
    const tracing = await tracingTo('http/json');
    const traceId = await tracing.root('pass', {}, async (root) => root.traceId);
    await tracing.flush();
    const [span] = await spansOf(traceId);
    expect(span?.resource).toMatchObject({ 'deployment.environment.name': 'test', 'service.name': name });
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER: "zipkin"'],
    [{ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: "thrift"'],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'thrift',
      },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "thrift"',
    ],
  ])('refuses what it cannot do at the start: %j', async (env, message) => {
    const creating = createTracing(options, env);
    await expect(creating).rejects.toThrow(ConfigError);
    await expect(creating).rejects.toThrow(message);
  });
});

describe('what is loaded of OpenTelemetry', () => {
  /** The SDK and exporters that a process loads with the runtime, with these variables. prom-client loads the API, which does nothing. */
  const loadedWith = async (env: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const program = `
      import { registerHooks } from 'node:module';
      const loaded = new Set();
      registerHooks({ load(url, context, next) {
        const name = /node_modules\\/@opentelemetry\\/(sdk-trace-node|exporter-[\\w-]+)\\//.exec(url)?.[1];
        if (name !== undefined) loaded.add(name);
        return next(url, context);
      } });
      await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'index.ts')).href)});
      const { createTracing } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'tracing.ts')).href)});
      await createTracing({ service: ${JSON.stringify(service)} }, process.env);
      console.log(JSON.stringify([...loaded].sort()));
      process.exit();`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH, ...env } });
    return JSON.parse(stdout) as readonly string[];
  };

  it.each([
    ['nothing where nothing is traced', {}, []],
    [
      'no gRPC where traces go over HTTP',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
      ['exporter-trace-otlp-http', 'sdk-trace-node'],
    ],
    [
      'gRPC too where traces go over it',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      ['exporter-trace-otlp-grpc', 'exporter-trace-otlp-http', 'sdk-trace-node'],
    ],
  ])('is %s', async (_title, env, packages) => {
    expect(await loadedWith(env)).toEqual(packages);
  });
});
