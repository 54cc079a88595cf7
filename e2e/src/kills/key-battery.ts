import { s3View, type World } from '@operator/tools/harness';
import {
  keptKills,
  keyOperations,
  writeKills,
  type KeyOperation,
  type KeySystem,
  type KilledAfter,
} from '@operator/tools/prove';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseBucket, batteryTimeoutMs, batteryTitle, furnish, namespaceOf, runScenario, titleOf } from './battery.ts';
import { accountsOn, keyScenarios, type Accounts } from './keys.ts';

/** What a server had before, and is to have in the end. */
interface Server {
  readonly accounts: Accounts;
  /** Names of users and policies. */
  readonly before: readonly string[];
}

const namesOn = async (accounts: Accounts): Promise<readonly string[]> =>
  [...(await accounts.userNames()), ...(await accounts.policyNames())].toSorted();

/**
 * Kills an accesskey-controller in the middle of everything that can happen to a key. KILL_KEEP=1 keeps the results for docs/kill-matrix.md;
 * else each write must be in the kept ones.
 */
export const describeKeyKills = (systems: readonly KeySystem[], startWorld: () => Promise<World>): void => {
  let world: World;
  const servers = new Map<KeySystem, Server>();
  const serverOf = (system: KeySystem): Server => {
    const found = servers.get(system);
    if (found === undefined) throw new Error(`${system} was not started`);
    return found;
  };
  const scenarios = systems.flatMap((system) =>
    keyScenarios(system, () => ({ world, accounts: serverOf(system).accounts })),
  );
  const found = new Map<KeySystem, Map<KeyOperation, KilledAfter>>(systems.map((system) => [system, new Map()]));

  beforeAll(async () => {
    world = await startWorld();
    for (const system of systems) {
      const accounts = accountsOn(world, system);
      servers.set(system, { accounts, before: await namesOn(accounts) });
    }
    await furnish(world, scenarios);
  });
  afterAll(async () => {
    for (const { accounts } of servers.values()) accounts.destroy();
    await world.stop();
    if (process.env.KILL_KEEP !== '1') return;
    for (const [system, operations] of found) {
      const missing = keyOperations.filter((operation) => !operations.has(operation));
      if (missing.length > 0)
        throw new Error(`nothing is kept on ${system}: ${missing.join(', ')} did not come to the end`);
      const all = keyOperations.map((operation) => [operation, operations.get(operation)] as const);
      await writeKills(system, Object.fromEntries(all) as Record<KeyOperation, KilledAfter>);
    }
  });

  describe(batteryTitle, { timeout: batteryTimeoutMs }, () => {
    it.concurrent.each(scenarios.map((scenario, salt) => ({ scenario, salt, title: titleOf(scenario) })))(
      'leaves exactly the keys that are to live: $title',
      async ({ scenario, salt }) => {
        const { server, action } = scenario;
        const figures = await runScenario(world, scenario, salt);
        found.get(server)?.set(action, figures);
        if (process.env.KILL_KEEP === '1') return;
        const kept = keptKills(server)?.operations[action].writes ?? [];
        expect(
          figures.writes.filter((write) => !kept.includes(write)),
          `writes that docs/kill-matrix/${server}.yaml does not have; run: npm run prove -- kills --servers ${server}`,
        ).toEqual([]);
      },
    );

    it('was killed after reads too', () => {
      const reads = [...found.values()].flatMap((operations) =>
        [...operations.values()].map((each) => each.reads.length),
      );
      expect(reads.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(scenarios.length);
    });

    it.each(systems)('leaves no user, policy or bucket that nobody asked for on %s', async (system) => {
      const { accounts, before } = serverOf(system);
      expect(await namesOn(accounts)).toEqual(before);
      const bases = scenarios
        .filter(({ server }) => server === system)
        .map((scenario) => baseBucket(namespaceOf(scenario)));
      expect((await s3View(world.server(system)).bucketNames('')).toSorted()).toEqual(bases.toSorted());
    });

    it('puts no secret out', async () => {
      expect(world.secrets.size).toBeGreaterThan(20);
      expect(await world.findLeaks()).toEqual([]);
    });
  });
};
