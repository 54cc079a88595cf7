import { reasons } from '@operator/api';
import { Fault, transient } from '@operator/outcome';

/** The fault of a write that this process must not make. */
export const leadershipLost = (): Fault =>
  transient(reasons.LeadershipLost, 'Another process leads now; it goes on from here.');

export const isLeadershipLost = (caught: unknown): boolean =>
  caught instanceof Fault && caught.reason === reasons.LeadershipLost;
