import { annotations } from '@operator/api';
import { Fault, reworded } from '@operator/outcome';

/**
 * Rethrows what stopped a deletion; a wait also says how it can be ended without the Provider. For `promise.catch`.
 * `undone`: what cannot be done yet, such as `The bucket cannot be deleted yet`.
 */
export const explainWait =
  (undone: string) =>
  (caught: unknown): never => {
    if (!(caught instanceof Fault) || caught.kind !== 'waiting') throw caught;
    const letGo = `To let go without that, annotate the object with ${annotations.abandon}: "true".`;
    throw reworded(caught, `${undone}: ${caught.message} ${letGo}`);
  };
