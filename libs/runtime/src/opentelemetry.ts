/**
 * What tracing needs of OpenTelemetry, in one module that is loaded lazily and imports statically: a bundle that is split gives
 * a lazily imported CommonJS package no named exports.
 */
export { SpanKind, SpanStatusCode } from '@opentelemetry/api';
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
export { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
export { BatchSpanProcessor, ConsoleSpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
