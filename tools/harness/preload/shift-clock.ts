/** For `node --import`: a process whose wall clock is wrong. `by`, in the query of its own URL: milliseconds, also negative. */
const byMs = Number(new URL(import.meta.url).searchParams.get('by'));
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given: unknown[], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + byMs] : given, newTarget) as object,
  apply: (target) => new target(target.now() + byMs).toString(),
  get: (target, name, receiver) =>
    name === 'now' ? () => target.now() + byMs : (Reflect.get(target, name, receiver) as unknown),
});
