import { readFileSync, writeFileSync } from 'node:fs';
import { spansIn } from '../local/collector.ts';
import { drawTrace, pickTrace } from './draw.ts';

// usage: npm run trace-picture -- FILE ROOT PICTURE: draws a trace whose root has this name, the one with most spans. FILE is what the file
// exporter of an OpenTelemetry Collector wrote.

const [file, root, picture, ...others] = process.argv.slice(2);
if (file === undefined || root === undefined || picture === undefined || others.length > 0) {
  console.error(
    'usage: npm run trace-picture -- FILE ROOT PICTURE.svg, such as traces.jsonl "reconcile Bucket" trace.svg',
  );
  process.exitCode = 2;
} else {
  writeFileSync(picture, drawTrace(pickTrace(spansIn(readFileSync(file, 'utf8')), root)));
}
