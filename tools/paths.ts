import { join } from 'node:path';

/** The clone this runs in. */
export const projectRoot = join(import.meta.dirname, '..');
/** What runs outside the sources: state of `npm run local`, of the trial, locks. Ignored by git. */
export const localFolder = join(projectRoot, '.local');
