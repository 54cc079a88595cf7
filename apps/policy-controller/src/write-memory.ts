/** What stands at a server after a document was sent there. Hashes are those of libs/policy. */
export interface StoredForm {
  readonly sent: string;
  readonly found: string;
  /** True when what was found is what was sent with ARNs for its canonical users. */
  readonly isByArn: boolean;
}

/**
 * What was written last on each bucket, in memory, to learn by what ARN a server keeps a canonical user, so that what was sent never comes
 * back. Only what is found right after a write is learned. Who else may write the policy of the bucket can be faster than the look, so nothing
 * else that differs is believed, however often it comes back.
 */
export interface WriteMemory {
  /** A document is about to be written. `before`: the hash of the one that stands there. */
  willWrite(policyUid: string, sent: string, before: string | undefined, now: Date): void;
  /** True when what the first look after the write found is what the server makes of the document. */
  learn(policyUid: string, form: StoredForm, now: Date): boolean;
  forget(policyUid: string): void;
}

interface Written {
  readonly sent: string;
  /** What stood there before the first of these writes: one that has not arrived yet must not pass for its result. */
  readonly before: string | undefined;
  readonly atMs: number;
  /** True until the first look after a write. */
  readonly isFresh: boolean;
}

/** How long after a write a look still shows what the server made of it. */
const freshMs = 10_000;

/** An empty memory. */
export const createWriteMemory = (): WriteMemory => {
  const written = new Map<string, Written>();
  return {
    willWrite: (uid, sent, before, now) => {
      const former = written.get(uid);
      const first = former?.sent === sent ? former.before : before;
      written.set(uid, { sent, before: first, atMs: now.getTime(), isFresh: true });
    },
    learn: (uid, { sent, found, isByArn }, now) => {
      const write = written.get(uid);
      if (write?.sent !== sent || !write.isFresh) return false;
      written.set(uid, { ...write, isFresh: false });
      return isByArn && found !== write.before && now.getTime() - write.atMs <= freshMs;
    },
    forget: (uid) => void written.delete(uid),
  };
};
