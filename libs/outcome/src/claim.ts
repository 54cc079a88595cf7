/** Characters of a message that a condition has room for; the rest is cut. */
export const longestMessage = 1_024;

/** A condition that is not yet stored: what a pass says about one aspect of an object. */
export interface Claim {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** Stable CamelCase. */
  readonly reason: string;
  /** For people; never holds a secret. */
  readonly message: string;
  /** True when the claim only tells: an abnormal condition that does not hold Ready back. */
  readonly onlyInforms?: true;
}
