import { randomUUID } from 'node:crypto';
import { Fault } from '@operator/outcome';
import { ConfigError } from './config.ts';
import { isKubeError } from './kube-error.ts';
import { codeOf } from './metrics.ts';
import type { OtelSpan } from './opentelemetry.ts';
import { createSpanDrafts, type SpanDraft } from './span-drafts.ts';

/** What a span is told while it runs. What is thrown through it makes it one of a failure. */
export interface Span {
  set(attributes: SpanAttributes): void;
  /** Makes it one of a failure that is not thrown through it. */
  fail(caught: unknown): void;
  /** What is thrown through it is an answer that the caller is ready for. */
  forgive(): void;
  /** Its trace is sent, quiet or not: something is written. */
  keep(): void;
}

/** `traceId`: 32 hexadecimal digits. */
export interface RootSpan extends Span {
  readonly traceId: string;
}

/** Spans, where a trace exporter is configured; otherwise nothing but a number for the logs. */
export interface Tracing {
  /** Runs within a new trace. */
  root<T>(name: string, attributes: SpanAttributes, run: (span: RootSpan) => Promise<T>): Promise<T>;
  /** Runs within a child span of what is running. */
  child<T>(name: string, attributes: SpanAttributes, run: (span: Span) => Promise<T>): Promise<T>;
  /** As `child`, for a request to a server. */
  call<T>(name: string, attributes: SpanAttributes, run: (span: Span) => Promise<T>): Promise<T>;
  /** Sends what is left. */
  flush(): Promise<void>;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

type Environment = Readonly<Record<string, string | undefined>>;

const nothing = (): void => undefined;
const unseen: Span = { set: nothing, fail: nothing, forgive: nothing, keep: nothing };

export const untraced: Tracing = {
  root: (_name, _attributes, run) => run({ ...unseen, traceId: randomUUID().replaceAll('-', '') }),
  child: (_name, _attributes, run) => run(unseen),
  call: (_name, _attributes, run) => run(unseen),
  flush: () => Promise.resolve(),
};

/** True when the standard variables ask for traces. Source: OpenTelemetry, environment variable specification. */
export const wantsTraces = (env: Environment): boolean => {
  if (env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false;
  return [env.OTEL_TRACES_EXPORTER, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(
    (value) => value !== undefined && value !== '',
  );
};

/**
 * What a span says of a failure. The words of any other error are a server's or an SDK's, unfiltered: IAM may quote the request that it
 * refuses, session token included.
 */
const wordsFor = (caught: unknown): string => {
  if (caught instanceof Fault || isKubeError(caught)) return caught.message;
  const { name, code } = caught instanceof Error ? (caught as NodeJS.ErrnoException) : {};
  const words = [name, code].filter((word) => typeof word === 'string' && /^\w{1,64}$/.test(word)).join(' ');
  return words === '' ? 'Error' : words;
};

/** One word for a failure: the reason of what is ours, the code of the server or of the network. */
const typeOf = (caught: unknown): string => (isKubeError(caught) ? caught.reason : codeOf(caught));

/** What the exporters at hand can do. Over HTTP they send JSON; who receives protobuf there takes it at the same address. */
const exporters = ['otlp', 'console'];
const protocols = ['http/json', 'http/protobuf', 'grpc'];

/**
 * The first of these variables that is set. @throws ConfigError when it asks for an exporter or a protocol that is not at hand
 */
const readKnown = (env: Environment, names: readonly string[], known: readonly string[]): string | undefined => {
  const name = names.find((variable) => (env[variable] ?? '') !== '');
  if (name === undefined) return undefined;
  const value = env[name] ?? '';
  if (known.includes(value)) return value;
  throw new ConfigError(`${name}: ${JSON.stringify(value)} is not supported. Known are ${known.join(', ')}.`);
};

/** Which process traces. */
export interface TracedService {
  /** Such as `bucket-controller`. */
  readonly name: string;
  readonly version: string;
  /** Of this process alone; the holder of its Lease has the same. */
  readonly instance: string;
  /** Where it runs, if that is known. */
  readonly namespace: string | undefined;
}

/** Source: OpenTelemetry, Semantic conventions for services and for Kubernetes. */
const resourceAttributes = ({ name, version, instance, namespace }: TracedService): Record<string, string> => ({
  'service.name': name,
  'service.version': version,
  'service.instance.id': instance,
  ...(namespace === undefined ? {} : { 'k8s.namespace.name': namespace }),
});

/** Whose traces, and how many of them. */
export interface TracingOptions {
  readonly service: TracedService;
  /** Of the traces in which nothing was written, failed or slow, the share that is sent, 0 to 1. */
  readonly quietRatio: number;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly now: () => number;
}

/**
 * Sets tracing up, or loads nothing at all when it is not asked for. The SDK reads its own OTEL_* variables.
 * @throws ConfigError when they ask for an exporter or a protocol that is not at hand
 */
export const createTracing = async (options: TracingOptions, env: Environment): Promise<Tracing> => {
  if (!wantsTraces(env)) return untraced;
  const { send, shutdown, client } = await openExport(options.service, env);
  const drafts = createSpanDrafts({ ...options, send });

  const run = <T>(given: Parameters<typeof drafts.run>[0], within: (span: RootSpan) => Promise<T>): Promise<T> =>
    drafts.run(given, async (draft) => {
      const answer = { isExpected: false };
      const span: RootSpan = {
        traceId: draft.trace.traceId,
        set: (attributes) => {
          draft.attributes = { ...draft.attributes, ...attributes };
        },
        fail: (caught) => drafts.fail(draft, { type: typeOf(caught), message: wordsFor(caught) }),
        forgive: () => {
          answer.isExpected = true;
        },
        keep: () => drafts.keep(draft),
      };
      try {
        return await within(span);
      } catch (caught) {
        if (!answer.isExpected) span.fail(caught);
        throw caught;
      }
    });

  return {
    root: (name, attributes, within) => run({ name, kind: undefined, attributes, root: true }, within),
    child: (name, attributes, within) => run({ name, kind: undefined, attributes }, within),
    call: (name, attributes, within) => run({ name, kind: client, attributes }, within),
    flush: shutdown,
  };
};

/** OpenTelemetry's part: sends drafts as its spans, the sampler of OTEL_TRACES_SAMPLER allowing. */
const openExport = async (service: TracedService, env: Environment) => {
  const kind = readKnown(env, ['OTEL_TRACES_EXPORTER'], exporters);
  const protocol = readKnown(env, ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'], protocols);
  const otel = await import('./opentelemetry.ts');
  const createExporter = async () => {
    if (kind === 'console') return new otel.ConsoleSpanExporter();
    if (protocol !== 'grpc') return new otel.OTLPTraceExporter();
    const { OTLPTraceExporter } = await import('./opentelemetry-grpc.ts');
    return new OTLPTraceExporter();
  };
  const named = otel.resourceFromAttributes(resourceAttributes(service));
  // A draft has the number that the log has told already.
  let traceId = '';
  const ids = new otel.RandomIdGenerator();
  const provider = new otel.NodeTracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, and win.
    resource: otel
      .defaultResource()
      .merge(named)
      .merge(otel.detectResources({ detectors: [otel.envDetector] })),
    spanProcessors: [new otel.BatchSpanProcessor(await createExporter())],
    idGenerator: { generateTraceId: () => traceId, generateSpanId: () => ids.generateSpanId() },
  });
  const tracer = provider.getTracer(service.name);
  const started = new WeakMap<SpanDraft, OtelSpan>();

  const spanOf = (draft: SpanDraft): OtelSpan => {
    const known = started.get(draft);
    if (known !== undefined) return known;
    const { name, startTime, parent } = draft;
    const parentSpan = parent && spanOf(parent);
    traceId = draft.trace.traceId;
    const spanKind = draft.kind ?? otel.SpanKind.INTERNAL;
    const context = parentSpan === undefined ? otel.ROOT_CONTEXT : otel.trace.setSpan(otel.ROOT_CONTEXT, parentSpan);
    const span = tracer.startSpan(name, { kind: spanKind, startTime }, context);
    started.set(draft, span);
    return span;
  };
  const send = (draft: SpanDraft, time: number): void => {
    const span = spanOf(draft);
    span.setAttributes({ ...draft.attributes });
    for (const { failure, time: at } of draft.failures) {
      const { type, message } = failure;
      span.setAttribute('error.type', type);
      span.recordException({ name: type, message }, at);
      span.setStatus({ code: otel.SpanStatusCode.ERROR, message });
    }
    span.end(time);
  };
  return { send, client: otel.SpanKind.CLIENT, shutdown: () => provider.shutdown() };
};
