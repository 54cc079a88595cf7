import { reasons } from '@operator/api';
import { transient } from '@operator/outcome';
import { KubeError } from '@operator/runtime';

/** The process is gone: what its reconciler does from here on has no effect. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** What may befall a write: the process ends before it, or after it; the write is done and its answer lost; it never arrives. */
export type Mishap = 'killedBefore' | 'killedAfter' | 'answerLost' | 'neverArrives';
export const mishaps: readonly Mishap[] = ['killedBefore', 'killedAfter', 'answerLost', 'neverArrives'];

/** All external writes of one simulated process, to server and API server alike, in order. */
export interface Writes {
  readonly done: readonly string[];
  /** Lets the nth write from now on, counted from 1, meet the mishap. */
  arm(mishap: Mishap, nth: number): void;
  /** True once the mishap has happened. */
  hasStruck(): boolean;
  /** A new process; nothing is armed. */
  restart(): void;
  write<T>(name: string, run: () => T | Promise<T>): Promise<T>;
  read<T>(run: () => T | Promise<T>): Promise<T>;
}

export const createWrites = (): Writes => {
  const done: string[] = [];
  let armed: { readonly mishap: Mishap; left: number } | undefined;
  let isDead = false;
  let hasStruck = false;
  const kill = (): never => {
    isDead = true;
    throw new Killed('the process was killed');
  };
  const lost = (name: string): Error =>
    name.startsWith('kube ')
      ? new KubeError({ status: 0, reason: 'Unreachable', message: 'no answer' })
      : transient(reasons.EndpointUnreachable, 'no answer');

  return {
    done,
    arm: (mishap, nth) => {
      armed = { mishap, left: nth };
      hasStruck = false;
    },
    hasStruck: () => hasStruck,
    restart: () => {
      isDead = false;
      armed = undefined;
    },
    async write(name, run) {
      if (isDead) return kill();
      const mishap = armed !== undefined && (armed.left -= 1) === 0 ? armed.mishap : undefined;
      if (mishap !== undefined) hasStruck = true;
      if (mishap === 'killedBefore') return kill();
      if (mishap === 'neverArrives') throw lost(name);
      const result = await run();
      done.push(name);
      if (mishap === 'killedAfter') return kill();
      if (mishap === 'answerLost') throw lost(name);
      return result;
    },
    async read(run) {
      if (isDead) return kill();
      return run();
    },
  };
};
