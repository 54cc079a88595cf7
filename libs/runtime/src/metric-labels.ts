/** What counts all that has no place of its own. */
export const other = 'other';

/** Different values of one label. */
const mostLabelValues = 100;

/** Keeps a label from growing without end: a value beyond `kept` and the first `most` others reads `other`. */
export const boundedLabel = (most = mostLabelValues, kept: readonly string[] = []) => {
  const known = new Set<string>(kept);
  return {
    of(value: string): string {
      if (known.has(value)) return value;
      if (known.size >= most + kept.length) return other;
      known.add(value);
      return value;
    },
    /** Makes room for another value. */
    forget: (value: string): void => void known.delete(value),
  };
};

interface CallLabels {
  readonly service: string;
  readonly operation: string;
  readonly code: string;
  readonly provider: string;
}

/** Keeps the combinations of labels from growing without end: beyond the first `most` neither code nor Provider has its name. */
export const boundedSeries = (most: number) => {
  const known = new Map<string, CallLabels>();
  return {
    of(labels: CallLabels): CallLabels {
      const key = JSON.stringify(labels);
      if (!known.has(key) && known.size >= most) return { ...labels, code: other, provider: other };
      known.set(key, labels);
      return labels;
    },
    /** Makes room for others; returns what goes. */
    forget(isGone: (labels: CallLabels) => boolean): readonly CallLabels[] {
      const gone = [...known].filter(([, labels]) => isGone(labels));
      for (const [key] of gone) known.delete(key);
      return gone.map(([, labels]) => labels);
    },
  };
};
