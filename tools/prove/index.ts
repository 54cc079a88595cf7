export {
  keptKills,
  keyOperations,
  writeKills,
  type KeyOperation,
  type KeySystem,
  type KilledAfter,
} from './kill-matrix.ts';
export { proveRotation } from './rotation.ts';
