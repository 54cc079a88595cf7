import type { KeyPair } from '@operator/s3';

/** A pair that was made for a rotation and waits until the server lets it in. */
export interface Candidate {
  readonly pair: KeyPair;
  readonly madeAt: Date;
}

/**
 * Pairs of rotations that are under way, by the uid of their AccessKey. They are in the memory of this process alone: after a crash the key
 * is a stray, and another one is made. The pair in the Secret works meanwhile.
 */
export interface Candidates {
  of(uid: string): Candidate | undefined;
  keep(uid: string, candidate: Candidate): void;
  drop(uid: string): void;
}

export const createCandidates = (): Candidates => {
  const candidates = new Map<string, Candidate>();
  return {
    of: (uid) => candidates.get(uid),
    keep: (uid, candidate) => void candidates.set(uid, candidate),
    drop: (uid) => void candidates.delete(uid),
  };
};
