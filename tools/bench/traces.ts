import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Counts the spans that controllers send to it, by the name of their root. */
export interface SpanCounter {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** Spans of each trace whose root has this name. */
  spansOf(root: string): readonly number[];
  close(): Promise<void>;
}

interface Span {
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

interface Batch {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: readonly Span[] }[];
  }[];
}

/** Takes OTLP over HTTP, as JSON. Source: OpenTelemetry protocol, trace.proto. */
export const startSpanCounter = async (): Promise<SpanCounter> => {
  const spans: Span[] = [];
  const server = createServer((incoming, response) => {
    text(incoming).then(
      (body) => {
        const { resourceSpans = [] } = JSON.parse(body) as Batch;
        for (const { scopeSpans = [] } of resourceSpans)
          for (const scope of scopeSpans) spans.push(...(scope.spans ?? []));
        response.setHeader('content-type', 'application/json').end('{}');
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spansOf: (root) => {
      const roots = new Set(
        spans
          .filter(({ name, parentSpanId = '' }) => name === root && parentSpanId === '')
          .map(({ traceId }) => traceId),
      );
      return [...Map.groupBy(spans, ({ traceId }) => traceId)].flatMap(([traceId, all]) =>
        roots.has(traceId) ? [all.length] : [],
      );
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
