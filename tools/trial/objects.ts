/** As much of a custom resource as the trial looks at. */
export interface TrialObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** Ready is True, and it is said of what the object asks for now. */
export function isReady({ metadata, status }: TrialObject): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && status?.observedGeneration === metadata.generation;
}

/** `Bucket quickstart: Ready=False Converging (message)`. */
export function describeReady({ kind, metadata: { name }, status }: TrialObject): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready) return `${kind} ${name}: no verdict yet`;
  const message = ready.message === '' ? '' : ` (${ready.message})`;
  return `${kind} ${name}: Ready=${ready.status} ${ready.reason}${message}`;
}

/** Every condition of an object, one line each, for a failure. */
export function describeConditions(object: TrialObject): string[] {
  const { kind, metadata, status } = object;
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return [describeReady(object)];
  return conditions.map(
    ({ type, status: verdict, reason, message }) =>
      `${kind} ${metadata.name}: ${type}=${verdict} ${reason}: ${message}`,
  );
}
