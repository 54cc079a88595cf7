/** The exporter over gRPC, apart from opentelemetry.ts: it brings a second HTTP stack, which is loaded only where it is asked for. */
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
