import { parseDuration } from '@operator/api';
import { expect, it } from 'vitest';
import { chartValues, schemaFile } from './values.ts';

interface Schema {
  readonly pattern?: string;
  readonly properties: Readonly<Record<string, Schema>>;
}

it.each(['10m', '1h30m', '90s', '1.5h', '500ms', '10', 'm', '1h 30m', '1234567s'])(
  'the charts take the duration %s where the controllers take it, and refuse it where they do not',
  (duration) => {
    for (const values of chartValues) {
      const { operator } = (JSON.parse(schemaFile(values)) as Schema).properties;
      for (const name of ['resyncInterval', 'shutdownDeadline']) {
        const { pattern = '' } = operator?.properties[name] ?? {};
        expect(new RegExp(pattern).test(duration), `${values.chart} ${name}`).toBe(
          parseDuration(duration) !== undefined,
        );
      }
    }
  },
);
