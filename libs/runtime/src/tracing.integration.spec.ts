import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transient } from '@operator/outcome';
import { ConfigError } from './config.ts';
import { KubeError } from './kube-error.ts';
import { createTracing, wantsTraces } from './tracing.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number; readonly message?: string };
}

let server: Server;
let spans: Span[];
let resources: Record<string, string | undefined>[];

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

beforeEach(async () => {
  spans = [];
  resources = [];
  server = createServer((incoming, outgoing) => {
    void incoming.toArray().then((chunks) => {
      const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as {
        resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[];
      };
      resources.push(
        ...body.resourceSpans.map(({ resource }) =>
          Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue])),
        ),
      );
      spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      outgoing.end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The exporter reads the standard variables itself.
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  delete process.env.OTEL_RESOURCE_ATTRIBUTES;
  server.close();
  server.closeAllConnections();
});

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
    const tracing = await createTracing('c', {});
    const ids = await Promise.all([1, 2].map(() => tracing.root('pass', {}, async (traceId) => traceId)));
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('sends a root span for a pass with its calls below it, and the message of a failure', async () => {
    const tracing = await createTracing('c', process.env);
    const failing = tracing.root('reconcile Thing', { key: 'n/a' }, async (traceId) => {
      await tracing.child('s3 HeadBucket', {}, async () => undefined);
      await tracing.child('s3 PutBucket', {}, () => Promise.reject(transient('Throttled', `refused in ${traceId}`)));
    });
    await expect(failing).rejects.toThrow('refused in');
    await tracing.flush();
    const root = spans.find(({ name }) => name === 'reconcile Thing');
    expect(root?.parentSpanId).toBeFalsy();
    expect(spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId).map(({ name }) => name)).toEqual([
      's3 HeadBucket',
      's3 PutBucket',
    ]);
    expect(root?.status).toEqual({ code: 2, message: `refused in ${root?.traceId ?? ''}` });
  });

  const echoed = 'The canonical request was: x-amz-security-token:hush';
  it.each([
    ['of a server', Object.assign(new Error(echoed), { name: 'SignatureDoesNotMatch' }), 'SignatureDoesNotMatch'],
    ['of the network', Object.assign(new Error(echoed), { code: 'ECONNREFUSED' }), 'Error ECONNREFUSED'],
    ['whose name is no name', Object.assign(new Error('x'), { name: echoed, code: echoed }), 'Error'],
    ['that is none', echoed, 'Error'],
    ['of the API server', new KubeError({ status: 409, reason: 'Conflict', message: 'it changed' }), 'it changed'],
  ])('sends no words that are not ours: an error %s', async (_title, error, message) => {
    const tracing = await createTracing('c', process.env);
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything may be thrown
    await tracing.root('failing', {}, () => Promise.reject(error)).catch(() => undefined);
    await tracing.flush();
    expect(spans.find(({ name }) => name === 'failing')?.status).toEqual({ code: 2, message });
  });

  it.each([
    ['deployment.environment.name=test', 'c'],
    ['deployment.environment.name=test,service.name=given', 'given'],
  ])('names its resource with OTEL_RESOURCE_ATTRIBUTES=%s', async (attributes, service) => {
    process.env.OTEL_RESOURCE_ATTRIBUTES = attributes;
    const tracing = await createTracing('c', process.env);
    await tracing.root('pass', {}, async () => undefined);
    await tracing.flush();
    expect(resources).toMatchObject([{ 'deployment.environment.name': 'test', 'service.name': service }]);
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER: "zipkin"'],
    [{ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: "grpc"'],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      },
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc"',
    ],
  ])('refuses what it cannot do at the start: %j', async (env, message) => {
    const creating = createTracing('c', env);
    await expect(creating).rejects.toThrow(ConfigError);
    await expect(creating).rejects.toThrow(message);
  });
});
