import { randomUUID } from 'node:crypto';
import { Fault } from '@operator/outcome';
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

/** Sets tracing up, or loads nothing at all when it is not asked for. The SDK reads its own OTEL_* variables. */
export const createTracing = async (serviceName: string, env: Environment): Promise<Tracing> => {
  if (!wantsTraces(env)) return untraced;
  const otel = await import('./opentelemetry.ts');
  const exporter =
    env.OTEL_TRACES_EXPORTER === 'console' ? new otel.ConsoleSpanExporter() : new otel.OTLPTraceExporter();
  const serviceAttributes = { 'service.name': env.OTEL_SERVICE_NAME ?? serviceName };
  const provider = new otel.NodeTracerProvider({
    resource: otel.defaultResource().merge(otel.resourceFromAttributes(serviceAttributes)),
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
