import { bundleControllers, startWorld, type World } from '@operator/tools/harness';
import { describeKeyKills } from './kills/key-battery.ts';
import { runsFolder } from './bundles.ts';

describeKeyKills(['ceph'], async (): Promise<World> => {
  const { bundles, remove } = await bundleControllers(runsFolder);
  const world = await startWorld('key-kills-ceph', ['ceph'], { bundles, folder: runsFolder });
  return { ...world, stop: () => world.stop().finally(remove) };
});
