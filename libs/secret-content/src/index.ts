export { composeSecret, renamedKey, secretNameOf } from './content.ts';
export type { SecretFacts } from './values.ts';
