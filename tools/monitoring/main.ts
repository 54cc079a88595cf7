import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bundleControllers, startWorld } from '../harness/index.ts';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { drawRows } from './draw.ts';
import { rows } from './panels.ts';
import { startScenario } from './scenario.ts';

// npm run monitoring: runs the controllers below a Prometheus for two minutes, and draws what the dashboard shows of them into
// docs/images/dashboard.png.

const seconds = 120;
const file = join(projectRoot, 'docs/images/dashboard.png');
const folder = join(projectRoot, '.local/monitoring');

const { signal } = untilSignal();
const { bundles, remove } = await bundleControllers(folder);
const world = await startWorld('monitoring', ['minio'], { bundles, folder, signal });
try {
  const scenario = await startScenario(world);
  const from = Date.now() / 1_000;
  console.log(`drawing ${seconds} seconds of ${scenario.prometheus.url}`);
  while (Date.now() / 1_000 < from + seconds) {
    await scenario.stir(String(Date.now()));
    await delay(5_000, undefined, { signal });
  }
  const queries = rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries));
  const answers = new Map(
    await Promise.all(
      queries.map(async (query) => [query, await scenario.ask(query.expr, from, Date.now() / 1_000)] as const),
    ),
  );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, drawRows(rows, answers));
  console.log(`drawn: ${file}`);
  await scenario.stop();
} finally {
  await world.stop();
  await remove();
}
