import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spansIn } from '../local/collector.ts';
import { projectRoot } from '../paths.ts';
import { drawTrace, pickTrace } from './draw.ts';

const pictures = join(projectRoot, 'docs/pictures');
const recorded = () => spansIn(readFileSync(join(pictures, 'trace.jsonl'), 'utf8'));
const span = (traceId: string, spanId: string, name: string, parentSpanId?: string) => ({
  ...{ name, traceId, spanId, ...(parentSpanId === undefined ? {} : { parentSpanId }) },
  ...{ kind: 1, startTimeUnixNano: '1000000', endTimeUnixNano: '3000000' },
  ...{ status: {}, attributes: {}, events: [], resource: {} },
});

describe('the picture of a trace', () => {
  it('in docs is that of the trace beside it', () => {
    const drawn = drawTrace(pickTrace(recorded(), 'reconcile Bucket'));
    expect(drawn).toBe(readFileSync(join(pictures, 'trace.svg'), 'utf8'));
  });

  it('has each span once, below its parent, and no word as markup', () => {
    const drawn = drawTrace([span('t', '2', 'a<b', '1'), span('t', '1', 'root')]);
    expect(drawn.match(/<rect [^>]*rx/g)).toHaveLength(2);
    expect(drawn.indexOf('>root</text>')).toBeLessThan(drawn.indexOf('>a&lt;b</text>'));
  });

  it('is of the trace with most spans among those with that root', () => {
    const spans = [
      span('t', '1', 'root'),
      span('u', '1', 'root'),
      span('u', '2', 'more', '1'),
      span('v', '1', 'other'),
    ];
    expect(pickTrace(spans, 'root').map(({ traceId }) => traceId)).toEqual(['u', 'u']);
    expect(() => pickTrace(spans, 'none')).toThrow('no trace has the root "none"');
  });
});
