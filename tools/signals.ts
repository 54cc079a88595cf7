/** Set by tools/bootstrap.mjs to its pid, for the program that it starts. */
const parentVariable = 'WASABI_S3_OPERATOR_PARENT';

/** How often a parent is looked for. */
const lookMs = 500;

/**
 * Aborted by SIGINT, SIGTERM or SIGHUP; further ones change nothing, so that a stop in order is not cut short. Also once
 * tools/bootstrap.mjs, which started this process, is gone: killed, it cannot hand on a signal.
 */
export function untilSignal(): { readonly signal: AbortSignal } {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stop.abort(new Error(`interrupted by ${name}`)));
  }
  const parent = process.env[parentVariable];
  // What this process starts has another parent.
  Reflect.deleteProperty(process.env, parentVariable);
  if (parent !== undefined) {
    const timer = setInterval(() => {
      if (process.ppid === Number(parent)) return;
      clearInterval(timer);
      stop.abort(new Error('interrupted: the process that started it is gone'));
    }, lookMs);
    timer.unref();
  }
  return stop;
}
