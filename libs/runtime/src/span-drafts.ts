import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { SpanKind } from './opentelemetry.ts';
import type { SpanAttributes } from './tracing.ts';

/** What a span of failure says: one word, and what may be told. */
export interface Failure {
  readonly type: string;
  readonly message: string;
}

/** A span that may become one of OpenTelemetry's. Times: milliseconds since 1970, with fractions. */
export interface SpanDraft {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly trace: TraceDraft;
  /** Undefined: the root of its trace. */
  readonly parent: SpanDraft | undefined;
  readonly startTime: number;
  attributes: SpanAttributes;
  readonly failures: { readonly failure: Failure; readonly time: number }[];
}

interface TraceDraft {
  readonly traceId: string;
  /** Milliseconds since 1970 at which the monotonic clock was zero: all spans of a trace go by one clock. */
  readonly epochMs: number;
  isKept: boolean;
  /** True once its root has ended. */
  isOver: boolean;
  /** Spans that have ended, as long as nothing has decided. */
  readonly ended: { readonly draft: SpanDraft; readonly time: number }[];
}

export interface SpanDraftsOptions {
  /** Of the traces that nothing has asked to keep, the share that is sent, 0 to 1. */
  readonly quietRatio: number;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly now: () => number;
  /** Sends a span that ended at this time; of a trace, in the order of their ends. */
  readonly send: (draft: SpanDraft, time: number) => void;
}

/** Spans of which most cost no more than their names and times: nearly all passes are looks that find nothing, each like the last. */
export interface SpanDrafts {
  /** Runs within a span, below the one that runs; `root`: of a trace of its own. */
  run<T>(
    given: Pick<SpanDraft, 'name' | 'kind' | 'attributes'> & { readonly root?: boolean },
    within: (draft: SpanDraft) => Promise<T>,
  ): Promise<T>;
  fail(draft: SpanDraft, failure: Failure): void;
  /** Its trace is sent whole. */
  keep(draft: SpanDraft): void;
}

/** A trace that takes as long is sent, milliseconds: a server that has become slow is seen by it. */
const slowMs = 1_000;
/** A trace of as many spans is sent: it is no look at rest, and waits for its end in memory. */
const mostEnded = 256;

export const createSpanDrafts = ({ quietRatio, random, monotonicMs, now, send }: SpanDraftsOptions): SpanDrafts => {
  const active = new AsyncLocalStorage<SpanDraft>();
  const timeIn = ({ epochMs }: TraceDraft): number => epochMs + monotonicMs();

  const keep = (trace: TraceDraft): void => {
    trace.isKept = true;
    for (const { draft, time } of trace.ended.splice(0)) send(draft, time);
  };
  const end = (draft: SpanDraft): void => {
    const { trace, parent, startTime } = draft;
    // What outlives its pass is decided with it.
    if (trace.isOver && !trace.isKept) return;
    const time = timeIn(trace);
    trace.ended.push({ draft, time });
    trace.isOver ||= parent === undefined;
    const isLong = time - startTime >= slowMs || trace.ended.length >= mostEnded;
    if (trace.isKept || isLong || (trace.isOver && random() < quietRatio)) keep(trace);
    else if (trace.isOver) trace.ended.length = 0;
  };

  return {
    async run({ name, kind, attributes, root = false }, within) {
      // What a pass has set going, such as a watch, goes on in its context, and is no part of it.
      const around = active.getStore();
      const parent = root || around?.trace.isOver === true ? undefined : around;
      const trace = parent?.trace ?? {
        traceId: randomUUID().replaceAll('-', ''),
        epochMs: now() - monotonicMs(),
        isKept: false,
        isOver: false,
        ended: [],
      };
      const draft: SpanDraft = { name, kind, trace, parent, startTime: timeIn(trace), attributes, failures: [] };
      try {
        return await active.run(draft, () => within(draft));
      } finally {
        end(draft);
      }
    },
    fail(draft, failure) {
      draft.failures.push({ failure, time: timeIn(draft.trace) });
      draft.trace.isKept = true;
    },
    keep: ({ trace }) => {
      trace.isKept = true;
    },
  };
};
