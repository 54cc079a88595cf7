import type { KeySystem } from '@operator/tools/prove';
import { describeKeyKills } from './kills/key-battery.ts';
import { startWorld } from './world.ts';

/** KILL_SERVERS: some of them, with commas between. */
const systems = (process.env.KILL_SERVERS?.split(',') ?? ['minio', 'moto', 'seaweedfs']) as readonly KeySystem[];

describeKeyKills(systems, () => startWorld('key-kills', systems));
