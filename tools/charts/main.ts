import { join, relative } from 'node:path';
import { obtainServers } from '../local/servers/obtain.ts';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { packageCharts } from './package.ts';

// npm run charts: packages every chart into dist/charts.

const { signal } = untilSignal();
const { helm } = await obtainServers(['helm'], { log: console.log, signal });
const packaged = await packageCharts(helm, join(projectRoot, 'dist/charts'));
for (const archive of packaged.values()) console.log(relative(projectRoot, archive));
