/**
 * What tracing needs of OpenTelemetry, in one module that is loaded lazily and imports statically: a bundle that is split gives
 * a lazily imported CommonJS package no named exports.
 */
export { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
export type { Span as OtelSpan } from '@opentelemetry/api';
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
export { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
export {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  RandomIdGenerator,
} from '@opentelemetry/sdk-trace-node';
