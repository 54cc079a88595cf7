import type { Controller } from '@operator/tools/harness';

/** One pass that a controller logged; those that found nothing to do are logged at the level debug. */
export interface LoggedPass {
  /** `namespace/name`. */
  readonly resource: string;
  /** Milliseconds since the epoch, at its end. */
  readonly at: number;
  /** What it wrote. */
  readonly steps: readonly string[];
}

/** The passes in all that these controllers ever logged, also of processes that have ended. */
export async function readPasses(controllers: readonly Controller[]): Promise<readonly LoggedPass[]> {
  const outputs = await Promise.all(controllers.map((controller) => controller.output()));
  return outputs.flatMap((output) =>
    output
      .split('\n')
      .filter((line) => line.includes('"event":"pass"'))
      .map((line) => {
        const { resource, time, steps } = JSON.parse(line) as { resource: string; time: string; steps?: string[] };
        return { resource, at: Date.parse(time), steps: steps ?? [] };
      }),
  );
}

/** How many of the passes each object has. */
export const countByObject = (passes: readonly LoggedPass[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { resource } of passes) counts.set(resource, (counts.get(resource) ?? 0) + 1);
  return counts;
};
