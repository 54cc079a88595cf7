/** What a server made of a document that it was sent. Hashes are those of libs/policy. */
export interface StoredForm {
  readonly sent: string;
  readonly found: string;
  /** True when the two differ in nothing but the names of principals. */
  readonly isSameButForNames: boolean;
}

/**
 * What was written last on each bucket, in memory, to learn what the server makes of a document: some keep a principal by another
 * name, so that what was sent never comes back. Only what is found right after a write is learned: later it may be somebody
 * else's. A form that differs in more than names is believed when it came back twice.
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
  atMs: number;
  /** True until the first look after a write. */
  isFresh: boolean;
  /** How often each form came back. */
  readonly forms: Map<string, number>;
}

/** How long after a write a look still shows what the server made of it. */
const freshMs = 10_000;
const believedAfter = 2;

/** An empty memory. */
export const createWriteMemory = (): WriteMemory => {
  const written = new Map<string, Written>();
  return {
    willWrite: (uid, sent, before, now) => {
      const former = written.get(uid);
      const again = former?.sent === sent ? former : { sent, before, forms: new Map<string, number>() };
      written.set(uid, { ...again, atMs: now.getTime(), isFresh: true });
    },
    learn: (uid, { sent, found, isSameButForNames }, now) => {
      const write = written.get(uid);
      if (write?.sent !== sent || !write.isFresh) return false;
      write.isFresh = false;
      if (now.getTime() - write.atMs > freshMs || found === write.before) return false;
      const times = (write.forms.get(found) ?? 0) + 1;
      write.forms.set(found, times);
      return isSameButForNames || times >= believedAfter;
    },
    forget: (uid) => void written.delete(uid),
  };
};
