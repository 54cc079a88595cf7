import type { Scenario } from '../scenario.ts';
import { argon2id } from './argon2id.ts';
import { converge } from './converge.ts';
import { down } from './down.ts';
import { emptying } from './emptying.ts';
import { features } from './features.ts';
import { growth } from './growth.ts';
import { latency } from './latency.ts';
import { peer } from './peer.ts';
import { profile } from './profile.ts';
import { rest } from './rest.ts';
import { restart } from './restart.ts';
import { shards } from './shards.ts';
import { soak } from './soak.ts';
import { start } from './start.ts';
import { traces } from './traces.ts';

/** In the order in which they run; those of the crowd come last, and the ones that are not timed right after the one that takes long. */
export const scenarios: readonly Scenario[] = [
  start,
  converge,
  features,
  peer,
  latency,
  traces,
  emptying,
  argon2id,
  soak,
  rest,
  shards,
  restart,
  down,
  profile,
  growth,
];
