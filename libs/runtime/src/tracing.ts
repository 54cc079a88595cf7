import { randomUUID } from 'node:crypto';
import { Fault } from '@operator/outcome';
import { ConfigError } from './config.ts';
import { isKubeError } from './kube-error.ts';

/** Spans, where a trace exporter is configured; otherwise nothing but a number for the logs. */
export interface Tracing {
  /** Runs within a new trace; `run` gets its id, 32 hexadecimal digits. */
  root<T>(name: string, attributes: SpanAttributes, run: (traceId: string) => Promise<T>): Promise<T>;
  /** Runs within a child span of what is running. */
  child<T>(name: string, attributes: SpanAttributes, run: () => Promise<T>): Promise<T>;
  /** Sends what is left. */
  flush(): Promise<void>;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

type Environment = Readonly<Record<string, string | undefined>>;

const untraced: Tracing = {
  root: (_name, _attributes, run) => run(randomUUID().replaceAll('-', '')),
  child: (_name, _attributes, run) => run(),
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

/** What the exporters at hand can do. They send JSON; who receives protobuf over HTTP takes it at the same address. */
const exporters = ['otlp', 'console'];
const protocols = ['http/json', 'http/protobuf'];

/** @throws ConfigError when the variables ask for an exporter or a protocol that is not at hand */
const requireKnown = (env: Environment, names: readonly string[], known: readonly string[]): void => {
  const name = names.find((variable) => (env[variable] ?? '') !== '');
  if (name === undefined || known.includes(env[name] ?? '')) return;
  throw new ConfigError(`${name}: ${JSON.stringify(env[name])} is not supported. Known are ${known.join(', ')}.`);
};

/**
 * Sets tracing up, or loads nothing at all when it is not asked for. The SDK reads its own OTEL_* variables.
 * @throws ConfigError when they ask for an exporter or a protocol that is not at hand
 */
export const createTracing = async (serviceName: string, env: Environment): Promise<Tracing> => {
  if (!wantsTraces(env)) return untraced;
  requireKnown(env, ['OTEL_TRACES_EXPORTER'], exporters);
  requireKnown(env, ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'], protocols);
  const otel = await import('./opentelemetry.ts');
  const exporter =
    env.OTEL_TRACES_EXPORTER === 'console' ? new otel.ConsoleSpanExporter() : new otel.OTLPTraceExporter();
  const named = otel.resourceFromAttributes({ 'service.name': serviceName });
  const provider = new otel.NodeTracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, and win.
    resource: otel
      .defaultResource()
      .merge(named)
      .merge(otel.detectResources({ detectors: [otel.envDetector] })),
    spanProcessors: [new otel.BatchSpanProcessor(exporter)],
  });
  provider.register();
  const tracer = provider.getTracer(serviceName);

  const run = <T>(
    name: string,
    options: { readonly root: boolean; readonly attributes: SpanAttributes },
    within: (traceId: string) => Promise<T>,
  ): Promise<T> =>
    tracer.startActiveSpan(name, { root: options.root, attributes: { ...options.attributes } }, async (span) => {
      try {
        return await within(span.spanContext().traceId);
      } catch (caught) {
        span.setStatus({ code: otel.SpanStatusCode.ERROR, message: wordsFor(caught) });
        throw caught;
      } finally {
        span.end();
      }
    });

  return {
    root: (name, attributes, within) => run(name, { root: true, attributes }, within),
    child: (name, attributes, within) => run(name, { root: false, attributes }, within),
    flush: () => provider.shutdown(),
  };
};
