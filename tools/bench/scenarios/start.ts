import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  accessKeySpec,
  bucketSpec,
  controllerNames,
  publicPolicySpec,
  startWorld,
  untilPasses,
  type Controller,
  type ControllerName,
  type OurKind,
} from '@operator/tools/harness';
import { connection } from '../connection.ts';
import type { Figure, Scenario } from '../scenario.ts';

const kindOf: Readonly<Record<ControllerName, OurKind>> = {
  provider: 'Provider',
  bucket: 'Bucket',
  policy: 'BucketPolicy',
  accesskey: 'AccessKey',
};
const place = 'start';

/** By itself the first look at what is at rest comes within ten minutes. */
const flags = ['--resync-interval=10m'];

/** Tells at the exit how many modules were loaded, those of Node included. */
const countModules = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module';
   let loaded = 0;
   registerHooks({ load: (url, context, next) => { loaded += 1; return next(url, context); } });
   process.on('exit', () => console.log('LOADED ' + loaded));`,
)}`;

/** Each controller by itself: with nothing to do, and then with one object of its kind to look at. */
export const start: Scenario = {
  name: 'start',
  title: 'Controllers that start: time to the first pass, memory at idle, size',
  isTimed: true,
  async run({ bundles, dir, signal, quick, runs }) {
    const starts = quick ? 1 : runs;
    const figures: Figure[] = [];
    const world = await startWorld('start', ['minio'], { bundles, folder: dir, proxies: false, signal });
    try {
      const { kube } = world;
      const controllers: Controller[] = [];
      const { asPod, note } = connection();
      for (const name of controllerNames) controllers.push(await world.startController(name, { asPod, flags }));
      // What the start has left behind is collected, or grown into, within this time.
      await delay(quick ? 2_000 : 10_000, undefined, { signal });
      const emptyMebibytes = await Promise.all(controllers.map((controller) => controller.residentMebibytes()));
      await world.createNamespace(place);
      await world.createProvider(place, place, { server: 'minio' });
      await kube.create('Bucket', place, place, bucketSpec(place, place));
      await kube.create('BucketPolicy', place, place, publicPolicySpec(place, 's3:GetObject'));
      await kube.create('AccessKey', place, place, accessKeySpec(place, place, 'ReadOnly'));
      for (const kind of Object.values(kindOf)) await kube.untilReady(kind, place, place, 60_000);
      for (const controller of controllers) await controller.stop();

      for (const [index, controller] of controllers.entries()) {
        const { name } = controller;
        const firstPassMs: number[] = [];
        const idleMebibytes: number[] = [];
        for (let nth = 0; nth < starts; nth += 1) {
          signal.throwIfAborted();
          await controller.start();
          await untilPasses(controller, kindOf[name], 1, 30_000, 5);
          firstPassMs.push(Date.now() - controller.startedAt);
          await delay(quick ? 1_000 : 5_000, undefined, { signal });
          idleMebibytes.push(await controller.residentMebibytes());
          await controller.stop();
        }
        const { main, all } = await sizeOf(join(bundles, `${name}-controller`));
        const figure = (what: string, unit: Figure['unit'], values: readonly number[], more: Partial<Figure> = {}) =>
          figures.push({ scenario: 'start', name: `${name}: ${what}`, unit, values, ...more });
        figure('exec to the first pass', 'ms', firstPassMs, { aim: { atMost: 500 }, note });
        figure('memory without any object', 'MiB', [emptyMebibytes[index] ?? NaN], { aim: { atMost: 90 }, note });
        figure('memory with one of each kind', 'MiB', idleMebibytes);
        figure('main.js', 'MiB', [main]);
        figure('main.js and its chunks', 'MiB', [all]);
        figures.push({
          scenario: 'start',
          name: `${name}: modules loaded`,
          unit: 'count',
          values: [await countLoaded((options) => world.startController(name, { ...options, flags }), kindOf[name])],
        });
      }
      return figures;
    } finally {
      await world.stop();
    }
  },
};

const countLoaded = async (
  begin: (options: { readonly as: string; readonly nodeFlags: readonly string[] }) => Promise<Controller>,
  kind: OurKind,
): Promise<number> => {
  const controller = await begin({ as: `${kind}-modules`, nodeFlags: ['--import', countModules] });
  await untilPasses(controller, kind, 1);
  await controller.stop();
  const loaded = /^LOADED (\d+)$/m.exec(await controller.output())?.[1];
  if (loaded === undefined) throw new Error(`${controller.proxy} did not say how many modules it had loaded`);
  return Number(loaded);
};

/** MiB of main.js, and of all that is shipped with it, without source maps. */
const sizeOf = async (bundle: string): Promise<{ readonly main: number; readonly all: number }> => {
  const files = (await readdir(bundle, { recursive: true })).filter((file) => file.endsWith('.js'));
  const sizes = await Promise.all(
    files.map(async (file) => ({ file, mebibytes: (await stat(join(bundle, file))).size / 2 ** 20 })),
  );
  return {
    main: sizes.find(({ file }) => file === 'main.js')?.mebibytes ?? NaN,
    all: sizes.reduce((sum, { mebibytes }) => sum + mebibytes, 0),
  };
};
