/** Aborted by SIGINT, SIGTERM or SIGHUP; further ones change nothing, so that a stop in order is not cut short. */
export function untilSignal(): { readonly signal: AbortSignal } {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stop.abort(new Error(`interrupted by ${name}`)));
  }
  return stop;
}
