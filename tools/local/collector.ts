import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { retryPortRaces, startChild, waitUntilReady } from './child.ts';
import { freePorts } from './ports.ts';
import { obtainServers } from './servers/obtain.ts';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span as a collector got it. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** None, or an empty one, of a root. */
  readonly parentSpanId?: string;
  /** Source: OpenTelemetry protocol, trace.proto: 1 internal, 3 client. */
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** `code`: 2 of a failure. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** Of the process that sent it. */
  readonly resource: Attributes;
}

/** An OpenTelemetry Collector that writes what it gets to a file. */
export interface Collector {
  /** Where it takes OTLP over HTTP. */
  readonly httpUrl: string;
  /** Where it takes OTLP over gRPC. */
  readonly grpcUrl: string;
  /** All that it has written, as it stands there. */
  text(): Promise<string>;
  spans(): Promise<readonly CollectedSpan[]>;
  stop(): Promise<void>;
}

/** `dir`: for its settings, its log and what it gets; made when absent. @throws Error when it cannot be had or does not start */
export async function startCollector({ dir }: { readonly dir: string }): Promise<Collector> {
  const { otelcol } = await obtainServers(['otelcol']);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'traces.jsonl');
  const config = join(dir, 'otelcol.json');
  return retryPortRaces(async () => {
    const [http = 0, grpc = 0] = await freePorts(2);
    writeFileSync(config, JSON.stringify(settingsOf({ http, grpc, path })));
    const child = await startChild({
      name: 'otelcol',
      command: otelcol,
      args: ['--config', config],
      logPath: join(dir, 'otelcol.log'),
      lifetime: 'parent',
    });
    const httpUrl = `http://127.0.0.1:${http}`;
    try {
      await waitUntilReady(child, async () => (await takesTraces(httpUrl)) && (await listens(grpc)));
    } catch (error) {
      await child.stop();
      throw error;
    }
    const text = () => readFile(path, 'utf8');
    return {
      httpUrl,
      grpcUrl: `http://127.0.0.1:${grpc}`,
      text,
      spans: async () => spansIn(await text()),
      stop: () => child.stop(),
    };
  });
}

/** Source: opentelemetry.io, Collector, Configuration; JSON is YAML. */
const settingsOf = ({ http, grpc, path }: { readonly http: number; readonly grpc: number; readonly path: string }) => ({
  receivers: {
    otlp: {
      protocols: { http: { endpoint: `127.0.0.1:${http}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } },
    },
  },
  exporters: { file: { path, flush_interval: '50ms' } },
  service: {
    telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
  },
});

async function takesTraces(url: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: '{}' })).ok;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly boolValue?: boolean;
    readonly doubleValue?: number;
    /** A text: JSON has no 64 bits. */
    readonly intValue?: string;
  };
}

interface Batch {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes?: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'events' | 'resource'> & {
        readonly attributes?: readonly Attribute[];
        readonly events?: readonly { readonly name: string; readonly attributes?: readonly Attribute[] }[];
      })[];
    }[];
  }[];
}

const valuesOf = (attributes: readonly Attribute[] = []): Attributes =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, boolValue, doubleValue, intValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? (intValue === undefined ? undefined : Number(intValue)),
    ]),
  );

/** Reads the file of a collector: one batch of OTLP's JSON a line; a last line without an end is still being written. */
export const spansIn = (text: string): readonly CollectedSpan[] =>
  text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (JSON.parse(line) as Batch).resourceSpans ?? [])
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map(({ attributes, events = [], ...span }) => ({
          ...span,
          attributes: valuesOf(attributes),
          events: events.map((event) => ({ name: event.name, attributes: valuesOf(event.attributes) })),
          resource: valuesOf(resource.attributes),
        })),
      ),
    );
