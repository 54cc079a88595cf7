/** Where a key can be derived. */
export const waysToDerive = ['in the process', 'in a child that stays', 'in a child for each'] as const;
export type WayToDerive = (typeof waysToDerive)[number];

/** What it took; memory in MiB is anonymous, of the process and its child together unless it says otherwise. */
export interface DeriveReport {
  readonly ms: number;
  /** For one derivation, of both. */
  readonly cpuMs: number;
  readonly mostMebibytes: number;
  readonly mostOfParentMebibytes: number;
  /** Half a second after the last. */
  readonly afterMebibytes: number;
}
